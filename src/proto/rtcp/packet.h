// What RTCP packets say, as views of the received bytes: RFC 3550 section 6 (SR, RR, SDES, BYE), RFC 4585 (NACK, PLI),
// RFC 5104 (FIR), RFC 3611 (RRTR and DLRR), draft-alvestrand-rmcat-remb (REMB) and
// draft-holmer-rmcat-transport-wide-cc-extensions-01. The reader has checked every length before one of these exists,
// so asking them cannot fail. They hold as long as the bytes do, and allocate nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/byte_io.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/time.h"
#include "proto/rtcp/ntp.h"
#include "proto/rtp/types.h"

namespace zvonok::rtcp {

using rtp::Ssrc;

/// RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 2.
enum class PacketType : std::uint8_t {
  SenderReport = 200,
  ReceiverReport = 201,
  SourceDescription = 202,
  Goodbye = 203,
  Application = 204,
  TransportFeedback = 205,
  PayloadFeedback = 206,
  ExtendedReport = 207,
};

/// The greatest value of the five-bit counts in headers.
inline constexpr std::size_t kCountMax = 31;
/// More statuses than this in one transport feedback make sequence numbers ambiguous.
inline constexpr std::size_t kFeedbackStatusesMax = 1U << 15;
/// Arrival times of transport feedback come in these steps, and its reference time in steps of 256 of them.
inline constexpr Duration kFeedbackTick = microseconds{250};
inline constexpr Duration kReferenceTimeUnit = milliseconds{64};

/// A list of records of one size, decoded when asked for.
template <class Record, std::size_t kRecordBytes>
class Records {
 public:
  class Iterator {
   public:
    using value_type = Record;
    using difference_type = std::ptrdiff_t;
    constexpr Iterator() = default;
    constexpr explicit Iterator(Bytes rest) : rest_{rest} {}
    constexpr Record operator*() const { return Record::decode(rest_.first(kRecordBytes)); }
    constexpr Iterator& operator++() {
      rest_ = rest_.subspan(kRecordBytes);
      return *this;
    }
    constexpr Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    constexpr bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    Bytes rest_;
  };

  constexpr Records() = default;
  /// Bytes that make no whole record at the end are left out.
  constexpr explicit Records(Bytes bytes) : bytes_{bytes.first(bytes.size() - bytes.size() % kRecordBytes)} {}

  [[nodiscard]] constexpr std::size_t size() const { return bytes_.size() / kRecordBytes; }
  [[nodiscard]] constexpr bool empty() const { return bytes_.empty(); }
  /// `index` is below size().
  [[nodiscard]] constexpr Record operator[](std::size_t index) const {
    ZVONOK_CHECK(index < size());
    return Record::decode(bytes_.subspan(index * kRecordBytes, kRecordBytes));
  }
  [[nodiscard]] constexpr Iterator begin() const { return Iterator{bytes_}; }
  [[nodiscard]] constexpr Iterator end() const { return Iterator{bytes_.last(0)}; }

 private:
  Bytes bytes_;
};

struct SsrcRecord {
  Ssrc ssrc{};
  static constexpr SsrcRecord decode(Bytes bytes) { return {Ssrc{load_be32(bytes.data())}}; }
  constexpr operator Ssrc() const { return ssrc; }
};
using Ssrcs = Records<SsrcRecord, 4>;

/// RFC 3550 section 6.4.1.
struct ReportBlock {
  Ssrc ssrc{};
  std::uint8_t fraction_lost = 0;        // of 256, since the last report
  std::int32_t cumulative_lost = 0;      // 24 bits with a sign
  std::uint32_t highest_sequence = 0;    // extended by the count of cycles
  std::uint32_t jitter = 0;              // in units of the RTP clock
  std::uint32_t last_sender_report = 0;  // compact NTP; 0: none came
  std::uint32_t delay_since_last = 0;    // 1/65536 s

  static constexpr std::size_t kBytes = 24;
  static ReportBlock decode(Bytes bytes);
  bool operator==(const ReportBlock&) const = default;
};
using ReportBlocks = Records<ReportBlock, ReportBlock::kBytes>;

/// RFC 3550 section 6.4.1, the sender's part.
struct SenderInfo {
  Ssrc sender{};
  NtpTime ntp;
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
  bool operator==(const SenderInfo&) const = default;
};

struct SenderReport {
  SenderInfo info;
  ReportBlocks blocks;
};

struct ReceiverReport {
  Ssrc sender{};
  ReportBlocks blocks;
};

/// RFC 3550 section 6.5. Only names (CNAME) are given out; other items are stepped over.
struct Cname {
  Ssrc ssrc{};
  std::string_view name;
};
class CnameReader {
 public:
  explicit CnameReader(Bytes chunks) : rest_{chunks} {}
  std::optional<Cname> next();

