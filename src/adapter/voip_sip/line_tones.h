// Digits within the sound of a line, for telephones with which no telephone events (RFC 4733) were agreed on: their
// tones both ways (proto/dtmf). Pure.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "port/phone_audio.h"
#include "proto/dtmf/dtmf.h"

namespace zvonok::voip_sip {

class LineTones {
 public:
  static constexpr std::size_t kPiece = 160;  // samples: 20 ms
  using Piece = std::array<std::uint8_t, kPiece>;

  /// False when it was dropped. `digit`: of 0-9 * # A-D and `,`.
  bool add(TimePoint now, char digit);
  /// Whether a key sounds, or the pause behind it lasts: no other sound meanwhile.
  [[nodiscard]] bool is_sending() const { return out_.is_sending(); }
  /// When to ask next; TimePoint::max() when nothing waits.
  [[nodiscard]] TimePoint next() const { return out_.is_sending() ? next_ : TimePoint::max(); }
  /// The 20 ms that are due by now, one at a time.
  [[nodiscard]] std::optional<Piece> poll(TimePoint now, port::G711 law);

  /// Keys that are heard in it, usually none.
  [[nodiscard]] std::string hear(const port::PhoneSound& sound);

 private:
  dtmf::ToneWriter out_;
  TimePoint next_{};
  dtmf::ToneReader in_;
  std::optional<std::uint32_t> expected_;  // timestamp of what comes next
};

}  // namespace zvonok::voip_sip
