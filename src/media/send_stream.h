// One track as one receiver gets it: renumbered, with the receiver's payload types and header extensions, sealed into
// the datagram it leaves in; what was sent is remembered for retransmission (RFC 4588) and sender reports.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "media/forwarder.h"
#include "media/growing_ring.h"
#include "media/numbering.h"
#include "media/packet_ring.h"
#include "media/parameters.h"
#include "media/transport.h"
#include "proto/rtcp/packet.h"
#include "proto/rtp/packet.h"

namespace zvonok::media {

/// What a packet leaves through.
struct SendContext {
  Transport& transport;
  PacketSink& sink;
  std::optional<std::uint16_t> transport_number;  // of transport-wide congestion control, for the next packet
};

class SendStream {
 public:
  static constexpr std::size_t kPacketsKeptMax = 512;
  struct Options {
    SendParameters parameters;
    std::uint64_t first_sequence = 0;  // random, below 0x8000; or where a stream of this SSRC was left
    std::uint64_t first_rtx_sequence = 0;
    std::size_t packets_kept = kPacketsKeptMax;  // of video
  };
  explicit SendStream(Options options);

  /// The publisher's payload types, to find ours for each. A publisher's codec that the receiver does not take has
  /// none.
  void set_source(const std::vector<CodecParameters>& source);
  void update_redundancy(TimePoint now);
  /// Whether the receiver takes packets of that payload type.
  [[nodiscard]] bool takes(rtp::PayloadType source) const { return types_[std::to_underlying(source) & 0x7F] != kNone; }

  /// Where the packet stands in the stream; nothing when this receiver does not get it.
  [[nodiscard]] std::optional<Renumbered> place(const MediaPacket& packet, rtp::PayloadType source, TimePoint now,
                                                const Forwarder::Clocks& clocks);
  /// Of what it takes to send a packet; the second when the first has come.
  void prefetch() const {
    zvonok::prefetch(&parameters_.kind);
    zvonok::prefetch(&parameters_.extensions, sizeof parameters_.extensions);
    zvonok::prefetch(&types_[64], 64);  // dynamic payload types
    zvonok::prefetch(&redundancy_);
    zvonok::prefetch(&counters_);
    zvonok::prefetch(&clock_rate_);
    zvonok::prefetch(&keyframe_at);
    zvonok::prefetch(&sent_);
    zvonok::prefetch(&numbering_, sizeof numbering_);
    forwarder_.prefetch();
  }
  void prefetch_rings() const {
    forwarder_.prefetch_used();
    if (const Sent* const place = sent_.peek(numbering_.next())) zvonok::prefetch(place);
  }

  /// A packet that has its place, with what is sent of it.
  struct Outgoing {
    Renumbered as;
    KeyframeStart keyframe = KeyframeStart::No;
    rtp::PayloadType source_type{};
    std::uint8_t layer = 0;
    std::uint64_t key = 0;  // Track::key_of
    Bytes payload;
    Bytes dependency_descriptor;
    std::optional<std::uint8_t> audio_level;
    std::optional<RedPrimary> red;
    std::span<const RedBlock> repeats;
  };
  /// Numbers, seals and sends. In the order of places, but for late ones. The bytes that left, without those of UDP and
  /// IP; 0: it can't be sent.
  std::size_t send(const Outgoing& packet, TimePoint now, SendContext& context);
  /// What had its place is not sent, and neither is all that comes after it up to a keyframe.
  void drop(const Renumbered& as) { numbering_.dropped(as.place); }
  [[nodiscard]] bool is_cut() const { return numbering_.is_cut(); }

  struct Lost {
    std::uint8_t layer = 0;
    std::uint64_t key = 0;
    std::uint64_t sequence = 0;  // the number it was sent with
    std::uint32_t timestamp = 0;
    bool marker = false;
    DescriptorPrefix prefix;
    rtp::PayloadType source_type{};
  };
  /// What a packet that the receiver asks for again was made of; nothing when it is too old, was never sent, or was
  /// repeated just now.
  [[nodiscard]] std::optional<Lost> find_lost(std::uint16_t sequence, TimePoint now, Duration round_trip);
  /// Repeats it by RTX (RFC 4588), with the source's payload and descriptor as they were kept. As `send`.
  std::size_t retransmit(const Lost& lost, const PacketRing::Kept& kept, TimePoint now, SendContext& context);
  /// One packet of padding alone, on the RTX stream: at most kPaddingBytesMax and some header.
  std::size_t pad(std::size_t bytes, TimePoint now, SendContext& context);
  [[nodiscard]] bool can_pad() const { return parameters_.rtx_ssrc && padding_type_ && counters_.packets > 0; }
  static constexpr std::size_t kPaddingBytesMax = 255;

