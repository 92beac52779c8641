// One call's sound as RTP (RFC 3550), sans-IO: datagrams and time in, sound and digits out, and the other way round.
// Believes nobody but the address that was agreed on; the first port of it that sends is the one that is answered
// (symmetric RTP, RFC 4961). Sealed with SDES keys where that was agreed (RFC 4568).
//
// Threads: none of its own.
#pragma once
#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "adapter/voip_sip/line_tones.h"
#include "adapter/voip_sip/media_description.h"
#include "adapter/voip_sip/reception.h"
#include "adapter/voip_sip/telephone_event.h"
#include "base/bytes.h"
#include "base/time.h"
#include "port/phone_audio.h"
#include "proto/rtp/packet.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"

namespace zvonok::voip_sip {

struct RtpCounters {
  std::uint64_t received = 0;  // sound and digits
  std::uint64_t sent = 0;
  std::uint64_t tones_heard = 0;    // digits, within the sound
  std::uint64_t tones_sent = 0;     // likewise
  std::uint64_t comfort_noise = 0;  // RFC 3389: silence, which needs no packets here
  // Dropped on the way in:
  std::uint64_t no_agreement = 0;  // nothing is agreed yet
  std::uint64_t strangers = 0;     // of another address than was agreed on
  std::uint64_t malformed = 0;
  std::uint64_t unsealed = 0;      // not sealed with the agreed key, or a replay
  std::uint64_t unknown_type = 0;  // payload types that were not agreed on
  std::uint64_t on_hold = 0;
  std::uint64_t other_sources = 0;  // of one whose place another has taken
  // Dropped on the way out:
  std::uint64_t not_listening = 0;  // nothing is agreed yet, or they said that they don't
  std::uint64_t wrong_law = 0;
  std::uint64_t late = 0;            // its place is taken, or passed
  std::uint64_t digits_dropped = 0;  // too many, or nothing is agreed yet
};

/// Where datagrams go. Called from within the session's functions.
class RtpOut {
 public:
  virtual ~RtpOut() = default;
  virtual void send_rtp(const SocketAddress& to, Bytes datagram) = 0;
  virtual void send_rtcp(const SocketAddress& to, Bytes datagram) = 0;
  /// Once: the other side has been silent for too long.
  virtual void on_silence() = 0;
};

class RtpSession {
 public:
  /// How long nothing is sent before a piece of silence is: less than any NAT or telephone waits (RFC 6263 section 4).
  static constexpr Duration kSilenceMax = seconds{2};
  static constexpr Duration kReportInterval = seconds{5};
  /// The port that was answered has been silent for so long: another port of the same address may take its place.
  static constexpr Duration kLatchedFor = seconds{3};

  /// On hold, or when they said that they send nothing, silence may last so many times as long: then reports are all
  /// that comes.
  static constexpr int kHoldPatience = 5;

  struct Start {
    rtp::Ssrc ssrc{};
    std::uint16_t sequence = 0;  // below 0x8000, for SRTP's sake
    std::uint32_t timestamp = 0;
    std::string cname;
  };
  RtpSession(Start start, RtpOut& out, port::PhoneEars& ears);

  /// From the answer on: neither sound nor reports for so long is told. Telephones that never sent a report may be as
  /// silent as they like on hold.
  void watch(TimePoint now, Duration silence_max);
  /// What was agreed on, by now or again.
  void agree(TimePoint now, const AgreedMedia& agreed);
  /// Held: nobody hears anybody. Muted: they hear silence.
  void set_hold(TimePoint now, bool hold);
  void set_mute(bool mute) { mute_ = mute; }
  void add_digits(TimePoint now, std::string_view digits);
  /// The call is over: says so to the other side, and nothing after it.
  void end(const Now& now);

  void send(TimePoint now, const port::PhoneSound& sound);
  /// `datagram` is spoilt.
  void on_rtp(TimePoint now, const SocketAddress& from, MutableBytes datagram);
  void on_rtcp(TimePoint now, const SocketAddress& from, MutableBytes datagram);
  /// What time asks for: digits, silence, reports.
  void poll(const Now& now);
  [[nodiscard]] TimePoint next_timeout() const;

