// JSON of GET /api/v1/ice-servers: what a client's RTCPeerConnection needs to get through NATs. Rooms tell it as well.
#pragma once
#include <string>
#include <vector>

#include "base/id.h"
#include "base/private.h"
#include "base/time.h"
#include "proto/http_message.h"

namespace zvonok::rest {

struct IceServers {
  std::vector<std::string> stun_urls;  // RFC 7064
  std::vector<std::string> turn_urls;  // RFC 7065
  Private<std::string> turn_secret;    // shared with the TURN server
  Duration credential_lifetime = hours{12};
};

/// [RTCIceServer] as text; the credentials are `user`'s own and end after `credential_lifetime`.
[[nodiscard]] std::string ice_server_list(const IceServers& servers, const UserId& user, WallTime now);
/// {ice_servers: [RTCIceServer], expires_in}.
[[nodiscard]] HttpResponse encode_ice_servers(const IceServers& servers, const UserId& user, WallTime now);

}  // namespace zvonok::rest
