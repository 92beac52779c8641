// What a participant's tunnel client (Xray, v2ray) is started with: the `xrayConfig` of `vpn-config-received`.
// Facts: a client that verifies a private certificate by `certificates` with usage `verify` works in all of them; Xray
// refuses a text as `version` from 25.8.3 on and `allowInsecure` from 26.1.31 on, so neither is written for it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/private.h"

namespace zvonok::signal::tunnel {

/// Where `version` goes. It is always beside `xrayConfig`.
enum class VersionInside { Yes, No };

enum class Security { None, Tls };

struct ClientConfig {
  std::string server;  // a name or an address
  std::uint16_t port = 443;
  Private<std::string> user;            // the VLESS id: a UUID
  Private<std::string> encryption_key;  // base64; the same for both sides
  std::string peer_endpoint;            // "ip:port", virtual
  std::string sfu_endpoint;             // "ip:port", virtual; may be empty
  std::string path = "/call";
  Security security = Security::Tls;
  std::string server_name;               // of the certificate; empty: `server`
  std::vector<std::string> certificate;  // PEM lines of one that is not publicly trusted; empty otherwise
  std::uint16_t socks_port = 10808;
  VersionInside version_inside = VersionInside::Yes;
};

/// Appends the configuration as JSON.
void append_client_config(std::string& out, const ClientConfig& config);

/// Whether Xray of that version ("25.8.3", "v26.1") takes a text as `version`. True for what is no version.
[[nodiscard]] VersionInside version_inside_for(std::string_view xray_version);

inline constexpr std::string_view kConfigVersion = "1.0";

}  // namespace zvonok::signal::tunnel
