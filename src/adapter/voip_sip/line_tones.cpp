#include "adapter/voip_sip/line_tones.h"

#include <algorithm>
#include <span>

#include "proto/g711/g711.h"

namespace zvonok::voip_sip {
namespace {

constexpr Duration kInterval = milliseconds{20};
// A thread that stood still for longer does not make up for it.
constexpr Duration kBehindMost = milliseconds{200};
// A packet that is lost does not end a key; a pause does (Q.24: 40 ms).
constexpr std::int32_t kGapMost = 320;

g711::Law law_of(port::G711 law) {
  return law == port::G711::Ulaw ? g711::Law::Ulaw : g711::Law::Alaw;
}

}  // namespace

bool LineTones::add(TimePoint now, char digit) {
  if (!out_.is_sending()) next_ = now;
  return out_.add(digit);
}

std::optional<LineTones::Piece> LineTones::poll(TimePoint now, port::G711 law) {
  if (now < next()) return std::nullopt;
  next_ = std::max(next_, now - kBehindMost) + kInterval;
  std::array<std::int16_t, kPiece> samples{};
  (void)out_.write(samples);  // what is left after the last pause is silence
  Piece piece;
  g711::encode(law_of(law), samples, piece);
  return piece;
}

std::string LineTones::hear(const port::PhoneSound& sound) {
  const auto gap = expected_ ? static_cast<std::int32_t>(sound.timestamp - *expected_) : 0;
  if (sound.is_first || gap >= kGapMost || gap < -kGapMost) {
    in_.reset();
  } else if (gap < 0) {
    return {};  // late: what it belongs to was heard without it
  }
  expected_ = sound.timestamp + static_cast<std::uint32_t>(sound.samples.size());
  std::array<std::int16_t, port::PhoneSound::kSamplesMax> samples;
  const auto decoded = std::span{samples}.first(std::min(sound.samples.size(), samples.size()));
  g711::decode(law_of(sound.law), sound.samples.first(decoded.size()), decoded);
  return in_.read(decoded);
}

}  // namespace zvonok::voip_sip
