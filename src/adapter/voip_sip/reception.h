// What is known of a received RTP stream for a report block: RFC 3550 appendices A.1 (sequence), A.3 (loss) and A.8
// (jitter). Pure.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "proto/rtcp/packet.h"
#include "proto/rtp/packet.h"

namespace zvonok::voip_sip {

class Reception {
 public:
  explicit Reception(rtp::Ssrc ssrc) : ssrc_{ssrc} {}

  [[nodiscard]] rtp::Ssrc ssrc() const { return ssrc_; }
  void on_packet(TimePoint now, std::uint16_t sequence, std::uint32_t timestamp);
  void on_sender_report(TimePoint now, std::uint32_t compact_ntp) { report_ = {.compact_ntp = compact_ntp, .at = now}; }
  /// Begins the next interval.
  [[nodiscard]] rtcp::ReportBlock report(TimePoint now);
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t expected() const;
  /// In units of the RTP clock.
  [[nodiscard]] std::uint32_t jitter() const { return jitter_ >> 4; }

 private:
  struct Report {
    std::uint32_t compact_ntp = 0;
    TimePoint at{};
  };
  rtp::Ssrc ssrc_;
  bool begun_ = false;
  std::uint32_t base_ = 0;
  std::uint32_t highest_ = 0;  // with the count of cycles
  std::uint64_t received_ = 0;
  std::uint64_t expected_before_ = 0;
  std::uint64_t received_before_ = 0;
  std::uint32_t jitter_ = 0;  // times 16
  std::uint32_t transit_ = 0;
  std::uint32_t timestamp_ = 0;              // of the last packet
  std::optional<std::uint16_t> after_jump_;  // what follows the one that jumped
  std::optional<Report> report_;
};

}  // namespace zvonok::voip_sip
