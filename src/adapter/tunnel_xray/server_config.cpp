#include "adapter/tunnel_xray/server_config.h"

#include <string_view>

#include "proto/json_scan.h"

namespace zvonok::tunnel_xray {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

/// The address as a network of one.
std::string network_of(const SocketAddress& media) {
  return quoted(media.ip.to_text() + (media.ip.is_v4() ? "/32" : "/128"));
}

std::string calls_inbound(const ServerConfig& config) {
  std::string out = R"({"tag":)" + quoted(config.inbound) + R"(,"port":)" + std::to_string(config.port) +
                    R"(,"protocol":"vless",)"
                    "\n     "
                    R"("settings":{"clients":[],"decryption":"none"},)"
                    "\n     "
                    R"("streamSettings":{"network":"ws","wsSettings":{"path":)" +
                    quoted(config.path) + "},";
  if (config.certificate_file.empty()) return out + R"("security":"none"}})";
  return out +
         R"("security":"tls",)"
         "\n       "
         R"("tlsSettings":{"alpn":["http/1.1"],"certificates":[{"certificateFile":)" +
         quoted(config.certificate_file) + R"(,"keyFile":)" + quoted(config.key_file) + "}]}}}";
}

/// Newer Xrays refuse private addresses to VLESS users unless they are named, and check each packet of a UDP session by
/// these rules, where routing looks at the first only.
std::string media_outbound(const ServerConfig& config) {
  std::string out = R"({"tag":"media","protocol":"freedom","settings":{"domainStrategy":"AsIs")";
  if (config.flavour == Flavour::Xray) {
    out += R"(,"finalRules":[{"action":"allow","network":"tcp,udp","ip":[)" + network_of(config.media) +
           R"(],"port":)" + quoted(std::to_string(config.media.port)) + R"(},{"action":"block"}])";
  }
  return out + "}}";
}

}  // namespace

std::string print_server_config(const ServerConfig& config) {
  std::string out = "{\n";
  // Nothing is logged of single connections: who called whom is nobody's business.
  out += R"(  "log":{"access":"none","loglevel":"warning"},)"
         "\n"
         R"(  "api":{"tag":"api","services":["HandlerService","StatsService"]},)"
         "\n"
         R"(  "stats":{},)"
         "\n"
         R"(  "policy":{"levels":{"0":{"handshake":4,"connIdle":60,"uplinkOnly":2,"downlinkOnly":5,)"
         "\n    "
         R"("statsUserUplink":true,"statsUserDownlink":true}}},)"
         "\n"
         R"(  "inbounds":[)"
         "\n"
         R"(    {"tag":"api-in","listen":"127.0.0.1","port":)";
  out += std::to_string(config.api_port) + R"(,"protocol":"dokodemo-door","settings":{"address":"127.0.0.1"}},)"
                                           "\n";
  out += "    " + calls_inbound(config) + "],\n";
  // The first one is the way of everything that no rule names.
  out += R"(  "outbounds":[)"
         "\n"
         R"(    {"tag":"blocked","protocol":"blackhole","settings":{}},)"
         "\n";
  out += "    " + media_outbound(config) + "],\n";
  out += R"(  "routing":{"domainStrategy":"AsIs","rules":[)"
         "\n"
         R"(    {"type":"field","inboundTag":["api-in"],"outboundTag":"api"},)"
         "\n"
         R"(    {"type":"field","inboundTag":[)";
  out += quoted(config.inbound) + R"(],"network":"tcp,udp","ip":[)" + network_of(config.media) + R"(],"port":)" +
         quoted(std::to_string(config.media.port)) +
         R"(,"outboundTag":"media"}]})"
         "\n}\n";
  return out;
}

}  // namespace zvonok::tunnel_xray
