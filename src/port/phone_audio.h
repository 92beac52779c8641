// The sound of phone calls, as a port apart from their events: G.711 at 8 kHz, both ways, in whatever pieces the
// telephone's side sends (RFC 3551 sections 4.5.14 and 4.5.10), and digits (RFC 4733). Nothing here waits for anything
// to arrive in order: who needs that has a jitter buffer.
//
// Threads: a line is made on the control thread; from `start` until it is destroyed it belongs to one media thread,
// unlike everything in port/phone_provider.h.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"

namespace zvonok::net {
class Loop;
}

namespace zvonok::port {

enum class G711 : std::uint8_t { Ulaw, Alaw };

/// A piece of sound: usually 20 ms, 160 samples.
struct PhoneSound {
  static constexpr std::size_t kSamplesMax = 480;  // 60 ms
  G711 law = G711::Ulaw;
  std::uint32_t timestamp = 0;  // of the first sample, 8 kHz; starts anywhere, wraps
  bool is_first = false;        // after silence: the RTP marker
  Bytes samples;                // 1 to kSamplesMax, a byte each; borrowed
};

/// Who hears what comes from the telephone. Called on the line's media thread, and outlives the line.
class PhoneEars {
 public:
  virtual ~PhoneEars() = default;
  virtual void on_sound(TimePoint now, const PhoneSound& sound) = 0;
  /// 0-9 * # A-D, once for each that was pressed.
  virtual void on_digit(TimePoint now, char digit) = 0;
};

/// The telephone's end of one call's sound.
class PhoneLine {
 public:
  virtual ~PhoneLine() = default;
  /// What it speaks by now; what is sent to it should be that.
  [[nodiscard]] virtual G711 law() const = 0;
  /// How it wants to be sent sound. Steady: 20 ms every 20 ms from the first on, in order, with consecutive timestamps;
  /// what was lost is concealed and pauses are filled, which costs some delay. AsItComes: for whoever sends packets to
  /// a telephone that does all that itself.
  enum class Feed : std::uint8_t { AsItComes, Steady };
  [[nodiscard]] virtual Feed feed() const { return Feed::AsItComes; }
  /// Once, before all else. Sound may come before the call was answered (early media).
  virtual void start(net::Loop& loop, PhoneEars& ears) = 0;
  /// To be heard there. Never blocks: what can't be sent is dropped and counted by the line.
  virtual void send(TimePoint now, const PhoneSound& sound) = 0;
  /// 0-9 * # A-D, as the user's browser sent it (RFC 4733). Digits of the API take the way of PhoneProvider.
  virtual void send_digit(TimePoint now, char digit) = 0;
};

}  // namespace zvonok::port
