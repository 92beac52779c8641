// Phone calls against a running server with the mock provider: browsers of our own wire code dial, answer and talk, and
// the telephone echoes without delay (+15005550020). bench/phone/run.sh starts the server and reads its CPU.
//
//   bench_phone --port 8080 --calls 500 --codec g711|opus --seconds 20
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <boost/json.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/phone/opus_codec.h"
#include "net/system_entropy.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"
#include "proto/dtls/transport.h"
#include "proto/ice/credentials.h"
#include "proto/rtp/demux.h"
#include "proto/rtp/packet.h"
#include "proto/sdp/sdp.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"
#include "proto/stun/binding.h"

namespace zvonok {
namespace {

TimePoint now() {
  return TimePoint{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

[[noreturn]] void give_up(const std::string& why) {
  throw std::runtime_error(why);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One kept connection to the server; one request at a time.
class Http {
 public:
  explicit Http(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    const sockaddr_in address = loopback(port);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("no server");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  ~Http() { ::close(fd_); }

  std::string token;

  boost::json::object post(const std::string& path, const boost::json::object& body) {
    const std::string text = boost::json::serialize(body);
    std::string request = "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
    request += "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
    if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      give_up("the server does not listen");
    }
    std::string got;
    std::array<char, 16384> buffer;
    for (;;) {
      const std::size_t head = got.find("\r\n\r\n");
      if (head != std::string::npos) {
        std::size_t length = 0;
        for (std::size_t at = 0; at < head; at = got.find("\r\n", at) + 2) {
          if (::strncasecmp(got.c_str() + at, "content-length:", 15) == 0) length = std::stoul(got.substr(at + 15));
        }
        if (got.size() >= head + 4 + length) {
          const std::string answer = got.substr(head + 4, length);
          if (got.compare(9, 1, "2") != 0) give_up(path + ": " + got.substr(0, 200) + answer);
          return boost::json::parse(answer).as_object();
        }
      }
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count <= 0) give_up("the server hung up");
      got.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  int fd_;
};

struct Talk {
  bool opus = false;
  std::vector<std::vector<std::uint8_t>> frames;  // of 20 ms, said again and again
};

/// Something like a voice: two tones whose loudness and pitch wander.
Talk make_talk(bool opus) {
  Talk talk{.opus = opus, .frames = {}};
  media::phone::OpusEncoder encoder;
  double phase = 0;
  for (int i = 0; i < 100; ++i) {
    std::vector<std::int16_t> samples(160);
    for (std::size_t j = 0; j < samples.size(); ++j) {
      const double t = (i * 160 + static_cast<double>(j)) / 8000;
      phase += 2 * std::numbers::pi * (140 + 30 * std::sin(4 * t)) / 8000;
      const double loud = 6000 * std::abs(std::sin(9 * t));
      samples[j] =
          static_cast<std::int16_t>(loud * (std::sin(phase) + std::sin(5 * phase) / 2 + std::sin(11 * phase) / 4));
    }
    std::vector<std::uint8_t> frame(opus ? media::phone::OpusEncoder::kBytesMax : 160, 0xFF);
    if (opus) frame.resize(encoder.encode(samples, frame));
    talk.frames.push_back(std::move(frame));
  }
  return talk;
}

struct Totals {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t unopened = 0;
  std::vector<std::int64_t> delays_us;
};

/// One browser.
class Browser {
 public:
  Browser(Http& http, const dtls::Certificate& certificate, const dtls::Context& context, const Talk& talk,
          Totals& totals)
      : talk_{talk}, totals_{totals}, fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)} {
    const auto call = http.post("/api/calls/initiate", {{"phone_number", "+15005550020"}});
    call_ = call.at("call_id").as_string().c_str();
    const auto offer = sdp::parse(std::string_view{call.at("sdp_offer").as_string()});
    if (!offer) give_up("the offer can't be read");
    const sdp::MediaSection& theirs = offer->sections.at(0);
    local_ = ice::make_credentials(entropy_);
    remote_ = {.ufrag = theirs.transport.ice_ufrag, .pwd = theirs.transport.ice_pwd};
    key_ = std::make_unique<stun::IntegrityKey>(remote_.pwd);
    connect(theirs);
    dtls_ = std::make_unique<dtls::Transport>(context, dtls::Role::Active);
    dtls_->set_remote_fingerprints({*dtls::Fingerprint::parse(sdp::to_text(theirs.transport.fingerprints.at(0)))});

    sdp::MediaSection ours = theirs;
    std::erase_if(ours.codecs, [&](const sdp::Codec& c) { return c.is("opus") != talk_.opus; });
    ours.candidates.clear();
    ours.msids.clear();
    ours.ssrcs = {{.ssrc = ssrc_, .cname = "bench", .msid = {}}};
    const dtls::Fingerprint& print = certificate.fingerprint();
    ours.transport = {
        .ice_ufrag = local_.ufrag,
        .ice_pwd = local_.pwd,
        .fingerprints = {{.algorithm = std::string{dtls::name_of(print.algorithm)}, .digest = print.bytes}},
        .setup = sdp::Setup::Active};
    sdp::SessionDescription answer;
    answer.origin = {.username = "-", .session_id = 1, .version = 1};
    answer.bundle_groups = {{ours.mid}};
    answer.sections.push_back(std::move(ours));
    http.post("/api/calls/" + call_ + "/answer", {{"sdp_answer", sdp::write(answer)}});
    check();
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  ~Browser() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& call() const { return call_; }
  [[nodiscard]] bool is_connected() const { return sender_.has_value(); }
  bool measures = false;

  void on_time() {
    const TimePoint at = now();
    if (at >= next_check_) check();
    if (nominated_ && !sender_ && dtls_->next_timeout() <= at) {
      dtls_->handle_timeout(at);
      pump();
    }
  }

  void read() {
    std::array<std::uint8_t, 2048> buffer;
    for (;;) {
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count <= 0) return;
      const MutableBytes packet = MutableBytes{buffer}.first(static_cast<std::size_t>(count));
      switch (rtp::classify(packet)) {
        case rtp::PacketKind::Stun:
          if (std::exchange(nominated_, true)) break;
          dtls_->start(now());
          pump();
          break;
        case rtp::PacketKind::Dtls:
          dtls_->handle_datagram(now(), packet);
          pump();
          break;
        case rtp::PacketKind::Rtp: on_rtp(packet); break;
        default: break;
      }
    }
  }

  void speak() {
    if (!sender_) return;
    std::array<std::uint8_t, 1024> packet;
    const std::vector<std::uint8_t>& frame = talk_.frames[sequence_ % talk_.frames.size()];
    std::vector<std::uint8_t> payload = frame;
    if (!talk_.opus) {
      // The telephone gives it back byte by byte, so it can carry when it was said.
      const std::int64_t at = now().time_since_epoch().count();
      std::memcpy(payload.data(), &at, sizeof at);
    }
    const std::size_t header =
        rtp::write_header(packet,
                          {.padding = false,
                           .marker = false,
                           .payload_type = rtp::PayloadType{talk_.opus ? std::uint8_t{111} : std::uint8_t{0}},
                           .sequence = static_cast<std::uint16_t>(sequence_),
                           .timestamp = timestamp_,
                           .ssrc = ssrc_},
                          {});
    const std::size_t size = sender_->seal_rtp(sequence_, ssrc_, packet, header, {}, payload);
    ++sequence_;
    timestamp_ += talk_.opus ? 960 : 160;
    if (::send(fd_, packet.data(), size, 0) > 0 && measures) ++totals_.sent;
  }

 private:
  void connect(const sdp::MediaSection& theirs) {
    for (const std::string& candidate : theirs.candidates) {
      std::array<char, 64> ip{};
      unsigned port = 0;
      if (std::sscanf(candidate.c_str(), "candidate:%*s %*d udp %*u %63s %u", ip.data(), &port) != 2) continue;
      sockaddr_in address = loopback(static_cast<std::uint16_t>(port));
      if (::inet_pton(AF_INET, ip.data(), &address.sin_addr) != 1) continue;
      if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
    }
    give_up("no candidate to reach");
  }

  void check() {
    std::array<std::uint8_t, stun::kBindingBytesMax> buffer;
    const std::string username = remote_.ufrag + ':' + local_.ufrag;
    const std::size_t size = stun::write_binding_request(buffer,
                                                         {.transaction = stun::make_transaction(entropy_),
                                                          .username = username,
                                                          .priority = 1,
                                                          .ice_controlling = 1,
                                                          .nominate = stun::Nominate::Yes},
                                                         key_.get());
    (void)!::send(fd_, buffer.data(), size, 0);
    next_check_ = now() + (nominated_ ? Duration{seconds{5}} : Duration{milliseconds{200}});
  }

  void pump() {
    while (const auto datagram = dtls_->poll_transmit()) (void)!::send(fd_, datagram->data(), datagram->size(), 0);
    while (const auto event = dtls_->poll_event()) {
      if (*event != dtls::Event::Connected) give_up("the handshake failed");
      const auto keys = dtls_->keys();
      sender_.emplace(keys->profile, keys->local);
      receiver_.emplace(keys->profile, keys->remote);
    }
  }

  void on_rtp(MutableBytes packet) {
    if (!measures) return;
    ++totals_.received;
    const auto opened = receiver_->open_rtp(packet);
    if (!opened) {
      ++totals_.unopened;
      return;
    }
    if (talk_.opus || opened->length < rtp::kFixedHeaderBytes + sizeof(std::int64_t)) return;
    std::int64_t at = 0;
    std::memcpy(&at, packet.data() + rtp::kFixedHeaderBytes, sizeof at);
    totals_.delays_us.push_back((now().time_since_epoch().count() - at) / 1000);
  }

  const Talk& talk_;
  Totals& totals_;
  net::SystemEntropy entropy_;
  int fd_;
  std::string call_;
  ice::Credentials local_;
  ice::Credentials remote_;
  std::unique_ptr<stun::IntegrityKey> key_;
  std::unique_ptr<dtls::Transport> dtls_;
  std::optional<srtp::Sender> sender_;
  std::optional<srtp::Receiver> receiver_;
  rtp::Ssrc ssrc_{0x5A500001};
  std::uint64_t sequence_ = 100;
  std::uint32_t timestamp_ = 0;
  bool nominated_ = false;
  TimePoint next_check_{};
};

/// Of one thread of a process, by its name; 0 when there is none.
double cpu_seconds(int pid, const std::string& name) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  double sum = 0;
  for (int thread = pid; thread < pid + 64; ++thread) {
    std::FILE* const file = std::fopen((folder + '/' + std::to_string(thread) + "/stat").c_str(), "r");
    if (file == nullptr) continue;
    std::array<char, 64> comm{};
    unsigned long user = 0;
    unsigned long system = 0;
    if (std::fscanf(file, "%*d (%63[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", comm.data(), &user,
                    &system) == 3 &&
        (name.empty() || name == comm.data())) {
      sum += static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    std::fclose(file);
  }
  return sum;
}

struct Options {
  std::uint16_t port = 8080;
  int pid = 0;
  std::size_t calls = 500;
  bool opus = false;
  int seconds = 20;
};

void run(const Options& options) {
  net::SystemEntropy entropy;
  const auto wall = std::chrono::system_clock::now();
  const auto certificate = dtls::Certificate::generate(
      entropy, {.now = WallTime{std::chrono::duration_cast<WallTime::duration>(wall.time_since_epoch())}});
  const auto context = dtls::Context::create(*certificate);
  Http http{options.port};
  const auto person = http.post("/api/auth/register", {{"email", "bench" + std::to_string(::getpid()) + "@example.org"},
                                                       {"password", "a long password"},
                                                       {"display_name", "Bench"}});
  http.token = person.at("access_token").as_string().c_str();

  const Talk talk = make_talk(options.opus);
  Totals totals;
  std::vector<std::unique_ptr<Browser>> browsers;
  std::vector<pollfd> waits;
  std::size_t turn = 0;
  TimePoint next_turn = now();
  // Each millisecond a twentieth of all says something, so that nobody is asked for a burst.
  const auto pass = [&](Duration time) {
    const TimePoint until = now() + time;
    while (now() < until) {
      const TimePoint at = now();
      if (at >= next_turn) {
        next_turn = std::max(next_turn + milliseconds{1}, at - milliseconds{20});
        for (std::size_t i = turn % 20; i < browsers.size(); i += 20) {
          browsers[i]->on_time();
          browsers[i]->speak();
        }
        ++turn;
      }
      if (::poll(waits.data(), waits.size(), next_turn > now() ? 1 : 0) <= 0) continue;
      for (std::size_t i = 0; i < waits.size(); ++i) {
        if ((waits[i].revents & POLLIN) != 0) browsers[i]->read();
      }
    }
  };
  while (browsers.size() < options.calls) {
    browsers.push_back(std::make_unique<Browser>(http, *certificate, *context, talk, totals));
    waits.push_back({.fd = browsers.back()->fd(), .events = POLLIN, .revents = 0});
    pass(milliseconds{5});
  }
  pass(seconds{3});
  const auto connected = std::ranges::count_if(browsers, [](const auto& b) { return b->is_connected(); });
  for (const auto& browser : browsers) browser->measures = true;
  const double media_before = cpu_seconds(options.pid, "media-0");
  const double all_before = cpu_seconds(options.pid, "");
  pass(seconds{options.seconds});
  const double media = cpu_seconds(options.pid, "media-0") - media_before;
  const double all = cpu_seconds(options.pid, "") - all_before;
  for (const auto& browser : browsers) http.post("/api/calls/terminate", {{"call_id", browser->call()}});

  std::ranges::sort(totals.delays_us);
  const auto delay = [&](double share) {
    if (totals.delays_us.empty()) return 0.0;
    return static_cast<double>(
               totals.delays_us[static_cast<std::size_t>(share * static_cast<double>(totals.delays_us.size() - 1))]) /
           1000;
  };
  std::printf("%zu calls, %s: %ld connected, %.2f%% of %llu packets came back", options.calls,
              options.opus ? "opus" : "g711", static_cast<long>(connected),
              100.0 * static_cast<double>(totals.received) / static_cast<double>(totals.sent),
              static_cast<unsigned long long>(totals.sent));
  if (!options.opus) std::printf(", there and back in %.2f ms (99%%: %.2f)", delay(0.5), delay(0.99));
  const double load = media / options.seconds;
  std::printf("; media thread %.1f%% of a core (the whole server %.1f%%): %.0f calls a core\n", 100 * load,
              100 * all / options.seconds, static_cast<double>(options.calls) / load);
}

}  // namespace
}  // namespace zvonok

int main(int argc, char** argv) {
  zvonok::Options options;
  std::string codec = "g711";
  CLI::App app{"Phone calls against a running server"};
  app.add_option("--port", options.port, "Of HTTP");
  app.add_option("--pid", options.pid, "Of the server, to read its CPU")->required();
  app.add_option("--calls", options.calls)->check(CLI::Range(1, 20'000));
  app.add_option("--codec", codec)->check(CLI::IsMember({"g711", "opus"}));
  app.add_option("--seconds", options.seconds)->check(CLI::Range(1, 3600));
  CLI11_PARSE(app, argc, argv);
  options.opus = codec == "opus";
  try {
    zvonok::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
