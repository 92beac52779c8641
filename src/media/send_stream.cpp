#include "media/send_stream.h"

#include <algorithm>
#include <utility>

#include "media/audio_history.h"
#include "proto/rtp/extensions.h"
#include "proto/rtp/packet.h"

namespace zvonok::media {

SendStream::SendStream(Options options)
    : parameters_{std::move(options.parameters)},
      forwarder_{{.kind = parameters_.kind}},
      numbering_{options.first_sequence},
      sent_{{.most = parameters_.retransmission == Retransmission::Nack ? options.packets_kept : 0}},
      rtx_sequence_{options.first_rtx_sequence} {
  types_.fill(kNone);
  rtx_types_.fill(kNone);
}

void SendStream::set_source(const std::vector<CodecParameters>& source) {
  types_.fill(kNone);
  rtx_types_.fill(kNone);
  padding_type_.reset();
  red_type_.reset();
  const auto red = std::ranges::find(parameters_.codecs, Codec::Red, &CodecParameters::codec);
  if (red != parameters_.codecs.end()) red_type_ = red->type;
  for (const CodecParameters& theirs : source) {
    const auto ours = std::ranges::find_if(parameters_.codecs, [&](const CodecParameters& c) {
      return c.codec == theirs.codec && c.profile == theirs.profile && c.clock_rate == theirs.clock_rate;
    });
    if (ours == parameters_.codecs.end()) continue;
    const std::size_t index = std::to_underlying(theirs.type) & 0x7F;
    types_[index] = std::to_underlying(ours->type);
    if (!ours->rtx) continue;
    rtx_types_[index] = std::to_underlying(*ours->rtx);
    padding_type_ = ours->rtx;
  }
}

std::size_t SendStream::write_header(MutableBytes room, const rtp::HeaderFields& fields, const Extras& extras,
                                     TimePoint now, const SendContext& context) const {
  const ExtensionIds& ids = parameters_.extensions;
  std::array<rtp::ExtensionElement, 5> elements;
  std::size_t count = 0;
  const auto add = [&](std::uint8_t id, Bytes bytes) {
    const rtp::ExtensionElement element{.id = id, .bytes = bytes};
    if (parameters_.mixed_extensions || rtp::has_one_byte_form(element)) elements[count++] = element;
  };
  const rtp::TransportSequence number = rtp::encode_transport_sequence(context.transport_number.value_or(0));
  const rtp::AbsSendTime sent = rtp::encode_abs_send_time(now);
  const std::array<std::uint8_t, 1> level{extras.audio_level.value_or(127)};
  if (ids.transport_cc != 0) {
    if (context.transport_number) add(ids.transport_cc, number);
  } else if (ids.abs_send_time != 0) {
    add(ids.abs_send_time, sent);
  }
  if (ids.audio_level != 0 && extras.audio_level) add(ids.audio_level, level);
  if (ids.mid != 0 && !heard_) add(ids.mid, as_bytes(parameters_.mid));
  if (ids.dependency_descriptor != 0 && !extras.dependency_descriptor.empty()) {
    add(ids.dependency_descriptor, extras.dependency_descriptor);
  }
  return rtp::write_header(room, fields, std::span{elements}.first(count));
}

std::optional<Renumbered> SendStream::place(const MediaPacket& packet, rtp::PayloadType source, TimePoint now,
                                            const Forwarder::Clocks& clocks) {
  if (!takes(source) && !(packet.red && takes(packet.red->type))) return std::nullopt;
  clock_rate_ = packet.clock_rate;
  return forwarder_.forward(packet, now, clocks);
}

std::size_t SendStream::send(const Outgoing& packet, TimePoint now, SendContext& context) {
  std::uint8_t type = types_[std::to_underlying(packet.source_type) & 0x7F];
  const ice::Path* const path = context.transport.media_path();
  const Renumbered& as = packet.as;
  Bytes payload = packet.payload;
  if (type == kNone && packet.red) {  // it takes no RED: unwrapped
    type = types_[std::to_underlying(packet.red->type) & 0x7F];
    payload = packet.red->payload;
  }
  if (type == kNone || path == nullptr || payload.size() < as.prefix.replaces) return 0;
  const auto number = numbering_.number(as, packet.keyframe);
  if (!number) return 0;
  DescriptorPrefix ahead;
  if (numbering_.is_ahead()) ahead = numbering_.prefix(as);
  const DescriptorPrefix& descriptor = numbering_.is_ahead() ? ahead : as.prefix;
  Bytes prefix = descriptor.view();
  std::array<std::uint8_t, 1 + AudioHistory::kPackets * (4 + AudioHistory::kBytesMax)> redundant;
  if (redundancy_ > 0 && red_type_ && !packet.repeats.empty()) {
    const auto repeats = packet.repeats.last(std::min(redundancy_, packet.repeats.size()));
    if (const std::size_t length = write_red(redundant, rtp::PayloadType{type}, repeats)) {
      prefix = Bytes{redundant}.first(length);
      type = std::to_underlying(*red_type_);
      ++counters_.redundant;
    }
  }
  const MutableBytes room = context.sink.claim(*path);
  const std::size_t header = write_header(
      room,
      {.padding = false,
       .marker = as.marker,
       .payload_type = rtp::PayloadType{type},
       .sequence = static_cast<std::uint16_t>(*number),
       .timestamp = as.timestamp,
       .ssrc = parameters_.ssrc},
      {.dependency_descriptor = packet.dependency_descriptor, .audio_level = packet.audio_level}, now, context);
  if (header == 0) return 0;
  const std::size_t size = context.transport.sender().seal_rtp(*number, parameters_.ssrc, room, header, prefix,
                                                               payload.subspan(as.prefix.replaces));
  if (size == 0) return 0;
  numbering_.sent(*number, descriptor);
  context.sink.commit(*path, size);
  ++counters_.packets;
  counters_.bytes += payload.size();
  if (!sent_.is_off()) {
    Sent& place = sent_.place(*number, now);
    if (place.number == kNoNumber || place.number <= *number) {
      place = {.number = *number,
               .at = now,
               .key = packet.key,
               .timestamp = as.timestamp,
               .layer = packet.layer,
               .source_type = std::to_underlying(packet.source_type),
               .marker = as.marker,
               .prefix = descriptor};
    }
  }
  return size;
}

std::optional<SendStream::Lost> SendStream::find_lost(std::uint16_t sequence, TimePoint now, Duration round_trip) {
  constexpr std::uint8_t kRepeatsMax = 10;
  ++counters_.nacked;
  static_assert(kPacketsKeptMax <= 0x10000 && (kPacketsKeptMax & (kPacketsKeptMax - 1)) == 0);
  Sent* const sent = sent_.peek(sequence);  // the ring's size divides that of the number space
  if (sent == nullptr || sent->number == kNoNumber || static_cast<std::uint16_t>(sent->number) != sequence) {
    return std::nullopt;
  }
  const Duration wait = std::clamp<Duration>(round_trip, milliseconds{10}, milliseconds{500});
  if (sent->repeats > 0 && now - sent->at - sent->repeated_after < wait) return std::nullopt;
  if (sent->repeats == kRepeatsMax) return std::nullopt;
  ++sent->repeats;
  sent->repeated_after = now - sent->at;
  return Lost{.layer = sent->layer,
              .key = sent->key,
              .sequence = sent->number,
              .timestamp = sent->timestamp,
              .marker = sent->marker,
              .prefix = sent->prefix,
              .source_type = rtp::PayloadType{sent->source_type}};
}

std::size_t SendStream::retransmit(const Lost& lost, const PacketRing::Kept& kept, TimePoint now,
                                   SendContext& context) {
  const std::uint8_t type = rtx_types_[std::to_underlying(lost.source_type) & 0x7F];
  const ice::Path* const path = context.transport.media_path();
  if (type == kNone || !parameters_.rtx_ssrc || path == nullptr) return 0;
  if (kept.payload.size() < lost.prefix.replaces) return 0;
  const MutableBytes room = context.sink.claim(*path);
  const std::uint64_t number = rtx_sequence_;
  const std::size_t header = write_header(room,
                                          {.padding = false,
                                           .marker = lost.marker,
                                           .payload_type = rtp::PayloadType{type},
                                           .sequence = static_cast<std::uint16_t>(number),
                                           .timestamp = lost.timestamp,
                                           .ssrc = *parameters_.rtx_ssrc},
                                          {.dependency_descriptor = kept.descriptor, .audio_level = {}}, now, context);
  if (header == 0) return 0;
  // OSN (RFC 4588 section 4), and what stands in place of the payload's first bytes.
  std::array<std::uint8_t, 2 + 8> prefix{};
  prefix[0] = static_cast<std::uint8_t>(lost.sequence >> 8);
  prefix[1] = static_cast<std::uint8_t>(lost.sequence);
  const Bytes descriptor = lost.prefix.view();
  copy_bytes(descriptor, MutableBytes{prefix}.subspan(2));
  const std::size_t size = context.transport.sender().seal_rtp(number, *parameters_.rtx_ssrc, room, header,
                                                               Bytes{prefix}.first(2 + descriptor.size()),
                                                               kept.payload.subspan(lost.prefix.replaces));
  if (size == 0) return 0;
  ++rtx_sequence_;
  context.sink.commit(*path, size);
  ++counters_.retransmitted;
  return size;
}

std::size_t SendStream::pad(std::size_t bytes, TimePoint now, SendContext& context) {
  const ice::Path* const path = context.transport.media_path();
  if (!can_pad() || path == nullptr) return 0;
  static constexpr std::array<std::uint8_t, kPaddingBytesMax> kZeros{};
  const std::size_t count = std::clamp<std::size_t>(bytes, 1, kPaddingBytesMax);
  const auto last = static_cast<std::uint8_t>(count);  // RFC 3550 section 5.1: the last byte says how many
  const MutableBytes room = context.sink.claim(*path);
  const std::uint64_t number = rtx_sequence_;
  const std::size_t header = write_header(room,
                                          {.padding = true,
                                           .marker = false,
                                           .payload_type = *padding_type_,
                                           .sequence = static_cast<std::uint16_t>(number),
                                           .timestamp = forwarder_.last_timestamp(),
                                           .ssrc = *parameters_.rtx_ssrc},
                                          {}, now, context);
  if (header == 0) return 0;
  const std::size_t size = context.transport.sender().seal_rtp(number, *parameters_.rtx_ssrc, room, header,
                                                               Bytes{kZeros}.first(count - 1), Bytes{&last, 1});
  if (size == 0) return 0;
  ++rtx_sequence_;
  context.sink.commit(*path, size);
  ++counters_.padded;
  return size;
}

std::optional<rtcp::SenderInfo> SendStream::sender_info(TimePoint now, const Forwarder::Clocks& clocks) {
  const std::int8_t layer = forwarder_.current_layer();
  if (counters_.packets == 0 || layer < 0) return std::nullopt;
  const auto& clock = clocks[static_cast<std::size_t>(layer)];
  if (!clock) return std::nullopt;
  const Duration since = now - clock->heard;
  const rtcp::NtpTime ntp = clock->ntp + since;
  const auto ahead = static_cast<std::uint32_t>(since.count() / 1000 * clock->clock_rate / 1'000'000);
  last_report_compact_ = ntp.compact();
  last_report_at_ = now;
  return rtcp::SenderInfo{.sender = parameters_.ssrc,
                          .ntp = ntp,
                          .rtp_timestamp = forwarder_.to_receiver_time(clock->rtp + ahead),
                          .packets = static_cast<std::uint32_t>(counters_.packets),
                          .octets = static_cast<std::uint32_t>(counters_.bytes)};
}

/// More at once, less only when the path was good for a while.
void SendStream::update_redundancy(TimePoint now) {
  constexpr double kLittleLoss = 0.01;
  constexpr double kMuchLoss = 0.05;
  constexpr Duration kGoodFor = seconds{15};
  if (parameters_.kind != Kind::Audio) return;
  const std::size_t wanted = fraction_lost_ >= kMuchLoss ? 2 : fraction_lost_ >= kLittleLoss ? 1 : 0;
  if (wanted > 0) lossy_at_ = now;
  if (wanted > redundancy_) redundancy_ = wanted;
  if (wanted == 0 && now - lossy_at_ > kGoodFor) redundancy_ = 0;
}

void SendStream::on_report(const rtcp::ReportBlock& block, TimePoint now) {
  heard_ = true;
  fraction_lost_ = block.fraction_lost / 256.0;
  jitter_ = block.jitter;
  update_redundancy(now);
  if (block.last_sender_report == 0 || block.last_sender_report != last_report_compact_) return;
  const Duration trip = now - last_report_at_ - rtcp::duration_from_compact(block.delay_since_last);
  if (trip >= Duration::zero() && trip < rtcp::kRoundTripMax) round_trip_ = trip;
}

}  // namespace zvonok::media