  [[nodiscard]] port::G711 law() const;
  [[nodiscard]] const RtpCounters& counters() const { return counters_; }

 private:
  struct OwnSeal {
    SdesKey key;
    srtp::Sender sender;
    std::uint64_t next = 0;  // lowest number that may be sent, when it is taken again
  };
  struct TheirSeal {
    SdesKey key;
    srtp::Receiver receiver;
  };
  void agree_on_keys(const AgreedMedia& agreed);
  struct Latch {
    SocketAddress at;
    TimePoint heard{};
  };
  [[nodiscard]] bool believes(TimePoint now, const SocketAddress& from, const std::optional<Latch>& latch);
  [[nodiscard]] bool may_send() const { return agreed_ && agreed_->remote.receives && !ended_; }
  [[nodiscard]] bool is_of_current_source(TimePoint now, rtp::Ssrc ssrc);
  void hear(TimePoint now, const rtp::PacketView& packet, Bytes payload);
  void hear_sound(TimePoint now, const rtp::PacketView& packet, port::G711 law, Bytes payload);
  void send_silence(TimePoint now);
  void send_event(TimePoint now, const DigitWriter::Packet& packet);
  void send_tone(TimePoint now, const LineTones::Piece& piece);
  [[nodiscard]] bool is_sending_digits() const { return digits_out_.is_sending() || tones_.is_sending(); }
  struct Outgoing {
    std::uint8_t payload_type = 0;
    bool marker = false;
    std::uint32_t timestamp = 0;
    std::uint64_t number = 0;  // sequence_, or one that was left out
    std::uint32_t length = 0;  // on its clock
  };
  [[nodiscard]] std::optional<std::uint64_t> number_for(std::int32_t off, std::size_t count, bool goes_on);
  void send_packet(TimePoint now, const Outgoing& header, Bytes payload);
  void send_report(const Now& now, bool bye);
  [[nodiscard]] TimePoint silence_ends() const;
  /// What the clock of what we send says at `now`.
  [[nodiscard]] std::uint32_t running_timestamp(TimePoint now) const;
  [[nodiscard]] std::uint8_t sound_type() const { return agreed_->remote.formats.front().payload_type; }

  RtpOut& out_;
  port::PhoneEars& ears_;
  rtp::Ssrc ssrc_;
  std::string cname_;
  std::uint64_t sequence_;          // the next one
  std::uint64_t free_numbers_ = 0;  // bit i: sequence_ - 1 - i was left out
  std::optional<AgreedMedia> agreed_;
  // Sealed, when these are there. Keys of ours that were used are kept with what was counted under them: numbers never
  // come twice under one key.
  std::list<OwnSeal> own_seals_;  // one for each profile at most
  OwnSeal* own_seal_ = nullptr;
  std::unique_ptr<TheirSeal> their_seal_;  // large, and rare
  std::optional<Latch> rtp_from_;
  std::optional<Latch> rtcp_from_;
  bool hold_ = false;
  bool mute_ = false;
  bool ended_ = false;

  // Sent.
  std::uint32_t last_timestamp_;
  std::uint32_t last_length_ = 0;  // of the last packet of sound, in samples
  TimePoint last_sent_{};
  TimePoint clock_at_{};                // what last_timestamp_ is the time of
  std::optional<std::uint32_t> shift_;  // from the sound's clock to ours
  DigitWriter digits_out_;
  LineTones tones_;  // both ways, where no events were agreed on
  bool in_tones_ = false;
  std::uint32_t digit_timestamp_ = 0;
  bool after_silence_ = true;
  std::uint32_t packets_ = 0;
  std::uint32_t octets_ = 0;
  TimePoint next_report_ = TimePoint::max();

  // Received.
  std::optional<Duration> silence_max_;  // nothing: not watched
  TimePoint heard_{};                    // of them, or since when they could be heard
  bool reports_ = false;                 // they have sent one
  std::optional<Reception> reception_;   // of the source that is heard
  TimePoint source_heard_{};
  std::optional<rtp::Ssrc> source_before_;
  DigitReader digits_in_;
  bool sends_events_ = false;  // they have sent one: their tones are no other digits
  bool first_sound_ = true;
  RtpCounters counters_;
};

}  // namespace zvonok::voip_sip
