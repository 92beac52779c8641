// What a participant does with media once it is connected: RTP and RTCP both ways.
#include <algorithm>
#include <array>

#include "load/participant.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"
#include "proto/rtp/extensions.h"
#include "proto/rtp/packet.h"
#include "proto/rtp/rtx.h"

namespace zvonok::load {
namespace {

constexpr Duration kReportInterval = seconds{1};
constexpr std::size_t kReportBlocksMax = 31;
constexpr std::size_t kRtcpBytesMax = 1200;
constexpr std::size_t kSsrcsMax = 4096;
/// What a request for a lost packet is given before it is repeated.
constexpr Duration kRoundTrip = milliseconds{40};

}  // namespace

// ---- receiving ------------------------------------------------------------------------------------------------------

Participant::In* Participant::stream_of(rtp::Ssrc ssrc) {
  if (last_in_ != nullptr && last_ssrc_ == ssrc) return last_in_;
  const auto found = in_.find(ssrc);
  if (found == in_.end() && in_.size() >= kSsrcsMax) return nullptr;
  last_in_ = found == in_.end() ? &in_[ssrc] : &found->second;
  last_ssrc_ = ssrc;
  return last_in_;
}

/// Header extensions are not encrypted (RFC 3711), so that this costs no decryption.
void Participant::note_arrival(TimePoint at, Bytes datagram) {
  if (!recorder_ || transport_feedback_id_ == 0) return;
  const auto view = rtp::PacketView::parse(datagram);
  if (!view) return;
  const auto element = view->extensions().find(transport_feedback_id_);
  const auto number = element ? rtp::parse_transport_sequence(*element) : std::nullopt;
  if (!number) return;
  recorder_->set_media(view->ssrc);
  static_cast<void>(recorder_->note(*number, at));
}

void Participant::on_rtp(TimePoint now, TimePoint at, MutableBytes datagram) {
  if (datagram.size() < rtp::kFixedHeaderBytes || left_) return;
  ++packets_received_;
  bytes_received_ += datagram.size();
  note_arrival(at, datagram);
  In* const in = stream_of(rtp::Ssrc{load_be32(datagram.data() + 8)});
  if (in == nullptr || !in->announced) ++wrong_.unannounced;
  if (in == nullptr) return;
  if (in->repairs) return on_repair(at, *in->repairs, datagram);
  if (in->count.packets() == 0) {
    ++streams_begun_;
    note_complete(std::min(now, at));
  }
  const std::uint64_t number = in->count.on_packet(load_be16(datagram.data() + 2), datagram.size());
  if (in->missing != nullptr) {
    static_cast<void>(in->missing->on_packet(number, now));
    next_nacks_ = std::min(next_nacks_, in->missing->next_timeout());
  }
  if (options_.verify == Verify::HeadersOnly || !receiver_) return;
  const auto view = open(datagram);
  if (!view) return;
  const auto payload = rtp::payload_of(*view);
  verify(at, payload ? payload->bytes : Bytes{});
}

std::optional<rtp::PacketView> Participant::open(MutableBytes datagram) {
  const auto opened = receiver_->open_rtp(datagram);
  if (!opened) {
    const bool again = opened.error() == srtp::Error::Replayed || opened.error() == srtp::Error::TooOld;
    ++(again ? wrong_.replayed : wrong_.unopened);
    return std::nullopt;
  }
  const auto view = rtp::PacketView::parse(datagram.first(opened->length));
  if (!view) {
    ++wrong_.corrupt;
    return std::nullopt;
  }
  return *view;
}

void Participant::on_repair(TimePoint at, rtp::Ssrc of, MutableBytes datagram) {
  if (!receiver_) return;
  const auto view = open(datagram);
  const auto payload = view ? rtp::payload_of(*view) : zvonok::fail(rtp::ParseError::TooShort);
  if (!payload) return;
  const auto original = rtp::parse_rtx(payload->bytes);
  if (!original || original->payload.empty()) {
    ++repairs_.padding;
    return;
  }
  In& in = in_[of];
  const auto number = in.count.on_repair(original->original_sequence, datagram.size());
  if (!number) return;
  ++repairs_.repaired;
  if (in.missing != nullptr) static_cast<void>(in.missing->on_packet(*number, at));
  if (options_.verify == Verify::Everything) verify(at, original->payload);
}

void Participant::verify(TimePoint at, Bytes payload) {
  const auto stamp = read_stamp(payload);
  if (!stamp) {
    ++wrong_.corrupt;
    return;
  }
  const bool is_own =
      std::ranges::any_of(options_.sources, [&](const SourceOptions& own) { return own.track == stamp->track; });
  if (stamp->room != options_.room || is_own) {
    ++wrong_.foreign;
    return;
  }
  Verified& track = verified_[stamp->track];
  switch (track.seen.add(stamp->number)) {
    case Seen::Duplicate: ++track.duplicates; return;
    case Seen::Late: ++track.reordered; break;
    case Seen::New: break;
  }
  if (!course_.measures(stamp->sent)) return;
  if (track.in_window++ == 0) track.first_in_window = track.last_in_window = stamp->number;
  track.first_in_window = std::min(track.first_in_window, stamp->number);
  track.last_in_window = std::max(track.last_in_window, stamp->number);
  course_.delays.add(at - stamp->sent);
}

void Participant::on_rtcp(TimePoint now, MutableBytes datagram) {
  const bool answers_reports = options_.transport_feedback == TransportFeedback::On;
  if ((out_.empty() && !answers_reports) || !receiver_) return;  // nothing in it is for those who only receive
  const auto length = receiver_->open_rtcp(datagram);
  if (!length) {
    ++wrong_.unopened;
    return;
  }
  const auto wants_key = [&](rtp::Ssrc media) {
    for (Out& out : out_) {
      if (out.ssrc == media) out.source.want_key_frame();
    }
  };
  rtcp::Reader reader{Bytes{datagram}.first(*length)};
  while (const auto packet = reader.next()) {
    if (const auto* pli = std::get_if<rtcp::Pli>(&*packet)) {
      wants_key(pli->media);
    } else if (const auto* fir = std::get_if<rtcp::Fir>(&*packet)) {
      for (const rtcp::FirEntry entry : fir->entries) wants_key(entry.ssrc);
    } else if (const auto* nack = std::get_if<rtcp::Nack>(&*packet)) {
      on_nack(now, *nack);
    } else if (const auto* receiver = std::get_if<rtcp::ReceiverReport>(&*packet)) {
      on_report_blocks(receiver->blocks);
    } else if (const auto* report = std::get_if<rtcp::SenderReport>(&*packet)) {
      on_report_blocks(report->blocks);
      const auto in = in_.find(report->info.sender);
      if (in == in_.end()) continue;
      in->second.last_sender_report = report->info.ntp.compact();
      in->second.sender_report_at = now;
    }
  }
}

void Participant::on_report_blocks(const rtcp::ReportBlocks& blocks) {
  for (const rtcp::ReportBlock block : blocks) {
    for (Out& out : out_) out.heard = out.heard || out.ssrc == block.ssrc;
  }
}

void Participant::on_nack(TimePoint, const rtcp::Nack& nack) {
  const auto out = std::ranges::find(out_, nack.media, &Out::ssrc);
  if (out == out_.end() || out->kept.empty()) return;
  rtcp::LostReader lost = nack.lost();
  while (const auto number = lost.next()) {
    ++repairs_.wanted;
    const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(out->sequence) - *number);
    if (behind == 0 || behind > out->kept.size() || behind > out->sequence) continue;
    const std::uint64_t sequence = out->sequence - behind;
    const Kept& kept = out->kept[sequence % out->kept.size()];
    if (kept.sequence == sequence && kept.stamp.track != 0) repeat_packet(kept, *out);
  }
}

