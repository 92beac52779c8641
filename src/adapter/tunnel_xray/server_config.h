// A configuration for an external Xray or v2ray that is safe to run: users of calls reach one media endpoint through it
// and nothing else, and its API is on loopback only.
#pragma once
#include <cstdint>
#include <string>

#include "adapter/tunnel_xray/messages.h"
#include "base/address.h"

namespace zvonok::tunnel_xray {

struct ServerConfig {
  Flavour flavour = Flavour::Xray;
  std::uint16_t api_port = 10085;
  std::string inbound = "calls-in";  // the tag
  std::uint16_t port = 443;
  std::string path = "/call";
  SocketAddress media;
  /// PEM files, as that server finds them. Both empty: no TLS, which is for a proxy in front and for tests.
  std::string certificate_file;
  std::string key_file;
};

/// JSON, a line for each part.
[[nodiscard]] std::string print_server_config(const ServerConfig& config);

}  // namespace zvonok::tunnel_xray