 private:
  Bytes rest_;
};
struct Sdes {
  Bytes chunks;
  std::uint8_t chunk_count = 0;
  [[nodiscard]] CnameReader cnames() const { return CnameReader{chunks}; }
};

struct Bye {
  Ssrcs ssrcs;
  std::string_view reason;
};

/// RFC 4585 section 6.2.1: one number and the sixteen after it.
struct NackEntry {
  std::uint16_t packet_id = 0;
  std::uint16_t following_mask = 0;
  static constexpr NackEntry decode(Bytes bytes) { return {load_be16(bytes.data()), load_be16(bytes.data() + 2)}; }
};
using NackEntries = Records<NackEntry, 4>;
/// Gives the numbers of all entries in their order; at most 17 for each.
class LostReader {
 public:
  explicit LostReader(NackEntries entries) : next_{entries.begin()}, end_{entries.end()} {}
  std::optional<std::uint16_t> next();

 private:
  NackEntries::Iterator next_;
  NackEntries::Iterator end_;
  std::uint16_t base_ = 0;
  std::uint32_t mask_ = 0;  // bit i: base_ + i is still to be given
};
struct Nack {
  Ssrc sender{};
  Ssrc media{};
  NackEntries entries;
  [[nodiscard]] LostReader lost() const { return LostReader{entries}; }
};

/// RFC 4585 section 6.3.1.
struct Pli {
  Ssrc sender{};
  Ssrc media{};
};

/// RFC 5104 section 4.3.1.
struct FirEntry {
  Ssrc ssrc{};
  std::uint8_t sequence = 0;  // repeated by a repeated request
  static constexpr FirEntry decode(Bytes bytes) { return {Ssrc{load_be32(bytes.data())}, bytes[4]}; }
  bool operator==(const FirEntry&) const = default;
};
using FirEntries = Records<FirEntry, 8>;
struct Fir {
  Ssrc sender{};
  FirEntries entries;
};

struct Remb {
  Ssrc sender{};
  std::uint64_t bitrate_bps = 0;  // at the top of the range when the wire says more
  Ssrcs ssrcs;
};

/// What transport feedback says of one packet. `arrival` is in the reporter's time, which wraps every 2^24 * 64 ms;
/// `delta` is from the packet received before it in the same feedback, or from the reference time. Both are zero for a
/// packet that was not received.
struct PacketStatus {
  enum class Fate : std::uint8_t { Lost, Received };
  std::uint16_t sequence = 0;
  Fate fate = Fate::Lost;
  Duration delta{};
  Duration arrival{};
};
class StatusReader {
 public:
  struct Layout {
    std::uint16_t base_sequence = 0;
    std::uint16_t status_count = 0;
    Duration reference{};
    Bytes chunks;
    Bytes deltas;
  };
  explicit StatusReader(const Layout& layout);
  std::optional<PacketStatus> next();

 private:
  ByteReader chunks_;
  ByteReader deltas_;
  std::uint16_t sequence_;
  std::size_t left_;
  Duration arrival_;
  std::uint16_t chunk_ = 0;
  unsigned chunk_left_ = 0;  // statuses of chunk_ not yet given
};
struct TransportFeedback {
  Ssrc sender{};
  Ssrc media{};
  std::uint16_t base_sequence = 0;
  std::uint16_t status_count = 0;
  std::uint32_t reference_time = 0;  // 24 bits, in kReferenceTimeUnit
  std::uint8_t feedback_count = 0;
  Bytes chunks;
  Bytes deltas;
  [[nodiscard]] StatusReader statuses() const {
    return StatusReader{{base_sequence, status_count, reference_time * kReferenceTimeUnit, chunks, deltas}};
  }
};

/// RFC 3611 section 4.5.
struct DlrrEntry {
  Ssrc ssrc{};
  std::uint32_t last_reference = 0;  // compact NTP
  std::uint32_t delay = 0;           // 1/65536 s
  static constexpr DlrrEntry decode(Bytes bytes) {
    return {Ssrc{load_be32(bytes.data())}, load_be32(bytes.data() + 4), load_be32(bytes.data() + 8)};
  }
};
using DlrrEntries = Records<DlrrEntry, 12>;
/// The receiver reference time (section 4.4) and the first DLRR block, when there are any; other blocks are skipped.
struct ExtendedReport {
  Ssrc sender{};
  std::optional<NtpTime> reference_time;
  DlrrEntries dlrr;
};

/// A well-framed packet of a kind that is not read here.
struct Unknown {
  std::uint8_t type = 0;
  std::uint8_t format = 0;  // the five bits of the header
  Bytes body;               // behind the four bytes of the header, without padding
};

using Packet = std::variant<SenderReport, ReceiverReport, Sdes, Bye, Nack, Pli, Fir, Remb, TransportFeedback,
                            ExtendedReport, Unknown>;

/// Unrolls the reference times of transport feedback, which wrap every 12 days, so that arrivals of different feedbacks
/// can be subtracted. Add the result to a status's `arrival`.
class ReferenceTimeExtender {
 public:
  /// What the wraps so far amount to. `reference_time` is of a feedback that is believed.
  Duration update(std::uint32_t reference_time);

 private:
  std::optional<std::int64_t> last_;
};

}  // namespace zvonok::rtcp
