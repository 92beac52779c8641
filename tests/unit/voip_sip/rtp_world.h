// One session and a hand-made peer, in virtual time.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "adapter/voip_sip/rtp_session.h"

namespace zvonok::voip_sip {

using port::G711;
using port::PhoneSound;

inline const SocketAddress kThere{.ip = IpAddress::v4(0xC0000209), .port = 18000};
inline const SocketAddress kThereRtcp{.ip = IpAddress::v4(0xC0000209), .port = 18001};

struct Sent {
  SocketAddress to;
  std::vector<std::uint8_t> bytes;
};

class Wire final : public RtpOut {
 public:
  void send_rtp(const SocketAddress& to, Bytes datagram) override {
    rtp.push_back({to, {datagram.begin(), datagram.end()}});
  }
  void send_rtcp(const SocketAddress& to, Bytes datagram) override {
    rtcp.push_back({to, {datagram.begin(), datagram.end()}});
  }
  void on_silence() override { ++silences; }
  std::vector<Sent> rtp;
  std::vector<Sent> rtcp;
  int silences = 0;
};

struct Heard {
  G711 law;
  std::uint32_t timestamp;
  bool is_first;
  std::vector<std::uint8_t> samples;
};

class Ears final : public port::PhoneEars {
 public:
  void on_sound(TimePoint, const PhoneSound& sound) override {
    heard.push_back({sound.law, sound.timestamp, sound.is_first, {sound.samples.begin(), sound.samples.end()}});
  }
  void on_digit(TimePoint, char digit) override { digits += digit; }
  std::vector<Heard> heard;
  std::string digits;
};

inline AgreedMedia plain(G711 law = G711::Ulaw) {
  AgreedMedia agreed;
  agreed.remote.rtp = kThere;
  agreed.remote.rtcp = kThereRtcp;
  agreed.remote.formats = {{.payload_type = static_cast<std::uint8_t>(law == G711::Ulaw ? 0 : 8), .law = law}};
  agreed.remote.event_type = 101;
  return agreed;
}

/// A packet of somebody else's.
inline std::vector<std::uint8_t> packet(std::uint8_t type, std::uint16_t sequence, std::uint32_t timestamp,
                                        Bytes payload, bool marker = false, std::uint32_t ssrc = 77) {
  std::vector<std::uint8_t> out(12);
  (void)rtp::write_header(out,
                          {.marker = marker,
                           .payload_type = rtp::PayloadType{type},
                           .sequence = sequence,
                           .timestamp = timestamp,
                           .ssrc = rtp::Ssrc{ssrc}},
                          {});
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

class RtpSessions : public testing::Test {
 protected:
  static constexpr std::uint16_t kSequence = 1000;
  static constexpr std::uint32_t kTimestamp = 0xFFFFFF00;  // wraps soon

  void pass(Duration time) {
    const TimePoint until = now_ + time;
    while (session_.next_timeout() <= until) {
      now_ = std::max(now_, session_.next_timeout());
      session_.poll(both());
    }
    now_ = until;
  }
  [[nodiscard]] Now both() const { return {.mono = now_, .wall = WallTime{milliseconds{1'800'000'000'000}}}; }
  void speak(std::uint32_t timestamp, bool is_first = false, G711 law = G711::Ulaw, std::size_t count = 160) {
    const std::vector<std::uint8_t> samples(count, 0x31);
    session_.send(now_, {.law = law, .timestamp = timestamp, .is_first = is_first, .samples = samples});
  }
  void hear(std::vector<std::uint8_t> datagram, const SocketAddress& from = kThere) {
    session_.on_rtp(now_, from, datagram);
  }
  [[nodiscard]] rtp::PacketView sent(std::size_t index) const {
    return *rtp::PacketView::parse(wire_.rtp.at(index).bytes);
  }
  [[nodiscard]] rtp::PacketView last() const { return sent(wire_.rtp.size() - 1); }

  Wire wire_;
  Ears ears_;
  TimePoint now_{hours{5}};
  RtpSession session_{
      {.ssrc = rtp::Ssrc{42}, .sequence = kSequence, .timestamp = kTimestamp, .cname = "abc"}, wire_, ears_};
  const std::vector<std::uint8_t> piece_ = std::vector<std::uint8_t>(160, 0x55);
};

}  // namespace zvonok::voip_sip
