#include "app/tunnel/external_tunnel.h"

#include <cctype>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/address.h"

namespace zvonok::app {
namespace {

/// Of emails: the server compares them in any case, and some put them into names of statistics.
std::string email_prefix(const std::string& node) {
  std::string out = "zvonok.";
  for (const char c : node) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    out.push_back(plain ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '_');
  }
  return out;
}

bool is_loopback(const std::string& address) {
  if (address.starts_with("localhost:") || address.starts_with("127.") || address.starts_with("[::1]:")) return true;
  return false;
}

}  // namespace

tunnel_xray::Flavour xray_flavour(const Config& config) {
  return config.vpn_provider == "v2ray" ? tunnel_xray::Flavour::V2ray : tunnel_xray::Flavour::Xray;
}

Result<ExternalTunnel, std::string> make_external_tunnel(const Config& config, const std::string& node, net::Loop& loop,
                                                         Entropy& entropy, Logger& log) {
  ExternalTunnel out;
  if (config.vpn_provider == "embedded") return out;
  if (!config.xray_certificate.empty()) {
    std::ifstream file{config.xray_certificate, std::ios::binary};
    out.certificate.assign(std::istreambuf_iterator<char>{file}, {});
    if (!file.good() && out.certificate.empty()) {
      return fail("XRAY_CERT=" + config.xray_certificate + " cannot be read");
    }
  }
  if (!is_loopback(config.xray_api)) {
    log.warn(
        "XRAY_API is not on this machine, and has no authentication: whoever reaches it owns that server's network",
        {{"address", config.xray_api}});
  }
  tunnel_xray::XrayProvider::Options options;
  options.channel.address = config.xray_api;
  options.api = {.flavour = xray_flavour(config), .inbound = config.xray_inbound};
  options.keeper.prefix = email_prefix(node);
  options.keeper.calls_max = config.calls_max;
  options.media_endpoint = config.xray_media;
  auto provider = tunnel_xray::XrayProvider::create(
      std::move(options), {.post = [&loop](std::move_only_function<void()> run) { loop.post(std::move(run)); },
                           .entropy = entropy,
                           .log = log});
  if (!provider) return fail(std::move(provider.error()));
  out.provider = std::move(*provider);
  return out;
}

}  // namespace zvonok::app
