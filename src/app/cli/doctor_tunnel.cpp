// The part of `zvonok doctor` about an external tunnel server: whether its API can be reached, is the one of the
// settings, and tells what calls use.
#include "adapter/tunnel_xray/user_api.h"
#include "app/cli/doctor_report.h"
#include "app/tunnel/external_tunnel.h"

namespace zvonok::app {

namespace {

/// Calls go without statistics; the history goes without bytes.
void check_statistics(DoctorReport& report, tunnel_xray::GrpcUserApi& api) {
  const tunnel_xray::TrafficAnswer answer = api.traffic("", tunnel_xray::Reset::No);
  if (answer.status != tunnel_xray::ApiStatus::Done) {
    return report.warn("the tunnel server has no statistics: " + answer.detail,
                       "the history lacks the bytes of calls; its configuration needs `stats` and the service "
                       "StatsService (`zvonok xray-config` prints one)");
  }
  if (!answer.counters.empty()) return report.good("the tunnel server counts what its users send and get");
  report.good(
      "the tunnel server has a StatsService; it has counted nobody so far: if that is so after a call, its policy "
      "lacks statsUserUplink and statsUserDownlink");
}

}  // namespace

void check_tunnel(DoctorReport& report, const Config& config) {
  if (config.vpn_provider == "embedded") return;
  const std::string where = "the API of the tunnel server at XRAY_API=" + config.xray_api;
  auto channel = tunnel_xray::GrpcChannel::create({.address = config.xray_api});
  if (!channel) return report.bad(where + ": " + channel.error(), "XRAY_API is host:port");
  tunnel_xray::GrpcUserApi api{std::move(*channel), {.flavour = xray_flavour(config), .inbound = config.xray_inbound}};
  // Nobody has this name, so nothing is changed; only a server with that inbound can say so.
  const tunnel_xray::ApiAnswer answer = api.remove("zvonok.doctor.nobody");
  switch (answer.status) {
    case tunnel_xray::ApiStatus::NotFound:
    case tunnel_xray::ApiStatus::Done:
      report.good(where + " answers and has the inbound " + config.xray_inbound);
      return check_statistics(report, api);
    case tunnel_xray::ApiStatus::Unavailable:
      return report.bad(
          where + " can't be reached: " + answer.detail,
          "check that it runs, with the configuration of `zvonok xray-config`; until then calls through a "
          "tunnel end with vpn-failed");
    case tunnel_xray::ApiStatus::AlreadyExists:
    case tunnel_xray::ApiStatus::Refused:
      return report.bad(
          where + " refuses: " + answer.detail,
          "compare VPN_PROVIDER and XRAY_INBOUND with its configuration (`zvonok xray-config` prints one)");
  }
}

}  // namespace zvonok::app
