// The telephone's sound on its way to a browser: as it is when the browser takes that law, by a table when it takes the
// other one, encoded as Opus when it took no G.711 at all. Digits go as telephone-event (RFC 4733) beside the sound.
// Nothing is put in order or evened out: the browser has a jitter buffer of its own. Sans-IO.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "media/forwarder.h"
#include "media/parameters.h"
#include "media/phone/opus_codec.h"
#include "media/phone/sound.h"

namespace zvonok::media::phone {

struct ToBrowserCounters {
  std::uint64_t packets = 0;
  std::uint64_t digits = 0;
  std::uint64_t encoded = 0;  // packets of Opus
  // Dropped:
  std::uint64_t unheard = 0;         // sound and digits that the browser has no codec for, as far as is known
  std::uint64_t malformed = 0;       // pieces without samples, or with more than Sound::kSamplesMax
  std::uint64_t digits_dropped = 0;  // too many waited
  std::uint64_t late = 0;            // came behind what was encoded already
};

class ToBrowser {
 public:
  static constexpr std::size_t kDigitsWaitingMax = 32;

  /// Called from within the calls of ToBrowser.
  class Out {
   public:
    virtual ~Out() = default;
    /// `type` is of `codecs()`. The packets are numbered one after the other.
    virtual void on_packet(TimePoint now, const MediaPacket& packet, rtp::PayloadType type) = 0;
  };

  explicit ToBrowser(Out& out) : out_{out} {}
  ToBrowser(const ToBrowser&) = delete;
  ToBrowser& operator=(const ToBrowser&) = delete;

  /// What packets may be of, with payload types of our own.
  [[nodiscard]] static std::vector<CodecParameters> codecs();
  /// What the browser takes, as was negotiated.
  void set_taken(const std::vector<CodecParameters>& taken);
  /// The browser hears silence in place of what is said.
  void set_silent(bool on) { silent_ = on; }

  void on_sound(TimePoint now, const Sound& sound);
  void on_digit(TimePoint now, char digit);

  void handle_timeout(TimePoint now);
  /// TimePoint::max() when nothing is waited for.
  [[nodiscard]] TimePoint next_timeout() const { return next_event_; }
  [[nodiscard]] const ToBrowserCounters& counters() const { return counters_; }

 private:
  struct Taken {
    bool ulaw = false;
    bool alaw = false;
    bool opus = false;
    bool events = false;       // on a clock of 8 kHz
    bool opus_events = false;  // on that of Opus
    [[nodiscard]] bool g711() const { return ulaw || alaw; }
  };
  /// Samples on their way to be a packet of Opus.
  struct Encoding {
    OpusEncoder encoder;
    std::array<std::int16_t, kFrameSamples> frame{};
    std::size_t filled = 0;
    std::uint32_t begins = 0;  // of the frame, at 8 kHz
    std::uint32_t clock = 0;   // the same on the clock of Opus
    bool is_first = true;
  };
  /// A digit that the browser is being told of.
  struct Telling {
    std::uint8_t event = 0;
    std::uint32_t timestamp = 0;
    int packet = 0;  // the next one
  };
  struct Outgoing {
    Codec codec = Codec::Pcmu;
    std::uint32_t timestamp = 0;
    bool marker = false;
    Bytes payload;
  };
  void encode(TimePoint now, std::uint32_t timestamp, bool is_first, const Sound& sound);
  void send_frame(TimePoint now);
  void send(TimePoint now, const Outgoing& packet);
  [[nodiscard]] bool takes_events() const { return taken_.g711() ? taken_.events : taken_.opus_events; }
  /// Ticks of the clock that the browser's stream has, for one sample.
  [[nodiscard]] std::uint32_t ticks() const { return taken_.g711() ? 1 : 6; }
  [[nodiscard]] rtp::PayloadType type_of(Codec codec) const;
  void tell(TimePoint now);

  Out& out_;
  Taken taken_;
  bool silent_ = false;
  Timeline timeline_;
  std::unique_ptr<Encoding> encoding_;
  std::uint64_t next_sequence_ = 0;
  std::deque<std::uint8_t> digits_;  // events that wait
  std::optional<Telling> telling_;
  TimePoint next_event_ = TimePoint::max();
  std::array<std::uint8_t, Sound::kSamplesMax> converted_{};
  ToBrowserCounters counters_;
};

}  // namespace zvonok::media::phone
