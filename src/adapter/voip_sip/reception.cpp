#include "adapter/voip_sip/reception.h"

#include <algorithm>
#include <utility>

#include "proto/rtcp/ntp.h"

namespace zvonok::voip_sip {
namespace {

constexpr std::int64_t kClock = 8000;
// RFC 3550 appendix A.1.
constexpr int kDropoutMost = 3000;
constexpr int kMisorderMost = 100;
constexpr std::int64_t kLostMax = 0x7FFFFF;  // 24 bits with a sign

std::uint32_t arrival_of(TimePoint now) {
  const auto nanoseconds = now.time_since_epoch().count();
  return static_cast<std::uint32_t>(nanoseconds / (1'000'000'000 / kClock));
}

}  // namespace

void Reception::on_packet(TimePoint now, std::uint16_t sequence, std::uint32_t timestamp) {
  const std::uint32_t transit = arrival_of(now) - timestamp;
  const auto jump = static_cast<std::uint16_t>(sequence - static_cast<std::uint16_t>(highest_));
  if (begun_ && jump >= kDropoutMost && jump <= 65'536 - kMisorderMost) {
    // One alone may be anything; two in a row are numbers that begin anew.
    if (std::exchange(after_jump_, static_cast<std::uint16_t>(sequence + 1)) != sequence) return;
    begun_ = false;
    received_ = received_before_ = expected_before_ = 0;
  }
  after_jump_.reset();
  ++received_;
  if (!begun_) {
    begun_ = true;
    base_ = highest_ = sequence;
    transit_ = transit;
    timestamp_ = timestamp;
    return;
  }
  const auto ahead = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
  if (ahead > 0) highest_ += static_cast<std::uint32_t>(ahead);
  if (timestamp == timestamp_) return;  // all packets of a digit have one: that is not jitter
  timestamp_ = timestamp;
  const auto difference = static_cast<std::int32_t>(transit - transit_);
  transit_ = transit;
  const auto size = static_cast<std::uint32_t>(difference < 0 ? -static_cast<std::int64_t>(difference) : difference);
  // A jump of seconds is a new talk, not jitter.
  if (size < kClock * 4) jitter_ += size - ((jitter_ + 8) >> 4);
}

std::uint64_t Reception::expected() const {
  return begun_ ? std::uint64_t{highest_ - base_} + 1 : 0;
}

rtcp::ReportBlock Reception::report(TimePoint now) {
  const std::uint64_t expected_now = expected();
  const auto lost = static_cast<std::int64_t>(expected_now) - static_cast<std::int64_t>(received_);
  const auto expected_since = static_cast<std::int64_t>(expected_now - expected_before_);
  const auto lost_since = expected_since - static_cast<std::int64_t>(received_ - received_before_);
  expected_before_ = expected_now;
  received_before_ = received_;
  rtcp::ReportBlock block{.ssrc = ssrc_};
  if (expected_since > 0 && lost_since > 0) {
    block.fraction_lost = static_cast<std::uint8_t>(std::min<std::int64_t>(255, lost_since * 256 / expected_since));
  }
  block.cumulative_lost = static_cast<std::int32_t>(std::clamp(lost, -kLostMax - 1, kLostMax));
  block.highest_sequence = highest_;
  block.jitter = jitter();
  if (report_) {
    block.last_sender_report = report_->compact_ntp;
    block.delay_since_last = rtcp::compact_from_duration(now - report_->at);
  }
  return block;
}

}  // namespace zvonok::voip_sip
