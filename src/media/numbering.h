// The numbers that a receiver's packets leave with. What is forwarded has its place in the receiver's stream as soon as
// it comes; the number is given when it leaves, so that what is dropped while it waits leaves no hole behind it, which
// the receiver would take for loss and ask for in vain.
//
// Places become numbers by an offset that changes only where a keyframe begins: at such a point the numbers go on from
// the newest that was sealed, and what stood before it will not be sent any more. What stands between a dropped packet
// and the next keyframe can't be decoded, and is not sent either. So no number is ever given twice (SRTP depends on
// it), as long as no place is. Picture ids and the like of VP8 and VP9 go on in the same way.
//
// A picture that was cut off and the keyframe behind it have numbers without a hole between them, too: the marker that
// is missing, another timestamp and the keyframe's own beginning tell a decoder.
#pragma once
#include <cstdint>
#include <optional>

#include "media/forwarder.h"

namespace zvonok::media {

/// Whether a packet begins a keyframe.
enum class KeyframeStart : std::uint8_t { No, Yes };

class Numbering {
 public:
  explicit Numbering(std::uint64_t first) : next_{first}, offset_{first}, began_at_{first} {}

  /// To be asked in the order of leaving. Empty: the packet must not be sent any more.
  [[nodiscard]] std::optional<std::uint64_t> number(const Renumbered& packet, KeyframeStart keyframe) {
    if (packet.place < from_) [[unlikely]] return std::nullopt;
    const std::uint64_t number = packet.place + offset_;
    if (!(packet.begins | cut_) || number < next_) [[likely]] return number;
    if (!packet.begins && keyframe == KeyframeStart::No) return std::nullopt;
    begin(packet);
    return next_;
  }
  /// Whether pictures have other numbers than they came with.
  [[nodiscard]] bool is_ahead() const { return (pictures_ahead_ | tl0_ahead_) != 0; }
  /// The picture's numbers as they go with that.
  [[nodiscard]] DescriptorPrefix prefix(const Renumbered& packet) const {
    DescriptorPrefix prefix = packet.prefix;
    if (pictures_ahead_ != 0) prefix.add_to_picture_id(pictures_ahead_);
    if (tl0_ahead_ != 0) prefix.add_to_tl0(tl0_ahead_);
    return prefix;
  }
  /// It left with these.
  void sent(std::uint64_t number, const DescriptorPrefix& prefix) {
    if (number < next_) return;
    next_ = number + 1;
    if (prefix.size != 0) newest_ = prefix;
  }
  /// The packet of that place, whose turn it was, is not sent: nor is anything behind it before a keyframe begins.
  void dropped(std::uint64_t place) {
    // Of a late one the number is a hole already, and what is behind it has left.
    if (place >= from_ && place + offset_ >= next_) cut_ = true;
  }

  /// Nothing can be sent before a keyframe begins.
  [[nodiscard]] bool is_cut() const { return cut_; }
  /// The number after the newest that left.
  [[nodiscard]] std::uint64_t next() const { return next_; }
  /// The number of the keyframe that began last; what is older needs no repair any more.
  [[nodiscard]] std::uint64_t began_at() const { return began_at_; }

 private:
  void begin(const Renumbered& packet) {
    cut_ = false;
    offset_ = next_ - packet.place;
    from_ = packet.place;
    began_at_ = next_;
    if (const auto id = packet.prefix.picture_id(), before = newest_.picture_id(); id && before) {
      pictures_ahead_ = static_cast<std::uint16_t>((*before + 1 - *id) & 0x7FFF);
    }
    if (const auto index = packet.prefix.tl0(), before = newest_.tl0(); index && before) {
      tl0_ahead_ = static_cast<std::uint8_t>(*before + 1 - *index);
    }
  }

  std::uint64_t next_;
  std::uint64_t offset_;  // may be "below zero": it wraps, and so does the sum
  std::uint64_t from_ = 0;
  std::uint64_t began_at_;
  std::uint16_t pictures_ahead_ = 0;
  std::uint8_t tl0_ahead_ = 0;
  bool cut_ = false;
  DescriptorPrefix newest_;  // of the newest that left
};

}  // namespace zvonok::media