  /// For a sender report: the publisher's clock as the receiver is to see it. None before the first packet.
  [[nodiscard]] std::optional<rtcp::SenderInfo> sender_info(TimePoint now, const Forwarder::Clocks& clocks);
  void on_report(const rtcp::ReportBlock& block, TimePoint now);
  [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_; }
  [[nodiscard]] double fraction_lost() const { return fraction_lost_; }
  /// RFC 3550 section 6.4.1, as the receiver reported it.
  [[nodiscard]] Duration jitter_time() const {
    return clock_rate_ == 0 ? Duration::zero()
                            : Duration{microseconds{std::int64_t{jitter_} * 1'000'000 / clock_rate_}};
  }
  /// Lines of the picture that the receiver shows; 0: not at all. Its owner's.
  std::uint16_t shown_height = 0xFFFF;
  /// The source's timestamp of the keyframe that began last. Its owner's.
  std::optional<std::uint32_t> keyframe_at;
  /// Since when there is not room for even its smallest layer. Its owner's.
  std::optional<TimePoint> starved_since;

  /// How many packets before it each audio packet carries once more; as many as the reported loss asks for.
  [[nodiscard]] std::size_t redundancy() const { return redundancy_; }

  [[nodiscard]] Forwarder& forwarder() { return forwarder_; }
  [[nodiscard]] const Forwarder& forwarder() const { return forwarder_; }
  /// The number after the newest that left.
  [[nodiscard]] std::uint64_t next_sequence() const { return numbering_.next(); }
  [[nodiscard]] std::uint64_t next_rtx_sequence() const { return rtx_sequence_; }
  /// The number of the keyframe that began last; what is older needs no repair any more.
  [[nodiscard]] std::uint64_t began_at() const { return numbering_.began_at(); }
  [[nodiscard]] const SendParameters& parameters() const { return parameters_; }
  /// The same stream with other extensions or codecs.
  void update(SendParameters parameters) { parameters_ = std::move(parameters); }

  struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // of payload
    std::uint64_t retransmitted = 0;
    std::uint64_t padded = 0;
    std::uint64_t redundant = 0;  // packets with others in them
    std::uint64_t nacked = 0;
    std::uint64_t keyframe_requests = 0;
  };
  [[nodiscard]] Counters& counters() { return counters_; }

 private:
  static constexpr std::uint8_t kNone = 0xFF;
  struct Sent {
    std::uint64_t number = kNoNumber;
    TimePoint at{};
    std::uint64_t key = 0;
    Duration repeated_after{};  // its last repeat
    std::uint32_t timestamp = 0;
    std::uint8_t layer = 0;
    std::uint8_t repeats = 0;
    std::uint8_t source_type = 0;
    bool marker = false;
    DescriptorPrefix prefix;
  };
  struct Extras {
    Bytes dependency_descriptor;
    std::optional<std::uint8_t> audio_level;
  };
  std::size_t write_header(MutableBytes room, const rtp::HeaderFields& fields, const Extras& extras, TimePoint now,
                           const SendContext& context) const;

  SendParameters parameters_;
  Forwarder forwarder_;
  Numbering numbering_;
  std::array<std::uint8_t, 128> types_{};
  std::array<std::uint8_t, 128> rtx_types_{};
  std::optional<rtp::PayloadType> padding_type_;
  std::optional<rtp::PayloadType> red_type_;
  std::size_t redundancy_ = 0;
  TimePoint lossy_at_{};
  GrowingRing<Sent> sent_;
  std::uint64_t rtx_sequence_;
  Counters counters_;

  std::uint32_t last_report_compact_ = 0;  // of our last sender report
  TimePoint last_report_at_{};
  std::optional<Duration> round_trip_;
  double fraction_lost_ = 0;
  std::uint32_t jitter_ = 0;
  std::uint32_t clock_rate_ = 0;
  bool heard_ = false;  // the receiver reports on this stream: it knows whose it is without MID
};

}  // namespace zvonok::media
