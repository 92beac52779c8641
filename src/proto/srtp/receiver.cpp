#include "proto/srtp/receiver.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "base/byte_io.h"
#include "proto/rtp/packet.h"
#include "proto/srtp/wire.h"

namespace zvonok::srtp {
namespace {

constexpr std::uint64_t kRollover = 0x10000;
constexpr std::uint64_t kHalfRollover = 0x8000;
constexpr std::uint8_t kVersion = 2;

/// Before the cryptography, which costs more than anything here.
std::optional<Error> refuse_early(const ReplayWindow* window, std::uint64_t index, bool table_is_full) {
  if (window == nullptr) return table_is_full ? std::optional{Error::TooManySsrcs} : std::nullopt;
  switch (window->check(index)) {
    case ReplayWindow::Verdict::Fresh: return std::nullopt;
    case ReplayWindow::Verdict::Replayed: return Error::Replayed;
    case ReplayWindow::Verdict::TooOld: return Error::TooOld;
  }
  return Error::Malformed;
}

}  // namespace

std::uint64_t guess_index(std::uint64_t newest, std::uint16_t sequence) {
  const std::uint64_t base = newest & ~(kRollover - 1);
  const std::uint64_t low = newest & (kRollover - 1);
  std::uint64_t index = base + sequence;
  if (low < kHalfRollover) {
    if (sequence > low + kHalfRollover && base != 0) index -= kRollover;
  } else if (low - kHalfRollover > sequence) {
    index += kRollover;
  }
  return index & kRtpIndexMax;
}

ReplayWindow* Receiver::Streams::find(rtp::Ssrc ssrc) {
  const auto at = std::ranges::find(ssrcs_, ssrc);
  return at == ssrcs_.end() ? nullptr : &windows_[static_cast<std::size_t>(at - ssrcs_.begin())];
}

ReplayWindow& Receiver::Streams::add(rtp::Ssrc ssrc) {
  ssrcs_.push_back(ssrc);
  return windows_.emplace_back();
}

void Receiver::Streams::remove(rtp::Ssrc ssrc) {
  const auto at = std::ranges::find(ssrcs_, ssrc);
  if (at == ssrcs_.end()) return;
  windows_.erase(windows_.begin() + std::distance(ssrcs_.begin(), at));
  ssrcs_.erase(at);
}

Receiver::Receiver(Profile profile, const MasterKey& master, ReceiverOptions options)
    : Receiver{profile, derive_session_keys(profile, master), options} {}

Receiver::Receiver(Profile profile, const SessionKeys& keys, ReceiverOptions options)
    : profile_{profile},
      tag_bytes_{tag_bytes(profile)},
      rtp_{profile, Direction::Open, keys.rtp},
      rtcp_{profile, Direction::Open, keys.rtcp},
      rtp_streams_{options.ssrcs_max},
      rtcp_streams_{options.ssrcs_max} {}

Result<Opened, Error> Receiver::open_rtp(MutableBytes packet) {
  if (packet.size() < rtp::kFixedHeaderBytes + tag_bytes_) return fail(Error::TooShort);
  if (packet.size() > kTextBytesMax) return fail(Error::Malformed);
  const std::size_t length = packet.size() - tag_bytes_;
  const auto view = rtp::PacketView::parse(packet.first(length));
  if (!view) return fail(Error::Malformed);

  ReplayWindow* window = rtp_streams_.find(view->ssrc);
  const std::uint64_t index = guess_index(window == nullptr ? 0 : window->newest(), view->sequence);
  if (const auto error = refuse_early(window, index, rtp_streams_.full())) return fail(*error);
  const auto rollover = rollover_bytes(index);
  if (!rtp_.open({.ssrc = view->ssrc, .index = index}, packet.first(length), view->header_length,
                 rtp_trailer(profile_, rollover), packet.subspan(length))) {
    return fail(Error::BadTag);
  }
  if (window == nullptr) window = &rtp_streams_.add(view->ssrc);
  window->mark(index);
  return Opened{.length = length, .extended_sequence = index, .ssrc = view->ssrc};
}

Result<std::size_t, Error> Receiver::open_rtcp(MutableBytes packet) {
  if (packet.size() < kRtcpHeaderBytes + kRtcpTrailerBytes + tag_bytes_) return fail(Error::TooShort);
  if (packet.size() > kTextBytesMax || packet[0] >> 6 != kVersion) return fail(Error::Malformed);
  const std::size_t length = packet.size() - kRtcpTrailerBytes - tag_bytes_;
  const RtcpLayout layout = rtcp_layout(profile_, length);
  const Bytes trailer = packet.subspan(layout.trailer_at, kRtcpTrailerBytes);
  const std::uint32_t word = load_be32(trailer.data());
  if ((word & kEncryptedFlag) == 0) return fail(Error::Malformed);

  const PacketId id{.ssrc = rtp::Ssrc{load_be32(packet.data() + kRtcpSsrcAt)}, .index = word & kRtcpIndexMax};
  ReplayWindow* window = rtcp_streams_.find(id.ssrc);
  if (const auto error = refuse_early(window, id.index, rtcp_streams_.full())) return fail(*error);
  if (!rtcp_.open(id, packet.first(length), kRtcpHeaderBytes, trailer, packet.subspan(layout.tag_at, tag_bytes_))) {
    return fail(Error::BadTag);
  }
  if (window == nullptr) window = &rtcp_streams_.add(id.ssrc);
  window->mark(id.index);
  return length;
}

void Receiver::forget(rtp::Ssrc ssrc) {
  rtp_streams_.remove(ssrc);
  rtcp_streams_.remove(ssrc);
}

}  // namespace zvonok::srtp
