// A browser's sound on its way to a telephone's line, in the law that the line speaks: as it is when the browser sends
// that, by a table from the other one, decoded from Opus. Digits of RFC 4733 come out once each. Sans-IO.
#pragma once
#include <array>
#include <cstdint>

#include "base/time.h"
#include "media/forwarder.h"
#include "media/phone/sound.h"
#include "proto/rtp/telephone_event.h"

namespace zvonok::media::phone {

struct ToLineCounters {
  std::uint64_t sounds = 0;
  std::uint64_t digits = 0;
  // Dropped:
  std::uint64_t malformed = 0;
  std::uint64_t no_codec = 0;  // of a codec that can't be made a telephone's
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

  explicit ToLine(Out& out) : out_{out} {}
  ToLine(const ToLine&) = delete;
  ToLine& operator=(const ToLine&) = delete;

  /// What the line speaks by now.
  void set_law(g711::Law law) { law_ = law; }
  /// The line hears silence in place of what is said.
  void set_silent(bool on) { silent_ = on; }

  void on_packet(TimePoint now, const MediaPacket& packet);
  [[nodiscard]] const ToLineCounters& counters() const { return counters_; }

 private:
  void on_g711(TimePoint now, g711::Law law, const MediaPacket& packet);
  void on_event(TimePoint now, const MediaPacket& packet);

  Out& out_;
  g711::Law law_ = g711::Law::Ulaw;
  bool silent_ = false;
  Timeline timeline_;
  rtp::DigitReceiver digits_;
  std::array<std::uint8_t, Sound::kSamplesMax> converted_{};
  ToLineCounters counters_;
};

}  // namespace zvonok::media::phone