void Participant::mark() {
  for (auto& [ssrc, in] : in_) in.count.mark();
}

Counts Participant::since_mark() const {
  Counts sum;
  for (const auto& [ssrc, in] : in_) {
    if (!in.repairs) sum += in.count.since_mark();
  }
  return sum;
}

// ---- publishing -----------------------------------------------------------------------------------------------------

namespace {

/// The header extensions of one packet.
class Elements {
 public:
  void add(std::uint8_t id, Bytes bytes) {
    if (id != 0) all_[count_++] = {.id = id, .bytes = bytes};
  }
  [[nodiscard]] std::span<const rtp::ExtensionElement> all() const { return std::span{all_}.first(count_); }

 private:
  std::array<rtp::ExtensionElement, 4> all_{};
  std::size_t count_ = 0;
};

}  // namespace

std::uint64_t Participant::key_frames() const {
  std::uint64_t sum = 0;
  for (const Out& out : out_) sum += out.source.key_frames();
  return sum;
}

void Participant::publish(TimePoint now) {
  if (!sender_) return;
  for (Out& out : out_) {
    while (out.source.next() <= now) send_packet(now, out);
  }
}

void Participant::send_packet(TimePoint now, Out& out) {
  const TimePoint due = out.source.next();
  const Source::Packet packet = out.source.make(now);
  if (course_.measures(now)) {
    ++out.in_window;
    course_.late.add(now - due);
  }
  const std::uint64_t sequence = out.sequence++;
  const Description::Sending* const sending = description_->sending(out.section);
  if (sending == nullptr) return fail("the server does not take what is published");
  const auto level = rtp::encode_audio_level({.voice = rtp::Voice::Yes, .level = 30});
  const auto number = rtp::encode_transport_sequence(transport_number_);
  const std::string& rid = out.source.options().rid;
  Elements elements;
  elements.add(sending->transport_feedback_id, number);
  if (sending->transport_feedback_id != 0) ++transport_number_;
  if (!rid.empty() && !out.heard) {
    elements.add(sending->mid_id, as_bytes(sending->mid));
    elements.add(sending->rid_id, as_bytes(rid));
  }
  if (out.source.options().kind == media::Kind::Audio) elements.add(sending->audio_level, level);
  const MutableBytes buffer = outlet_.claim();
  const std::size_t header = rtp::write_header(buffer,
                                               {.marker = packet.marker,
                                                .payload_type = sending->type,
                                                .sequence = static_cast<std::uint16_t>(sequence),
                                                .timestamp = packet.timestamp,
                                                .ssrc = out.ssrc},
                                               elements.all());
  const std::size_t size = sender_->seal_rtp(sequence, out.ssrc, buffer, header, {}, packet.payload);
  if (size == 0) return fail("a packet could not be sealed");
  outlet_.commit(size);
  ++sent_.packets;
  sent_.bytes += size;
  ++out.packets;
  out.octets += static_cast<std::uint32_t>(packet.payload.size());
  if (out.kept.empty()) return;
  Kept& kept = out.kept[sequence % out.kept.size()];
  kept = {.sequence = sequence, .timestamp = packet.timestamp, .marker = packet.marker, .stamp = packet.stamp};
  copy_bytes(packet.payload.first(kPayloadHeadBytes), kept.head);
}

