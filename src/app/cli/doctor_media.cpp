#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/cli/doctor_report.h"
#include "app/cli/turn_probe.h"
#include "app/media/advertised.h"
#include "app/media/media_ports.h"
#include "app/media/media_shards.h"
#include "app/media/stun_server.h"
#include "net/clock.h"
#include "net/listen.h"
#include "net/stun_query.h"
#include "net/system_entropy.h"
#include "net/udp_socket.h"

namespace zvonok::app {
namespace {

constexpr const char* kTaken =
    "if that is a running Zvonok, all is well; else free the port or choose another one, and let the firewall pass it";

std::uint16_t udp_port(const Config& config) {
  return config.media_udp_port != 0 ? config.media_udp_port : kMediaUdpPort;
}

/// The ports of all media threads: those that are free in one line, each that is taken in one of its own. Gives what is
/// wrong with a port, if anything.
template <class Try>
void check_ports(DoctorReport& report, const Config& config, std::uint16_t first, const std::string& kind,
                 Try attempt) {
  std::vector<std::uint16_t> free;
  for (std::size_t i = 0; i < media_threads(config); ++i) {
    const std::uint16_t port = port_of_thread(first, i);
    const std::optional<std::string> wrong = attempt(port);
    if (!wrong) free.push_back(port);
    if (wrong) report.warn("media: " + *wrong, std::string{kTaken} + " (MEDIA_" + kind + "_PORT)");
  }
  if (free.empty()) return;
  const std::string which = (free.size() == 1 ? " port " : " ports ") + port_ranges(free);
  report.good("media: " + kind + which + (free.size() == 1 ? " is" : " are") + " free; let the firewall pass " +
              (free.size() == 1 ? "it" : "them"));
}

void check_udp(DoctorReport& report, const Config& config) {
  check_ports(report, config, udp_port(config), "UDP", [](std::uint16_t port) -> std::optional<std::string> {
    auto socket = net::UdpSocket::open({.address = {.ip = {}, .port = port}});
    return socket ? std::nullopt : std::optional{std::move(socket.error())};
  });
}

void check_buffers(DoctorReport& report) {
  const auto socket = net::UdpSocket::open({.address = {}});
  if (!socket) return report.bad("media: no UDP socket: " + socket.error(), "look at the limits of open files");
  const auto small = socket->small_buffers();
  if (!small) return report.good("media: UDP sockets have buffers for bursts");
  report.warn("media: UDP sockets get small buffers, and bursts are lost: " + *small,
              "raise them by sysctl, or give the program CAP_NET_ADMIN");
}

void check_tcp(DoctorReport& report, const Config& config) {
  if (!config.media_tcp_port) {
    report.warn("media: ICE-TCP is off",
                "people whose network blocks UDP can't be heard in rooms; MEDIA_TCP_PORT=0 turns "
                "it on");
    return;
  }
  const std::uint16_t wanted = *config.media_tcp_port != 0 ? *config.media_tcp_port : udp_port(config);
  check_ports(report, config, wanted, "TCP", [](std::uint16_t port) -> std::optional<std::string> {
    auto listening = net::listen_tcp({.address = {}, .port = port});
    return listening ? std::nullopt : std::optional{std::move(listening.error())};
  });
}

void check_addresses(DoctorReport& report, const Config& config, Entropy& entropy) {
  AddressFacts facts = address_facts(config);
  if (needs_discovery(facts) && !config.media_discovery_stun.empty()) {
    const auto server = net::resolve_udp(config.media_discovery_stun, kStunPort);
    const auto answer = server ? net::ask_stun({.server = *server, .local_port = 0}, entropy) : fail(server.error());
    if (answer) {
      facts.seen_from = answer->seen_at.ip;
      report.good("media: MEDIA_DISCOVERY_STUN sees us at " + answer->seen_at.ip.to_text());
    } else {
      report.bad("media: MEDIA_DISCOVERY_STUN: " + answer.error(),
                 "check the name and that UDP gets out, or set MEDIA_ADVERTISED_IP");
    }
  }
  const AdvertisedAddresses chosen = choose_addresses(facts);
  for (const AdvertisedAddresses::Doubt& doubt : chosen.doubts) report.warn(doubt.text, doubt.advice);
  std::string list;
  for (const IpAddress& ip : chosen.addresses) list += (list.empty() ? "" : ", ") + ip.to_text();
  if (chosen.doubts.empty()) report.good("media is advertised at " + list);
}

/// One question by loopback to whoever has the port: a running server, or one that is started for it.
void check_stun(DoctorReport& report, const Config& config, Entropy& entropy) {
  if (config.stun_port == 0) return report.good("our own STUN is off (STUN_PORT=0)");
  const std::string port = std::to_string(config.stun_port);
  const net::StunQuery query{.server = {.ip = IpAddress::v4(0x7F000001), .port = config.stun_port}};
  auto loop = net::Loop::create();
  if (!loop) return report.bad("STUN: " + loop.error(), "raise the limit on open files");
  auto server = StunServer::create(**loop, {.address = {.ip = {}, .port = config.stun_port}});
  std::thread serving;
  if (server) serving = std::thread{[&] { (*loop)->run(); }};
  const auto answer = net::ask_stun(query, entropy);
  (*loop)->stop();
  if (serving.joinable()) serving.join();
  if (answer && server) return report.good("STUN answers on UDP port " + port + "; let the firewall pass it");
  if (answer) return report.good("STUN answers on UDP port " + port + ": a server runs there");
  report.bad(server ? answer.error() : server.error() + ", and who has the port does not speak STUN",
             "choose another STUN_PORT, or 0 to do without");
}

void check_turn_url(DoctorReport& report, const Config& config, const std::string& url, Entropy& entropy) {
  const auto parsed = parse_turn_url(url);
  if (!parsed) return report.bad("TURN: " + parsed.error(), "write turn:host:port or turns:host:port?transport=tcp");
  if (parsed->security == TurnUrl::Security::Tls) {
    return report.warn("TURN: " + url + " was not tried: this check speaks no TLS", "try it with turnutils_uclient -S");
  }
  const auto server = net::resolve_udp(parsed->host_and_port, kStunPort);
  if (!server) return report.bad("TURN: " + server.error(), "check the name in TURN_URLS");
  constexpr std::int64_t kSecondsAhead = 120;
  const std::int64_t end = unix_seconds(net::read_clocks().wall) + kSecondsAhead;
  const auto given = probe_turn({.server = *server,
                                 .transport = parsed->transport,
                                 .credential = turn::make_credential(config.turn_secret.reveal(), "doctor", end)},
                                entropy);
  if (given) return report.good("TURN: " + url + " gives allocations to our credentials");
  report.bad(
      "TURN: " + url + ": " + given.error(),
      "with coturn: use-auth-secret, static-auth-secret equal to TURN_SECRET, a realm; its clock must be right and "
      "its port open");
}

void check_turn(DoctorReport& report, const Config& config, Entropy& entropy) {
  if (config.turn_urls.empty()) {
    if (!config.turn_secret.reveal().empty()) {
      report.bad("TURN_SECRET is set and TURN_URLS is not",
                 "name the TURN servers, such as turn:turn.example.org:3478");
    } else {
      report.warn("no TURN server is set",
                  "pair calls between two strict NATs fail without one: TURN_URLS, TURN_SECRET");
    }
    return;
  }
  for (const std::string& url : config.turn_urls) check_turn_url(report, config, url, entropy);
}

}  // namespace

void check_media(DoctorReport& report, const Config& config) {
  net::SystemEntropy entropy;
  check_udp(report, config);
  check_buffers(report);
  check_tcp(report, config);
  check_addresses(report, config, entropy);
  check_stun(report, config, entropy);
  check_turn(report, config, entropy);
}

}  // namespace zvonok::app
