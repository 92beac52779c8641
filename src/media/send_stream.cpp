#include "media/send_stream.h"

#include <algorithm>
#include <utility>

#include "proto/rtp/extensions.h"
#include "proto/rtp/packet.h"

namespace zvonok::media {

SendStream::SendStream(Options options)
    : parameters_{std::move(options.parameters)},
      forwarder_{{.kind = parameters_.kind,
                  .clock_rate = parameters_.kind == Kind::Video ? 90000U : 48000U,
                  .first_sequence = options.first_sequence}},
      packets_kept_{parameters_.retransmission == Retransmission::Nack ? options.packets_kept : 0},
      rtx_sequence_{options.first_rtx_sequence} {
  types_.fill(kNone);
  rtx_types_.fill(kNone);
}

void SendStream::set_source(const std::vector<CodecParameters>& source) {
  types_.fill(kNone);
  rtx_types_.fill(kNone);
  for (const CodecParameters& theirs : source) {
    const auto ours = std::ranges::find_if(parameters_.codecs, [&](const CodecParameters& c) {
      return c.codec == theirs.codec && c.profile == theirs.profile && c.clock_rate == theirs.clock_rate;
    });
    if (ours == parameters_.codecs.end()) continue;
    const std::size_t index = std::to_underlying(theirs.type) & 0x7F;
    types_[index] = std::to_underlying(ours->type);
    if (ours->rtx) rtx_types_[index] = std::to_underlying(*ours->rtx);
  }
}

std::size_t SendStream::write_header(MutableBytes room, const Header& header, const MediaPacket& packet, TimePoint now,
                                     SendContext& context) const {
  const ExtensionIds& ids = parameters_.extensions;
  std::array<rtp::ExtensionElement, 5> elements;
  std::size_t count = 0;
  const rtp::TransportSequence number = rtp::encode_transport_sequence(context.transport_sequence);
  const rtp::AbsSendTime sent = rtp::encode_abs_send_time(now);
  const std::array<std::uint8_t, 1> level{packet.audio_level.value_or(127)};
  if (ids.transport_cc != 0) {
    elements[count++] = {.id = ids.transport_cc, .bytes = number};
  } else if (ids.abs_send_time != 0) {
    elements[count++] = {.id = ids.abs_send_time, .bytes = sent};
  }
  if (ids.audio_level != 0 && packet.audio_level) elements[count++] = {.id = ids.audio_level, .bytes = level};
  if (ids.mid != 0 && !heard_) elements[count++] = {.id = ids.mid, .bytes = as_bytes(parameters_.mid)};
  if (ids.dependency_descriptor != 0 && !packet.dependency_descriptor.empty()) {
    elements[count++] = {.id = ids.dependency_descriptor, .bytes = packet.dependency_descriptor};
  }
  const std::size_t length = rtp::write_header(room,
                                               {.padding = false,
                                                .marker = header.as->marker,
                                                .payload_type = header.type,
                                                .sequence = static_cast<std::uint16_t>(header.sequence),
                                                .timestamp = header.as->timestamp,
                                                .ssrc = header.ssrc},
                                               std::span{elements}.first(count));
  if (length != 0 && ids.transport_cc != 0) ++context.transport_sequence;
  return length;
}

bool SendStream::send(const MediaPacket& packet, rtp::PayloadType source, TimePoint now,
                      const Forwarder::Clocks& clocks, SendContext& context) {
  const std::uint8_t type = types_[std::to_underlying(source) & 0x7F];
  const ice::Path* const path = context.transport.media_path();
  if (type == kNone || path == nullptr) return false;
  const auto as = forwarder_.forward(packet, now, clocks);
  if (!as) return false;
  const MutableBytes room = context.sink.claim(*path);
  const std::size_t header = write_header(
      room, {.type = rtp::PayloadType{type}, .sequence = as->sequence, .ssrc = parameters_.ssrc, .as = &*as}, packet,
      now, context);
  if (header == 0) return false;
  const std::size_t size = context.transport.sender().seal_rtp(
      as->sequence, parameters_.ssrc, room, header, as->prefix.view(), packet.payload.subspan(as->prefix.replaces));
  if (size == 0) return false;
  context.sink.commit(*path, size);
  ++counters_.packets;
  counters_.bytes += packet.payload.size();
  if (packets_kept_ > 0) {
    if (sent_.empty()) sent_.resize(packets_kept_);
    sent_[as->sequence % sent_.size()] = {.sequence = as->sequence,
                                          .source_sequence = packet.sequence,
                                          .timestamp = as->timestamp,
                                          .layer = packet.layer,
                                          .source_type = std::to_underlying(source),
                                          .marker = as->marker,
                                          .used = true,
                                          .prefix = as->prefix};
  }
  return true;
}

std::optional<SendStream::Lost> SendStream::find_lost(std::uint16_t sequence, TimePoint now, Duration round_trip) {
  constexpr std::uint8_t kRepeatsMax = 10;
  ++counters_.nacked;
  if (sent_.empty()) return std::nullopt;
  // The ring is a power of two times smaller than the number space only when its size is one: look at the whole number.
  for (std::size_t back = 0; back < 2; ++back) {
    Sent& sent = sent_[(std::size_t{sequence} + back * 0x10000) % sent_.size()];
    if (!sent.used || static_cast<std::uint16_t>(sent.sequence) != sequence) continue;
    const Duration wait = std::clamp<Duration>(round_trip, milliseconds{10}, milliseconds{500});
    if (sent.repeats > 0 && now - sent.repeated_at < wait) return std::nullopt;
    if (sent.repeats == kRepeatsMax) return std::nullopt;
    ++sent.repeats;
    sent.repeated_at = now;
    return Lost{
        .layer = sent.layer,
        .source_sequence = sent.source_sequence,
        .as = {.sequence = sent.sequence, .timestamp = sent.timestamp, .marker = sent.marker, .prefix = sent.prefix},
        .source_type = rtp::PayloadType{sent.source_type}};
  }
  return std::nullopt;
}

bool SendStream::retransmit(const Lost& lost, Bytes payload, TimePoint now, SendContext& context) {
  const std::uint8_t type = rtx_types_[std::to_underlying(lost.source_type) & 0x7F];
  const ice::Path* const path = context.transport.media_path();
  if (type == kNone || !parameters_.rtx_ssrc || path == nullptr) return false;
  if (payload.size() < lost.as.prefix.replaces) return false;
  const MutableBytes room = context.sink.claim(*path);
  const std::uint64_t number = rtx_sequence_;
  const std::size_t header = write_header(
      room, {.type = rtp::PayloadType{type}, .sequence = number, .ssrc = *parameters_.rtx_ssrc, .as = &lost.as}, {},
      now, context);
  if (header == 0) return false;
  // OSN (RFC 4588 section 4), and what stands in place of the payload's first bytes.
  std::array<std::uint8_t, 2 + 8> prefix{};
  prefix[0] = static_cast<std::uint8_t>(lost.as.sequence >> 8);
  prefix[1] = static_cast<std::uint8_t>(lost.as.sequence);
  const Bytes descriptor = lost.as.prefix.view();
  std::ranges::copy(descriptor, prefix.begin() + 2);
  const std::size_t size = context.transport.sender().seal_rtp(number, *parameters_.rtx_ssrc, room, header,
                                                               Bytes{prefix}.first(2 + descriptor.size()),
                                                               payload.subspan(lost.as.prefix.replaces));
  if (size == 0) return false;
  ++rtx_sequence_;
  context.sink.commit(*path, size);
  ++counters_.retransmitted;
  return true;
}

std::optional<rtcp::SenderInfo> SendStream::sender_info(TimePoint now, const Forwarder::Clocks& clocks) {
  const std::int8_t layer = forwarder_.current_layer();
  if (counters_.packets == 0 || layer < 0) return std::nullopt;
  const auto& clock = clocks[static_cast<std::size_t>(layer)];
  if (!clock) return std::nullopt;
  const Duration since = now - clock->heard;
  const rtcp::NtpTime ntp = clock->ntp + since;
  const std::uint32_t rate = parameters_.codecs.empty() ? 90000 : parameters_.codecs.front().clock_rate;
  const auto ahead = static_cast<std::uint32_t>(since.count() / 1000 * rate / 1'000'000);
  last_report_compact_ = ntp.compact();
  last_report_at_ = now;
  return rtcp::SenderInfo{.sender = parameters_.ssrc,
                          .ntp = ntp,
                          .rtp_timestamp = forwarder_.to_receiver_time(clock->rtp + ahead),
                          .packets = static_cast<std::uint32_t>(counters_.packets),
                          .octets = static_cast<std::uint32_t>(counters_.bytes)};
}

void SendStream::on_report(const rtcp::ReportBlock& block, TimePoint now) {
  heard_ = true;
  fraction_lost_ = block.fraction_lost / 256.0;
  jitter_ = block.jitter;
  if (block.last_sender_report == 0 || block.last_sender_report != last_report_compact_) return;
  const Duration trip = now - last_report_at_ - rtcp::duration_from_compact(block.delay_since_last);
  if (trip >= Duration::zero() && trip < rtcp::kRoundTripMax) round_trip_ = trip;
}

}  // namespace zvonok::media
