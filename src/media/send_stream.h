// One track as one receiver gets it: renumbered, with the receiver's payload types and header extensions, sealed into
// the datagram it leaves in; what was sent is remembered for retransmission (RFC 4588) and sender reports.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media/forwarder.h"
#include "media/parameters.h"
#include "media/transport.h"
#include "proto/rtcp/packet.h"

namespace zvonok::media {

/// Numbers that all streams of one receiver share.
struct SendContext {
  Transport& transport;
  PacketSink& sink;
  std::uint16_t& transport_sequence;  // of transport-wide congestion control: the next one
};

class SendStream {
 public:
  struct Options {
    SendParameters parameters;
    std::uint16_t first_sequence = 0;  // random, below 0x8000
    std::uint16_t first_rtx_sequence = 0;
    std::size_t packets_kept = 512;  // of video
  };
  explicit SendStream(Options options);

  /// The publisher's payload types, to find ours for each. A publisher's codec that the receiver does not take has
  /// none.
  void set_source(const std::vector<CodecParameters>& source);
  /// Whether the receiver takes packets of that payload type.
  [[nodiscard]] bool takes(rtp::PayloadType source) const { return types_[std::to_underlying(source) & 0x7F] != kNone; }

  /// Sends the packet on when it is to be sent. True when it was.
  bool send(const MediaPacket& packet, rtp::PayloadType source, TimePoint now, const Forwarder::Clocks& clocks,
            SendContext& context);

  struct Lost {
    std::uint8_t layer = 0;
    std::uint64_t source_sequence = 0;
    Renumbered as;
    rtp::PayloadType source_type{};
  };
  /// What a packet that the receiver asks for again was made of; nothing when it is too old, was never sent, or was
  /// repeated just now.
  [[nodiscard]] std::optional<Lost> find_lost(std::uint16_t sequence, TimePoint now, Duration round_trip);
  /// Repeats it by RTX. `payload` is the source's.
  bool retransmit(const Lost& lost, Bytes payload, TimePoint now, SendContext& context);

  /// For a sender report: the publisher's clock as the receiver is to see it. None before the first packet.
  [[nodiscard]] std::optional<rtcp::SenderInfo> sender_info(TimePoint now, const Forwarder::Clocks& clocks);
  void on_report(const rtcp::ReportBlock& block, TimePoint now);
  [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_; }
  [[nodiscard]] double fraction_lost() const { return fraction_lost_; }
  [[nodiscard]] std::uint32_t jitter() const { return jitter_; }

  [[nodiscard]] Forwarder& forwarder() { return forwarder_; }
  [[nodiscard]] const SendParameters& parameters() const { return parameters_; }
  /// The same stream with other extensions or codecs.
  void update(SendParameters parameters) { parameters_ = std::move(parameters); }

  struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // of payload
    std::uint64_t retransmitted = 0;
    std::uint64_t nacked = 0;
    std::uint64_t keyframe_requests = 0;
  };
  [[nodiscard]] Counters& counters() { return counters_; }

 private:
  static constexpr std::uint8_t kNone = 0xFF;
  struct Sent {
    std::uint64_t sequence = 0;
    std::uint64_t source_sequence = 0;
    TimePoint repeated_at{};
    std::uint32_t timestamp = 0;
    std::uint8_t layer = 0;
    std::uint8_t repeats = 0;
    std::uint8_t source_type = 0;
    bool marker = false;
    bool used = false;
    DescriptorPrefix prefix;
  };
  struct Header {
    rtp::PayloadType type{};
    std::uint64_t sequence = 0;
    rtp::Ssrc ssrc{};
    const Renumbered* as = nullptr;
  };
  std::size_t write_header(MutableBytes room, const Header& header, const MediaPacket& packet, TimePoint now,
                           SendContext& context) const;

  SendParameters parameters_;
  Forwarder forwarder_;
  std::array<std::uint8_t, 128> types_{};
  std::array<std::uint8_t, 128> rtx_types_{};
  std::vector<Sent> sent_;  // ring by sequence; grows to its full size with the first packet
  std::size_t packets_kept_;
  std::uint64_t rtx_sequence_;
  Counters counters_;

  std::uint32_t last_report_compact_ = 0;  // of our last sender report
  TimePoint last_report_at_{};
  std::optional<Duration> round_trip_;
  double fraction_lost_ = 0;
  std::uint32_t jitter_ = 0;
  bool heard_ = false;  // the receiver reports on this stream: it knows whose it is without MID
};

}  // namespace zvonok::media
