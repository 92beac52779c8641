#include "app/cli/loadtest_flags.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <netdb.h>

#include "app/config/config.h"
#include "net/sockaddr.h"

namespace zvonok::app {
namespace {

constexpr unsigned kParticipantsMax = 20'000;

/// "ws://host:port" or "wss://host:port" to where that is.
Result<void, std::string> read_url(const std::string& url, net::TlsClient::Trust trust, load::Target& out) {
  const bool is_tls = url.starts_with("wss://");
  if (!is_tls && !url.starts_with("ws://")) return fail(std::string{"--url must begin with ws:// or wss://"});
  if (is_tls) {
    auto client = net::TlsClient::create(trust);
    if (!client) return fail(std::move(client.error()));
    out.tls = std::make_shared<const net::TlsClient>(std::move(*client));
  }
  std::string host = url.substr(url.find("//") + 2);
  while (host.ends_with('/')) host.pop_back();
  out.host = host;
  std::string port{is_tls ? "443" : "80"};
  if (const auto colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.name = host;
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_flags = AI_V4MAPPED | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return fail("--url " + url + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
  sockaddr_in6 address{};
  std::memcpy(&address, found->ai_addr, sizeof address);
  out.server = net::to_address(address);
  return {};
}

Result<void, std::string> read_tokens(const std::string& path, std::vector<std::string>& out) {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) out.push_back(line);
  }
  if (out.empty()) return fail("--token-file " + path + ": no tokens in it");
  return {};
}

/// "10s" and the like.
Result<Duration, std::string> read_duration(const char* name, const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed) return fail(std::string{name} + " " + text + " is not a duration such as 10s");
  return *parsed;
}

/// What both kinds of runs have.
template <class Options>
Result<void, std::string> read_durations(const LoadtestFlags& flags, Options& out) {
  struct One {
    const char* name;
    const std::string& text;
    Duration& to;
  };
  for (const One& one : {One{"--duration", flags.duration, out.window}, One{"--warm-up", flags.warm_up, out.warm_up},
                         One{"--join-timeout", flags.join_timeout, out.join_timeout}}) {
    const auto read = read_duration(one.name, one.text);
    if (!read) return fail(read.error());
    one.to = *read;
  }
  return {};
}

template <class Options>
Result<void, std::string> read_ramp(const std::string& text, Options& out) {
  if (text.empty()) return {};
  if (text == "at-once") {
    out.joins_per_second = 0;
    return {};
  }
  char* end = nullptr;
  out.joins_per_second = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || !(out.joins_per_second > 0)) {
    return fail("--ramp " + text + " is neither a number of joins per second nor at-once");
  }
  return {};
}

Result<load::Target, std::string> read_target(const LoadtestFlags& flags) {
  load::Target out;
  out.secret = Private<std::string>{flags.secret};
  out.pid = flags.pid;
  if (auto read =
          read_url(flags.url, flags.insecure ? net::TlsClient::Trust::Everybody : net::TlsClient::Trust::System, out);
      !read)
    return fail(read.error());
  if (flags.secret.empty() && flags.token_file.empty()) {
    return fail(std::string{"--secret or --token-file is needed"});
  }
  if (!flags.token_file.empty()) {
    if (auto read = read_tokens(flags.token_file, out.tokens); !read) return fail(read.error());
  }
  return out;
}

Result<load::LoadOptions, std::string> plan_rooms(const LoadtestFlags& flags, load::Target target) {
  load::LoadOptions out = flags.load;
  out.target = std::move(target);
  out.room_prefix = flags.prefix;
  if (flags.meet) out.publishers_do = load::LoadOptions::Publishers::HearEachOther;
  if (flags.no_reports) out.reports = load::Reports::Off;
  if (flags.simulcast) out.video = load::LoadOptions::Video::Simulcast;
  if (flags.feedback) out.transport_feedback = load::TransportFeedback::On;
  if (flags.nack) out.repair = load::Repair::On;
  if (auto read = read_durations(flags, out); !read) return fail(read.error());
  if (auto read = read_ramp(flags.ramp, out); !read) return fail(read.error());
  if (std::uint64_t{out.rooms} * (out.publishers + out.subscribers) > kParticipantsMax) {
    return fail("more than " + std::to_string(kParticipantsMax) + " participants");
  }
  return out;
}

Result<load::PairLoadOptions, std::string> plan_pairs(const LoadtestFlags& flags, load::Target target) {
  load::PairLoadOptions out;
  if (!target.tokens.empty()) return fail(std::string{"calls need --secret: who is called must be known by name"});
  out.target = std::move(target);
  out.user_prefix = flags.prefix;
  out.kind = flags.signalling_only ? load::PairLoadOptions::Kind::Relays : load::PairLoadOptions::Kind::Calls;
  out.pairs = flags.signalling_only ? (flags.connections + 1) / 2 : flags.calls;
  out.calls_per_second = flags.call_rate;
  out.messages_per_second = flags.signalling_only ? flags.messages_per_second : 0;
  out.message_bytes = flags.message_bytes;
  out.watched = flags.watch;
  const auto hold = read_duration("--hold", flags.hold);
  if (!hold) return fail(hold.error());
  out.hold = *hold;
  if (auto read = read_durations(flags, out); !read) return fail(read.error());
  if (auto read = read_ramp(flags.ramp, out); !read) return fail(read.error());
  return out;
}