void Participant::repeat_packet(const Kept& kept, Out& out) {
  const Description::Sending* const sending = description_->sending(out.section);
  if (sending == nullptr || !sending->rtx || !sender_) return;
  const std::string& rid = out.source.options().rid;
  const auto number = rtp::encode_transport_sequence(transport_number_);
  Elements elements;
  elements.add(sending->transport_feedback_id, number);
  if (sending->transport_feedback_id != 0) ++transport_number_;
  if (!rid.empty()) {
    elements.add(sending->mid_id, as_bytes(sending->mid));
    elements.add(sending->repaired_rid_id, as_bytes(rid));
  }
  std::vector<std::uint8_t> payload(out.source.options().payload_bytes);
  copy_bytes(kept.head, payload);
  write_stamp(payload, kept.stamp);
  const std::uint64_t sequence = out.rtx_sequence++;
  const MutableBytes buffer = outlet_.claim();
  const std::size_t header = rtp::write_header(buffer,
                                               {.marker = kept.marker,
                                                .payload_type = *sending->rtx,
                                                .sequence = static_cast<std::uint16_t>(sequence),
                                                .timestamp = kept.timestamp,
                                                .ssrc = out.rtx},
                                               elements.all());
  const auto osn = rtp::encode_osn(static_cast<std::uint16_t>(kept.sequence));
  const std::size_t size = sender_->seal_rtp(sequence, out.rtx, buffer, header, osn, payload);
  if (size == 0) return fail("a packet could not be sealed again");
  outlet_.commit(size);
  ++repairs_.repeated;
}

