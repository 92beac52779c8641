// A browser's sound on its way to a telephone's line, in the law that the line speaks: as it is when the browser sends
// that, by a table from the other one, decoded from Opus. Digits of RFC 4733 come out once each. Sans-IO.
//
// A line gets sound as it comes (what Opus lacks is concealed when the packet behind it comes, and what is late is
// dropped), or by a jitter buffer exactly 20 ms every 20 ms, from the first sound on.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/time.h"
#include "media/forwarder.h"
#include "media/phone/jitter_buffer.h"
#include "media/phone/sound.h"
#include "media/phone/speech_decoder.h"
#include "proto/rtp/telephone_event.h"

namespace zvonok::media::phone {

struct ToLineCounters {
  std::uint64_t sounds = 0;
  std::uint64_t digits = 0;
  std::uint64_t decoded = 0;    // packets of Opus
  std::uint64_t concealed = 0;  // samples that were made up
  std::uint64_t shortened = 0;  // samples that were taken out
  // Dropped:
  std::uint64_t malformed = 0;
  std::uint64_t no_codec = 0;  // of a codec that can't be made a telephone's
  std::uint64_t late = 0;
  std::uint64_t overflows = 0;  // times that too much came at once
};

class ToLine {
 public:
  /// Called from within the calls of ToLine.
  class Out {
   public:
    virtual ~Out() = default;
    virtual void on_sound(TimePoint now, const Sound& sound) = 0;
    virtual void on_digit(TimePoint now, char digit) = 0;
  };
  enum class Feed : std::uint8_t { AsItComes, Steady };

  explicit ToLine(Out& out) : out_{out} {}
  ToLine(const ToLine&) = delete;
  ToLine& operator=(const ToLine&) = delete;

  /// What the line speaks by now.
  void set_law(g711::Law law) { law_ = law; }
  void set_feed(Feed feed);
  /// The line hears silence in place of what is said.
  void set_silent(bool on) { silent_ = on; }
  /// What comes next is of another stream, numbered anew: of a page that was loaded again, of another device.
  void restart();

  void on_packet(TimePoint now, const MediaPacket& packet);
  void handle_timeout(TimePoint now);
  /// TimePoint::max() when nothing is waited for.
  [[nodiscard]] TimePoint next_timeout() const { return next_tick_; }
  [[nodiscard]] ToLineCounters counters() const;

 private:
  /// Opus as it comes.
  struct Decoding {
    SpeechDecoder decoder;
    std::optional<std::uint64_t> newest;  // sequence; none before the first packet
    std::uint32_t newest_at = 0;          // its timestamp, 48 kHz
    std::uint32_t clock = 0;              // the same at 8 kHz
    std::size_t samples = 0;              // that it held
    std::size_t late_in_a_row = 0;
  };
  void on_g711(TimePoint now, g711::Law law, const MediaPacket& packet);
  void on_opus(TimePoint now, const MediaPacket& packet);
  void on_event(TimePoint now, const MediaPacket& packet);
  void send(TimePoint now, std::uint32_t timestamp, bool is_first, std::span<const std::int16_t> samples);

  Out& out_;
  g711::Law law_ = g711::Law::Ulaw;
  bool silent_ = false;
  Timeline timeline_;
  rtp::DigitReceiver digits_;
  std::unique_ptr<Decoding> decoding_;
  std::unique_ptr<JitterBuffer> jitter_;  // of a steady line
  TimePoint next_tick_ = TimePoint::max();
  std::uint32_t steady_timestamp_ = 0;
  std::array<std::uint8_t, Sound::kSamplesMax> converted_{};
  ToLineCounters counters_;
};

}  // namespace zvonok::media::phone