void add_room_flags(CLI::App& command, LoadtestFlags& flags) {
  load::LoadOptions& load = flags.load;
  command.add_option("--rooms", load.rooms, "Rooms")->check(CLI::Range(1U, 10'000U))->capture_default_str();
  command.add_option("--publishers", load.publishers, "Publishers of each room")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  command.add_option("--subscribers", load.subscribers, "Participants of each room who only receive")
      ->check(CLI::Range(0U, kParticipantsMax))
      ->capture_default_str();
  command.add_flag("--meet", flags.meet, "Publishers hear and see each other");
  command
      .add_option("--audio-packets-per-second", load.audio_packets_per_second, "Of each publisher's audio; 0: no audio")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  command
      .add_option("--video-packets-per-second", load.video_packets_per_second, "Of each publisher's video; 0: no video")
      ->check(CLI::Range(0U, 10'000U))
      ->capture_default_str();
  const auto bytes = CLI::Range(std::size_t{load::kPayloadBytesMin}, std::size_t{1200});
  command.add_option("--audio-bytes", load.audio_bytes, "Payload of an audio packet")
      ->check(bytes)
      ->capture_default_str();
  command.add_option("--video-bytes,--packet-bytes", load.video_bytes, "Payload of a video packet")
      ->check(bytes)
      ->capture_default_str();
  command
      .add_option("--churn", load.leaves_per_second, "Subscribers who leave each second, and come back a second later")
      ->check(CLI::Range(0.0, 1'000.0));
  command
      .add_option("--verify-share", load.verify_share,
                  "Of the receivers of each room, at least one, who decrypt everything; 0: nobody")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_flag("--no-reports", flags.no_reports, "No sender and receiver reports");
}

/// How media is sent.
void add_media_flags(CLI::App& command, LoadtestFlags& flags) {
  command.add_flag("--simulcast", flags.simulcast,
                   "Publishers send video in three layers (q, h, f); with --feedback and --nack");
  command.add_flag("--feedback", flags.feedback, "Receivers tell when each packet came (transport-wide feedback)");
  command.add_flag("--nack", flags.nack, "Lost video is asked for again and repaired by RTX");
  command.add_option("--tcp", flags.load.tcp_share, "The share of participants whose media goes over TCP, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

void add_pair_flags(CLI::App& command, LoadtestFlags& flags) {
  command.add_option("--calls", flags.calls, "No rooms: so many pairs who call each other again and again")
      ->check(CLI::Range(1U, kParticipantsMax / 2));
  command.add_option("--call-rate", flags.call_rate, "Of --calls: calls begun a second, by all together")
      ->check(CLI::Range(0.01, 10'000.0))
      ->capture_default_str();
  command.add_option("--hold", flags.hold, "Of --calls: how long a call lasts")->capture_default_str();
  command.add_flag("--signalling-only", flags.signalling_only, "No rooms: pairs in calls who only exchange messages");
  command.add_option("--connections", flags.connections, "Of --signalling-only: sockets")
      ->check(CLI::Range(2U, kParticipantsMax))
      ->capture_default_str();
  command
      .add_option("--messages-per-second", flags.messages_per_second, "Of --signalling-only: what each socket sends")
      ->check(CLI::Range(0.0, 10'000.0))
      ->capture_default_str();
  command.add_option("--message-bytes", flags.message_bytes, "Of such a message, and of a candidate")
      ->check(CLI::Range(std::size_t{0}, std::size_t{100'000}))
      ->capture_default_str();
  command.add_option("--watch", flags.watch, "Users whose presence each socket asks for")
      ->check(CLI::Range(0U, 500U))
      ->capture_default_str();
}

}  // namespace

void add_loadtest_flags(CLI::App& command, LoadtestFlags& flags) {
  command.add_option("--url", flags.url, "The server's signalling, ws://host:port or wss://host:port")
      ->capture_default_str();
  command.add_flag("--insecure", flags.insecure, "With wss: believe any certificate");
  command.add_option("--secret", flags.secret, "The server's JWT_SECRET, to make tokens with")->envname("JWT_SECRET");
  command.add_option("--token-file", flags.token_file,
                     "Tokens, one a line, which participants take in turn, instead of a secret");
  command.add_option("--prefix,--room-prefix", flags.prefix, "Groups and users are named by this and a number")
      ->capture_default_str();
  add_room_flags(command, flags);
  add_media_flags(command, flags);
  add_pair_flags(command, flags);
  command.add_option("--ramp", flags.ramp, "Joins per second (rooms: 50, sockets: 200), or at-once");
  command.add_option("--duration", flags.duration, "What is measured")->capture_default_str();
  command.add_option("--warm-up", flags.warm_up, "Between the last join and what is measured")->capture_default_str();
  command.add_option("--join-timeout", flags.join_timeout, "Who is not in by then never joined")->capture_default_str();
  command.add_option("--pid", flags.pid, "The server's process, to tell its CPU time and memory")
      ->check(CLI::PositiveNumber);
  command.add_option("--json", flags.json_file, "Append the result to this file, as one line of JSON");
  command.add_option("--scenario", flags.scenario_file,
                     "A file of `name = value` lines named as these flags; its sections run one after the other");
}

Result<LoadtestPlan, std::string> read_loadtest_flags(const LoadtestFlags& flags) {
  if (flags.calls > 0 && flags.signalling_only) {
    return fail(std::string{"either --calls or --signalling-only"});
  }
  auto target = read_target(flags);
  if (!target) return fail(std::move(target.error()));
  if (flags.calls > 0 || flags.signalling_only) {
    auto pairs = plan_pairs(flags, std::move(*target));
    if (!pairs) return fail(std::move(pairs.error()));
    return LoadtestPlan{std::move(*pairs)};
  }
  auto rooms = plan_rooms(flags, std::move(*target));
  if (!rooms) return fail(std::move(rooms.error()));
  return LoadtestPlan{std::move(*rooms)};
}

}  // namespace zvonok::app
