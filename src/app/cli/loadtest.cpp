#include "app/cli/loadtest.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <netdb.h>

#include "app/config/config.h"
#include "load/generator.h"
#include "load/report.h"
#include "net/sockaddr.h"

namespace zvonok::app {
namespace {

constexpr int kUsageError = 2;
constexpr unsigned kParticipantsMax = 20'000;

struct Flags {
  std::string url = "ws://127.0.0.1:8080";
  std::string secret;
  std::string token_file;
  std::string ramp = "50";
  std::string duration = "10s";
  std::string warm_up = "2s";
  std::string join_timeout = "30s";
  std::string json_file;
  bool meet = false;
  bool no_reports = false;
  load::LoadOptions load;
};

int complain(const std::string& what) {
  std::cerr << "zvonok: " << what << "\n";
  return kUsageError;
}

/// "ws://host:port" to where that is.
Result<void, std::string> read_url(const std::string& url, load::LoadOptions& out) {
  constexpr std::string_view kScheme = "ws://";
  if (!url.starts_with(kScheme)) return fail(std::string{"--url must begin with ws://; TLS is not known here yet"});
  std::string host = url.substr(kScheme.size());
  while (host.ends_with('/')) host.pop_back();
  out.host = host;
  std::string port = "80";
  if (const auto colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
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

Result<void, std::string> read_durations(const Flags& flags, load::LoadOptions& out) {
  struct One {
    const char* name;
    const std::string& text;
    Duration& to;
  };
  for (const One& one : {One{"--duration", flags.duration, out.window}, One{"--warm-up", flags.warm_up, out.warm_up},
                         One{"--join-timeout", flags.join_timeout, out.join_timeout}}) {
    const auto parsed = parse_duration(one.text);
    if (!parsed) return fail(std::string{one.name} + " " + one.text + " is not a duration such as 10s");
    one.to = *parsed;
  }
  return {};
}

Result<void, std::string> read_ramp(const std::string& text, load::LoadOptions& out) {
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

Result<load::LoadOptions, std::string> read_flags(const Flags& flags) {
  load::LoadOptions out = flags.load;
  out.secret = Private<std::string>{flags.secret};
  if (flags.meet) out.publishers_do = load::LoadOptions::Publishers::HearEachOther;
  if (flags.no_reports) out.reports = load::Reports::Off;
  if (auto read = read_url(flags.url, out); !read) return fail(read.error());
  if (auto read = read_durations(flags, out); !read) return fail(read.error());
  if (auto read = read_ramp(flags.ramp, out); !read) return fail(read.error());
  if (flags.secret.empty() && flags.token_file.empty()) {
    return fail(std::string{"--secret or --token-file is needed"});
  }
  if (!flags.token_file.empty()) {
    if (auto read = read_tokens(flags.token_file, out.tokens); !read) return fail(read.error());
  }
  if (std::uint64_t{out.rooms} * (out.publishers + out.subscribers) > kParticipantsMax) {
    return fail("more than " + std::to_string(kParticipantsMax) + " participants");
  }
  return out;
}

int run_loadtest(const Flags& flags) {
  const auto options = read_flags(flags);
  if (!options) return complain(options.error());
  const auto result = load::run_load(*options, std::cout);
  if (!result) {
    std::cerr << "zvonok: " << result.error() << "\n";
    return 1;
  }
  load::print_table(std::cout, *options, *result);
  if (!flags.json_file.empty()) {
    std::ofstream file{flags.json_file, std::ios::app};
    file << load::to_json(*options, *result) << "\n";
    if (!file.flush()) {
      std::cerr << "zvonok: " << flags.json_file << " can't be written\n";
      return 1;
    }
  }
  return result->good() ? 0 : 1;
}

void add_scenario_flags(CLI::App& command, Flags& flags) {
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
  command.add_option("--ramp", flags.ramp, "Joins per second, or at-once")->capture_default_str();
  command
      .add_option("--churn", load.leaves_per_second, "Subscribers who leave each second, and come back a second later")
      ->check(CLI::Range(0.0, 1'000.0));
}

}  // namespace

LoadtestCommand add_loadtest(CLI::App& app) {
  // Owned by the closure and by CLI11's options, which point into it: both live as long as `app` and the result.
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command =
      app.add_subcommand("loadtest", "Fill a server's rooms with participants and measure what they get");
  command->add_option("--url", flags->url, "The server's signalling, ws://host:port")->capture_default_str();
  command->add_option("--secret", flags->secret, "The server's JWT_SECRET, to make tokens with")->envname("JWT_SECRET");
  command->add_option("--token-file", flags->token_file,
                      "Tokens, one a line, which participants take in turn, instead of a secret");
  command->add_option("--room-prefix", flags->load.room_prefix, "Groups are named by this and a number")
      ->capture_default_str();
  add_scenario_flags(*command, *flags);
  command->add_option("--duration", flags->duration, "What is measured")->capture_default_str();
  command->add_option("--warm-up", flags->warm_up, "Between the last join and what is measured")->capture_default_str();
  command->add_option("--join-timeout", flags->join_timeout, "Who is not in by then never joined")
      ->capture_default_str();
  command
      ->add_option("--verify-share", flags->load.verify_share,
                   "Of the receivers of each room, at least one, who decrypt everything; 0: nobody")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--no-reports", flags->no_reports, "No sender and receiver reports");
  command->add_option("--pid", flags->load.server_pid, "The server's process, to tell its CPU time and memory")
      ->check(CLI::PositiveNumber);
  command->add_option("--json", flags->json_file, "Append the result to this file, as one line of JSON");
  return {.command = command, .run = [flags] { return run_loadtest(*flags); }};
}

}  // namespace zvonok::app
