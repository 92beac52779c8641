#include "browser.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numbers>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "proto/rtp/demux.h"
#include "proto/rtp/packet.h"

namespace zvonok::bench {
namespace {

constexpr std::size_t kFrames = 100;  // of a talk: two seconds
constexpr std::size_t kBeep = 5;      // of them, the first ones

}  // namespace

/// Something like a voice: tones whose loudness and pitch wander. Or a beep and silence.
Talk make_talk(Talk::Kind kind) {
  Talk talk{.kind = kind, .frames = {}};
  media::phone::OpusEncoder encoder;
  double phase = 0;
  for (std::size_t i = 0; i < kFrames; ++i) {
    std::vector<std::int16_t> samples(160);
    for (std::size_t j = 0; j < samples.size(); ++j) {
      const double t = (static_cast<double>(i) * 160 + static_cast<double>(j)) / 8000;
      phase += 2 * std::numbers::pi * (140 + 30 * std::sin(4 * t)) / 8000;
      const double loud = kind != Talk::Kind::Beeps ? 6000 * std::abs(std::sin(9 * t)) : i < kBeep ? 6000 : 0;
      samples[j] =
          static_cast<std::int16_t>(loud * (std::sin(phase) + std::sin(5 * phase) / 2 + std::sin(11 * phase) / 4));
    }
    std::vector<std::uint8_t> frame(talk.is_opus() ? media::phone::OpusEncoder::kBytesMax : 160, 0xFF);
    if (talk.is_opus()) frame.resize(encoder.encode(samples, frame));
    talk.frames.push_back(std::move(frame));
  }
  return talk;
}

Browser::Browser(Http& http, const std::string& number, const dtls::Certificate& certificate,
                 const dtls::Context& context, const Talk& talk, Totals& totals)
    : talk_{talk}, totals_{totals}, fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)} {
  const auto call = http.post("/api/calls/initiate", {{"phone_number", number}});
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
  std::erase_if(ours.codecs, [&](const sdp::Codec& c) { return c.is("opus") != talk_.is_opus(); });
  ours.candidates.clear();
  ours.msids.clear();
  ours.ssrcs = {{.ssrc = ssrc_, .cname = "bench", .msid = {}}};
  const dtls::Fingerprint& print = certificate.fingerprint();
  ours.transport = {.ice_ufrag = local_.ufrag,
                    .ice_pwd = local_.pwd,
                    .fingerprints = {{.algorithm = std::string{dtls::name_of(print.algorithm)}, .digest = print.bytes}},
                    .setup = sdp::Setup::Active};
  sdp::SessionDescription answer;
  answer.origin = {.username = "-", .session_id = 1, .version = 1};
  answer.bundle_groups = {{ours.mid}};
  answer.sections.push_back(std::move(ours));
  http.post("/api/calls/" + call_ + "/answer", {{"sdp_answer", sdp::write(answer)}});
  if (talk.kind == Talk::Kind::Beeps) decoder_.emplace();
  check();
}

Browser::~Browser() {
  ::close(fd_);
}

void Browser::measure(bool on) {
  measures_ = on;
  (on ? measured_from_ : measured_until_) = now();
  if (on) heard_.reset();
}

void Browser::on_time() {
  const TimePoint at = now();
  if (at >= next_check_) check();
  if (nominated_ && !sender_ && dtls_->next_timeout() <= at) {
    dtls_->handle_timeout(at);
    pump();
  }
}

void Browser::read() {
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

void Browser::speak() {
  if (!sender_) return;
  std::array<std::uint8_t, 1024> packet;
  const std::size_t turn = sequence_ % talk_.frames.size();
  std::vector<std::uint8_t> payload = talk_.frames[turn];
  const TimePoint at = now();
  if (!talk_.is_opus()) {
    // The telephone gives it back byte by byte, so it can carry when it was said.
    const std::int64_t stamp = at.time_since_epoch().count();
    std::memcpy(payload.data(), &stamp, sizeof stamp);
  } else if (turn == 0) {
    beeped_ = at;
  }
  const std::size_t header =
      rtp::write_header(packet,
                        {.padding = false,
                         .marker = false,
                         .payload_type = rtp::PayloadType{talk_.is_opus() ? std::uint8_t{111} : std::uint8_t{0}},
                         .sequence = static_cast<std::uint16_t>(sequence_),
                         .timestamp = timestamp_,
                         .ssrc = ssrc_},
                        {});
  const std::size_t size = sender_->seal_rtp(sequence_, ssrc_, packet, header, {}, payload);
  ++sequence_;
  timestamp_ += talk_.is_opus() ? 960 : 160;
  if (::send(fd_, packet.data(), size, 0) > 0 && measures_) ++totals_.sent;
}

void Browser::connect(const sdp::MediaSection& theirs) {
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

void Browser::check() {
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

void Browser::pump() {
  while (const auto datagram = dtls_->poll_transmit()) (void)!::send(fd_, datagram->data(), datagram->size(), 0);
  while (const auto event = dtls_->poll_event()) {
    if (*event != dtls::Event::Connected) give_up("the handshake failed");
    const auto keys = dtls_->keys();
    sender_.emplace(keys->profile, keys->local);
    receiver_.emplace(keys->profile, keys->remote);
  }
}

void Browser::on_rtp(MutableBytes packet) {
  const auto opened = receiver_ ? receiver_->open_rtp(packet) : decltype(receiver_->open_rtp(packet)){};
  if (!opened) {
    if (measures_) ++totals_.unopened;
    return;
  }
  const auto view = rtp::PacketView::parse(packet.first(opened->length));
  if (!view) return;
  if (measures_) {
    const auto ahead = static_cast<std::int16_t>(view->sequence - heard_.value_or(view->sequence - 1) - 1);
    if (ahead > 0) totals_.missing += static_cast<std::uint64_t>(ahead);
    if (ahead < 0 && totals_.missing > 0) --totals_.missing;  // late
    if (ahead >= 0) heard_ = view->sequence;
  }
  if (talk_.is_opus()) return on_opus(view->body);
  if (view->body.size() < sizeof(std::int64_t)) return;
  std::int64_t stamp = 0;
  std::memcpy(&stamp, view->body.data(), sizeof stamp);
  const TimePoint said{Duration{stamp}};
  if (said < measured_from_ || said >= measured_until_) return;
  ++totals_.received;
  totals_.delays_us.push_back((now() - said).count() / 1000);
}

/// When a beep of ours comes back, by ear: to within the 20 ms of a frame.
void Browser::on_opus(Bytes payload) {
  const TimePoint at = now();
  if (at >= measured_from_ && at < measured_until_) ++totals_.received;
  if (!decoder_) return;
  std::array<std::int16_t, media::phone::kOpusSamplesMax> samples{};
  const auto count = decoder_->decode(payload, samples);
  if (!count) return;
  const bool is_loud = std::ranges::any_of(samples, [](std::int16_t sample) { return std::abs(sample) > 1500; });
  constexpr int kQuietLeast = 50;  // frames between two beeps
  if (is_loud && quiet_ >= kQuietLeast && measures_) totals_.delays_us.push_back((at - beeped_).count() / 1000);
  quiet_ = is_loud ? 0 : quiet_ + 1;
}

}  // namespace zvonok::bench