// ---- RTCP -----------------------------------------------------------------------------------------------------------

void Participant::send_rtcp(Bytes plain) {
  const MutableBytes buffer = outlet_.claim();
  copy_bytes(plain, buffer);
  if (const std::size_t size = sender_->seal_rtcp(buffer, plain.size()); size > 0) outlet_.commit(size);
}

void Participant::send_feedback(TimePoint now) {
  if (!recorder_ || !sender_) return;
  std::array<std::uint8_t, kRtcpBytesMax> buffer;
  while (const std::size_t size = recorder_->poll(now, buffer)) {
    send_rtcp(Bytes{buffer}.first(size));
    ++repairs_.feedbacks;
  }
}

void Participant::send_nacks(TimePoint now) {
  if (next_nacks_ > now || !sender_) return;
  next_nacks_ = TimePoint::max();
  std::array<std::uint8_t, kRtcpBytesMax> buffer;
  ByteWriter writer{buffer};
  for (auto& [ssrc, in] : in_) {
    if (in.missing == nullptr) continue;
    lost_.clear();
    in.missing->collect(now, kRoundTrip, lost_);
    next_nacks_ = std::min(next_nacks_, in.missing->next_timeout());
    if (lost_.empty()) continue;
    repairs_.asked += rtcp::write_nack(writer, {.sender = report_ssrc_, .media = ssrc}, lost_);
  }
  if (writer.size() > 0) send_rtcp(writer.written());
}

std::vector<rtcp::ReportBlock> Participant::report_blocks(TimePoint now) {
  std::vector<rtcp::ReportBlock> blocks;
  for (auto& [ssrc, in] : in_) {
    if (in.repairs || in.count.packets() == in.packets_before || blocks.size() == kReportBlocksMax) continue;
    const std::uint64_t expected = in.count.expected() - in.expected_before;
    const std::uint64_t got = in.count.packets() - in.packets_before;
    in.expected_before = in.count.expected();
    in.packets_before = in.count.packets();
    const std::uint64_t lost = expected > got ? expected - got : 0;
    const auto lost_in_all =
        static_cast<std::int64_t>(in.expected_before) - static_cast<std::int64_t>(in.packets_before);
    const bool heard = in.last_sender_report != 0;
    blocks.push_back({.ssrc = ssrc,
                      .fraction_lost = static_cast<std::uint8_t>(expected == 0 ? 0 : lost * 255 / expected),
                      .cumulative_lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(lost_in_all, 0, 0x7FFFFF)),
                      .highest_sequence = static_cast<std::uint32_t>(in.count.highest()),
                      .last_sender_report = in.last_sender_report,
                      .delay_since_last = heard ? rtcp::compact_from_duration(now - in.sender_report_at) : 0});
  }
  return blocks;
}

void Participant::send_reports(TimePoint now) {
  if (next_report_ > now || !sender_) return;
  next_report_ = options_.reports == Reports::On ? now + kReportInterval : TimePoint::max();
  if (options_.reports == Reports::Off) return;
  std::array<std::uint8_t, kRtcpBytesMax> buffer;
  const rtcp::NtpTime ntp = rtcp::ntp_from_wall(options_.clock.wall) + (now - options_.clock.mono);
  for (const Out& out : out_) {
    ByteWriter writer{buffer};
    static_cast<void>(rtcp::write_sender_report(writer,
                                                {.sender = out.ssrc,
                                                 .ntp = ntp,
                                                 .rtp_timestamp = out.source.timestamp(),
                                                 .packets = out.packets,
                                                 .octets = out.octets},
                                                {}));
    send_rtcp(writer.written());
  }
  const auto blocks = report_blocks(now);
  if (blocks.empty()) return;
  ByteWriter writer{buffer};
  static_cast<void>(rtcp::write_receiver_report(writer, report_ssrc_, blocks));
  send_rtcp(writer.written());
}

}  // namespace zvonok::load
