// `zvonok xray-config`.
#include <charconv>
#include <iostream>

#include "adapter/tunnel_xray/server_config.h"
#include "app/cli/commands.h"
#include "app/tunnel/external_tunnel.h"
#include "base/address.h"

namespace zvonok::app {
namespace {

std::uint16_t port_of(const std::string& address) {
  std::uint16_t port = 0;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return 0;
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  return port;
}

}  // namespace

int xray_config(const Config& config, const XrayConfigRequest& request) {
  const auto media = SocketAddress::parse(config.xray_media);
  const std::uint16_t api_port = port_of(config.xray_api);
  if (!media || config.vpn_port == 0 || api_port == 0) {
    std::cerr << "zvonok: VPN_PORT (such as 443), XRAY_MEDIA (such as 203.0.113.7:3478) and XRAY_API (such as "
                 "127.0.0.1:10085) are needed: they say what is let in, and where to\n";
    return 2;
  }
  tunnel_xray::ServerConfig out;
  out.flavour = xray_flavour(config);
  out.api_port = api_port;
  out.inbound = config.xray_inbound;
  out.port = config.vpn_port;
  out.media = *media;
  if (config.xray_tls) {
    out.certificate_file = request.certificate_file;
    out.key_file = request.key_file;
  }
  std::cout << tunnel_xray::print_server_config(out);
  return 0;
}

}  // namespace zvonok::app
