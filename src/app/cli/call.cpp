#include "app/cli/call.h"

#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "adapter/authorizer_http/http_poster.h"
#include "app/config/config.h"
#include "app/signals.h"
#include "caller/session.h"
#include "net/stun_query.h"
#include "net/system_entropy.h"
#include "proto/json_scan.h"

namespace zvonok::app {
namespace {

constexpr int kFailed = 1;
constexpr int kUsageError = 2;
constexpr int kNotAnswered = 3;
constexpr int kSilent = 4;

/// As they were given; defaults where they weren't.
struct CallFlags {
  std::string url = "http://127.0.0.1:8080";
  std::string ca_file;
  std::string token;
  std::string token_file;
  std::string login;
  std::string password_file = "-";
  std::string to;
  bool wait = false;
  std::string wait_max = "24h";
  std::string duration = "0s";
  std::string device = "cli";
  std::string client;
  bool no_tunnel_process = false;
  std::string socks = "127.0.0.1:10808";
  std::string config_file;
  std::string transport = "udp";
  double tone = 0;
  std::string play;
  bool loop = false;
  std::string record;
  std::string secret_file;
  std::string json_file;
};

int complain(const std::string& what, int code) {
  std::cerr << "zvonok: " << what << "\n";
  return code;
}

void add_flags(CLI::App& command, CallFlags& flags) {
  command.add_option("--url", flags.url, "The server: http://host:port or https://host")->capture_default_str();
  command.add_option("--ca", flags.ca_file, "PEM certificate to trust, of a server that signed its own");
  command.add_option("--token", flags.token, "Access token")->envname("ZVONOK_TOKEN");
  command.add_option("--token-file", flags.token_file, "Read the access token from this file");
  command.add_option("--login", flags.login, "Log in with this email and a password instead");
  command.add_option("--password-file", flags.password_file, "Where the password is; -: standard input")
      ->capture_default_str();
  CLI::Option* const to = command.add_option("--to", flags.to, "Call this user");
  command.add_flag("--wait", flags.wait, "Wait for a call and accept it")->excludes(to);
  command.add_option("--wait-max", flags.wait_max, "... for so long")->capture_default_str();
  command.add_option("--duration", flags.duration, "Hang up after talking for so long; 0s: never")
      ->capture_default_str();
  command.add_option("--device", flags.device, "Name of this device among the user's")->capture_default_str();
  command.add_option("--client", flags.client, "Tunnel client to start (default: xray or v2ray, from PATH)");
  command.add_flag("--no-tunnel-process", flags.no_tunnel_process, "Start none: use the one behind --socks");
  command.add_option("--socks", flags.socks, "Where that one's SOCKS proxy is")->capture_default_str();
  command.add_option("--config-out", flags.config_file, "Write the tunnel's configuration there (mode 0600)");
  command.add_option("--transport", flags.transport, "Media by udp or tcp inside of the tunnel")
      ->check(CLI::IsMember({"udp", "tcp"}))
      ->capture_default_str();
  CLI::Option* const tone = command.add_option("--tone", flags.tone, "Say a tone of so many hertz (300 to 3400)")
                                ->check(CLI::Range(300, 3400));
  command.add_option("--play", flags.play, "Say this WAV file, then hang up")->excludes(tone);
  command.add_flag("--loop", flags.loop, "... again and again");
  command.add_option("--record", flags.record, "Write what is heard to this WAV file");
  command.add_option("--secret-file", flags.secret_file,
                     "A secret of both users in this file: whoever has another one decodes nothing");
  command.add_option("--json", flags.json_file, "Append the report to this file instead of printing it");
}

Result<std::string, std::string> read_secret(const std::string& path) {
  std::string text;
  if (path == "-") {
    std::getline(std::cin, text);
  } else {
    std::ifstream file{path};
    if (!file) return fail(path + " can't be read");
    text.assign(std::istreambuf_iterator<char>{file}, {});
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return fail((path == "-" ? std::string{"standard input"} : path) + " is empty");
  return text;
}

/// The server's address taken apart.
struct ServerUrl {
  bool tls = false;
  std::string host;  // with its port
};
Result<ServerUrl, std::string> read_url(const std::string& url) {
  ServerUrl out;
  std::string rest = url;
  const auto strip = [&](std::string_view scheme, bool tls) {
    if (!rest.starts_with(scheme)) return false;
    rest.erase(0, scheme.size());
    out.tls = tls;
    return true;
  };
  if (!strip("https://", true) && !strip("wss://", true) && !strip("http://", false) && !strip("ws://", false)) {
    return fail("--url " + url + " must begin with https:// or http://");
  }
  out.host = rest.substr(0, rest.find('/'));
  if (out.host.empty()) return fail("--url " + url + " names no server");
  return out;
}

/// Without the port, and an IPv6 address without brackets.
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return std::string{host.substr(1, host.find(']') - 1)};
  return std::string{host.substr(0, host.find(':'))};
}

/// The access token of a login (POST /api/auth/login).
Result<std::string, std::string> log_in(const CallFlags& flags, const ServerUrl& server) {
  const auto password = read_secret(flags.password_file);
  if (!password) return fail(password.error());
  auto poster = authorizer_http::HttpPoster::create(
      {.url = (server.tls ? "https://" : "http://") + server.host + "/api/auth/login",
       .secret = {},
       .ca_file = flags.ca_file,
       .total_timeout = milliseconds{15'000}});
  if (!poster) return fail(poster.error());
  std::string body = R"({"email":)";
  json::append_string(body, flags.login);
  body += R"(,"password":)";
  json::append_string(body, *password);
  const auto answer = (*poster)->post(body + "}");
  if (!answer) return fail("login: " + answer.error());
  std::string token;
  std::string error;
  json::ObjectReader reader{answer->body};
  while (const auto member = reader.next()) {
    if (member->value.type != json::Type::String) continue;
    if (json::raw_is(member->key, "token")) token = json::unescape(member->value.raw_string());
    if (json::raw_is(member->key, "error")) error = json::unescape(member->value.raw_string());
  }
  if (answer->status == 200 && !token.empty()) return token;
  return fail("login: " + (error.empty() ? "status " + std::to_string(answer->status) : error));
}

Result<std::string, std::string> read_token(const CallFlags& flags, const ServerUrl& server) {
  if (!flags.login.empty()) return log_in(flags, server);
  if (!flags.token_file.empty()) return read_secret(flags.token_file);
  if (!flags.token.empty()) return flags.token;
  return fail(std::string{"say who you are: --token-file, --token (or ZVONOK_TOKEN), or --login"});
}

Result<caller::SoundSource, std::string> read_sound(const CallFlags& flags) {
  using Again = caller::SoundSource::Again;
  if (flags.tone > 0) return caller::SoundSource::tone(flags.tone, caller::kSampleRate);
  if (flags.play.empty()) return caller::SoundSource{};
  auto sound = caller::read_wav(flags.play);
  if (!sound) return fail(sound.error());
  return caller::SoundSource{caller::resample(*sound, caller::kSampleRate).samples,
                             flags.loop ? Again::Yes : Again::No};
}

Result<caller::CallRequest, std::string> read_request(const CallFlags& flags) {
  caller::CallRequest request;
  const auto wait_max = parse_duration(flags.wait_max);
  const auto duration = parse_duration(flags.duration);
  if (!wait_max) return fail("--wait-max " + flags.wait_max + " is not a duration such as 30s");
  if (!duration) return fail("--duration " + flags.duration + " is not a duration such as 30s");
  if (flags.to.empty() == !flags.wait) return fail(std::string{"say --to USER or --wait"});
  request.wait_max = *wait_max;
  request.talk_max = *duration;
  request.to = flags.to;
  request.device = flags.device;
  request.hang_up_when_said = !flags.play.empty() && !flags.loop;
  request.transport = flags.transport == "tcp" ? caller::MediaTransport::Tcp : caller::MediaTransport::Udp;
  request.record_path = flags.record;
  request.config_path = flags.config_file;
  if (flags.no_tunnel_process) {
    request.proxy = SocketAddress::parse(flags.socks);
    if (!request.proxy) return fail("--socks " + flags.socks + " is not an address with a port");
  } else {
    request.program.executable = flags.client.empty() ? caller::find_tunnel_client() : flags.client;
    if (request.program.executable.empty()) return fail(std::string{"neither xray nor v2ray is in PATH: --client"});
  }
  if (!flags.secret_file.empty()) {
    auto secret = read_secret(flags.secret_file);
    if (!secret) return fail(secret.error());
    request.secret = Private<std::string>{std::move(*secret)};
  }
  return request;
}

int exit_status(caller::Outcome outcome) {
  switch (outcome) {
    case caller::Outcome::Talked: return 0;
    case caller::Outcome::Silent: return kSilent;
    case caller::Outcome::NotAnswered: return kNotAnswered;
    case caller::Outcome::Failed: return kFailed;
  }
  return kFailed;
}

int tell(const caller::CallReport& report, const std::string& json_file) {
  if (json_file.empty()) {
    std::cout << caller::to_json(report) << std::endl;
  } else {
    std::ofstream file{json_file, std::ios::app};
    file << caller::to_json(report) << "\n";
    if (!file.flush()) return complain(json_file + " can't be written", kFailed);
  }
  return exit_status(report.outcome);
}

int run_call(const CallFlags& flags) {
  auto request = read_request(flags);
  if (!request) return complain(request.error(), kUsageError);
  auto sound = read_sound(flags);
  if (!sound) return complain(sound.error(), kUsageError);
  const auto url = read_url(flags.url);
  if (!url) return complain(url.error(), kUsageError);
  const auto address = net::resolve_udp(url->host, url->tls ? 443 : 80);
  if (!address) return complain(address.error(), kFailed);
  auto tls = flags.ca_file.empty() ? net::TlsClient::create(net::TlsClient::Trust::System)
                                   : net::TlsClient::trusting(flags.ca_file);
  if (!tls) return complain(tls.error(), kUsageError);
  auto token = read_token(flags, *url);
  if (!token) return complain(token.error(), kFailed);
  request->server = *address;
  request->host = url->host;
  request->name = host_name(url->host);
  if (url->tls) request->tls = std::make_shared<const net::TlsClient>(std::move(*tls));
  request->token = Private<std::string>{std::move(*token)};

  auto loop = net::Loop::create();
  if (!loop) return complain(loop.error(), kFailed);
  net::SystemEntropy entropy;
  bool over = false;
  caller::Session session{**loop,
                          entropy,
                          std::move(*request),
                          std::move(*sound),
                          {.say = [](const std::string& line) { std::cerr << line << std::endl; },
                           .on_end =
                               [&] {
                                 over = true;
                                 (*loop)->stop();
                               }}};
  const auto signals = Signals::create(**loop, [&](int) { session.hang_up("interrupted"); });
  if (const auto started = session.start(); !started) return complain(started.error(), kFailed);
  if (!over) (*loop)->run();
  return tell(session.report(), flags.json_file);
}

}  // namespace

CallCommand add_call(CLI::App& app) {
  // Owned by the closure and by CLI11's options, which point into it: both live as long as `app` and the result.
  const auto flags = std::make_shared<CallFlags>();
  CLI::App* const command = app.add_subcommand("call", "Call a user through a tunnel, or wait for a call");
  add_flags(*command, *flags);
  return {.command = command, .run = [flags] { return run_call(*flags); }};
}

}  // namespace zvonok::app
