#include "signal/tunnel/client_config.h"

#include <array>
#include <charconv>
#include <compare>
#include <string_view>

#include "proto/json_scan.h"

namespace zvonok::signal::tunnel {
namespace {

void append_outbound(std::string& out, const ClientConfig& config) {
  out += R"({"tag":"call-out","protocol":"vless","settings":{"vnext":[{"address":)";
  json::append_string(out, config.server);
  out += R"(,"port":)" + std::to_string(config.port) + R"(,"users":[{"id":)";
  json::append_string(out, config.user.reveal());
  out += R"(,"encryption":"none"}]}]},"streamSettings":{"network":"ws","security":)";
  out += config.security == Security::Tls ? R"("tls")" : R"("none")";
  out += R"(,"wsSettings":{"path":)";
  json::append_string(out, config.path);
  out += '}';
  if (config.security == Security::Tls) {
    out += R"(,"tlsSettings":{"serverName":)";
    json::append_string(out, config.server_name.empty() ? config.server : config.server_name);
    if (!config.certificate.empty()) {
      out += R"(,"disableSystemRoot":true,"certificates":[{"usage":"verify","certificate":[)";
      for (std::size_t i = 0; i < config.certificate.size(); ++i) {
        if (i > 0) out += ',';
        json::append_string(out, config.certificate[i]);
      }
      out += "]}]";
    }
    out += '}';
  }
  out += "}}";
}

}  // namespace

void append_client_config(std::string& out, const ClientConfig& config) {
  out += '{';
  if (config.version_inside == VersionInside::Yes) {
    out += R"("version":)";
    json::append_string(out, kConfigVersion);
    out += ',';
  }
  out += R"("log":{"loglevel":"warning"},"inbounds":[{"tag":"socks-in","listen":"127.0.0.1","port":)";
  out += std::to_string(config.socks_port);
  out += R"(,"protocol":"socks","settings":{"auth":"noauth","udp":true,"ip":"127.0.0.1"}}],"outbounds":[)";
  append_outbound(out, config);
  out += "]}";
}

VersionInside version_inside_for(std::string_view xray_version) {
  if (!xray_version.empty() && (xray_version.front() == 'v' || xray_version.front() == 'V')) {
    xray_version.remove_prefix(1);
  }
  std::array<unsigned, 3> parts{};
  const char* at = xray_version.data();
  const char* const end = at + xray_version.size();
  for (unsigned& part : parts) {
    const auto [stop, error] = std::from_chars(at, end, part);
    if (error != std::errc{}) break;
    if (stop == end || *stop != '.') break;
    at = stop + 1;
  }
  constexpr std::array<unsigned, 3> kRefusesText{25, 8, 3};
  return parts < kRefusesText ? VersionInside::Yes : VersionInside::No;
}

}  // namespace zvonok::signal::tunnel
