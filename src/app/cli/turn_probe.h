// Asks a TURN server for an allocation with credentials such as clients get, and gives it back (RFC 8656 section 7).
// Over UDP and TCP. Blocks, so it is for the command line alone.
#pragma once
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/ice/path.h"
#include "proto/turn/credential.h"

namespace zvonok::app {

/// "turn:host:port?transport=tcp" taken apart (RFC 7065). TLS is told and not tried.
struct TurnUrl {
  std::string host_and_port;
  ice::Protocol transport = ice::Protocol::Udp;
  enum class Security { Plain, Tls } security = Security::Plain;
};
[[nodiscard]] Result<TurnUrl, std::string> parse_turn_url(std::string_view url);

struct TurnProbe {
  SocketAddress server;
  ice::Protocol transport = ice::Protocol::Udp;
  turn::Credential credential;
  Duration timeout = seconds{2};
};
/// The relayed address that was given. The error is one line that says what the server answered.
[[nodiscard]] Result<SocketAddress, std::string> probe_turn(const TurnProbe& probe, Entropy& entropy);

}  // namespace zvonok::app
