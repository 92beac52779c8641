#include "sim/media/client.h"

#include <algorithm>
#include <cstdlib>

#include "media/negotiate/codecs.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"
#include "proto/rtp/demux.h"
#include "proto/rtp/extensions.h"
#include "proto/rtp/rtx.h"
#include "proto/stun/binding.h"

namespace zvonok::sim {
namespace {

constexpr Duration kAudioInterval = milliseconds{20};
constexpr std::size_t kAudioBytes = Stamp::kBytes + 40;

}  // namespace

media::ExtensionIds extension_ids_of(media::Kind kind) {
  return media::extension_ids(media::own_extensions(kind));
}

Client::Client(Options options)
    : options_{std::move(options)},
      random_{options_.seed},
      entropy_{options_.seed ^ 0xA5A5},
      local_{ice::make_credentials(entropy_)},
      recorder_{{.sender = rtp::Ssrc{1}}} {
  const media::ExtensionIds audio = extension_ids_of(media::Kind::Audio);
  ids_ = extension_ids_of(media::Kind::Video);
  ids_.audio_level = audio.audio_level;
  own_ssrc_ = new_ssrc();
  transport_number_ = static_cast<std::uint16_t>(random_.next());
  begin_dtls();
}

void Client::complain(std::string what) {
  if (wrong_.size() < 20) wrong_.push_back(std::move(what));
}

rtcp::NtpTime Client::ntp(TimePoint now) const {
  return rtcp::ntp_from_wall(wall_from_unix_milliseconds(1'700'000'000'000)) + now.time_since_epoch();
}

// ---- signalling -----------------------------------------------------------------------------------------------------

void Client::publish(const Publication& publication) {
  publication_ = publication;
  outs_.clear();
  const auto add = [&](media::Kind kind, std::uint32_t track, const std::string& mid) -> Out& {
    Out& out = outs_.emplace_back();
    out.kind = kind;
    out.track = track;
    out.mid = mid;
    out.ssrc = new_ssrc();
    out.rtx = new_ssrc();
    out.sequence = random_.next() & 0x7FFF;
    out.rtx_sequence = random_.next() & 0x7FFF;
    out.first_timestamp = static_cast<std::uint32_t>(random_.next());
    return out;
  };
  if (publication.audio_track != 0) add(media::Kind::Audio, publication.audio_track, publication.audio_mid);
  if (publication.video_track == 0) return;
  for (std::size_t i = 0; i < publication.layers.size(); ++i) {
    Out& out = add(media::Kind::Video, publication.video_track, publication.video_mid);
    out.rid = publication.layers[i].rid;
    out.source.emplace(Vp8Source::Options{.room = publication.room,
                                          .track = publication.video_track,
                                          .layer = static_cast<std::uint8_t>(i),
                                          .height = publication.layers[i].height,
                                          .bitrate_bps = publication.layers[i].bitrate_bps,
                                          .first_number = next_number_ + static_cast<std::uint32_t>(i) * 1'000'000},
                       random_.next());
  }
  next_number_ += 10'000'000;
}

void Client::set_receive(const std::vector<media::SendParameters>& streams) {
  std::erase_if(ins_, [&](const auto& in) {
    return std::ranges::none_of(streams, [&](const auto& wanted) { return wanted.ssrc == in.first; });
  });
  for (const media::SendParameters& stream : streams) {
    ins_[stream.ssrc].parameters = stream;
    if (stream.rtx_ssrc) rtx_to_primary_[*stream.rtx_ssrc] = stream.ssrc;
  }
}

void Client::restart_ice(const ice::Credentials& server) {
  local_ = ice::make_credentials(entropy_);
  server_ = server;
  ice_connected_ = false;
  next_check_ = TimePoint{};
}

void Client::begin_dtls() {
  dtls_ = std::make_unique<dtls::Transport>(*options_.dtls, dtls::Role::Active);
  dtls_->set_remote_fingerprints({options_.server_fingerprint});
  sender_.reset();
  receiver_.reset();
}

void Client::reload() {
  local_ = ice::make_credentials(entropy_);
  ice_connected_ = false;
  next_check_ = TimePoint{};
  ports_ = {++port_};
  begin_dtls();
  outs_.clear();
  ins_.clear();
  rtx_to_primary_.clear();
  recorder_ = rtcp::TwccRecorder{{.sender = own_ssrc_}};
}

void Client::set_layer_active(std::size_t layer, bool active) {
  for (Out& out : outs_) {
    if (!out.source || out.source->options().layer != layer) continue;
    out.active = active;
    if (active) out.source->want_keyframe();
  }
}

void Client::replace_layer_ssrc(std::size_t layer) {
  for (Out& out : outs_) {
    if (!out.source || out.source->options().layer != layer) continue;
    out.ssrc = new_ssrc();
    out.rtx = new_ssrc();
    out.sequence = random_.next() & 0x7FFF;
    out.rtx_sequence = random_.next() & 0x7FFF;
    out.first_timestamp = static_cast<std::uint32_t>(random_.next());
    out.heard = false;
    out.kept.clear();
    out.source->want_keyframe();
  }
}

const Client::In* Client::in_of(std::uint32_t track) const {
  for (const auto& [ssrc, in] : ins_) {
    if (in.parameters.track.value() == track) return &in;
  }
  return nullptr;
}
Client::In* Client::in_of(std::uint32_t track) {
  return const_cast<In*>(std::as_const(*this).in_of(track));
}

// ---- ICE and DTLS ---------------------------------------------------------------------------------------------------

void Client::check_ice(TimePoint now) {
  if (!checks_allowed || next_check_ > now || server_.ufrag.empty()) return;
  next_check_ = now + (ice_connected_ ? milliseconds{2500} : milliseconds{50});
  Bytes8 buffer(stun::kBindingBytesMax);
  stun::IntegrityKey key{server_.pwd};
  const std::string username = server_.ufrag + ":" + local_.ufrag;
  buffer.resize(stun::write_binding_request(buffer,
                                            {.transaction = stun::make_transaction(entropy_),
                                             .username = username,
                                             .priority = 1'845'501'695,
                                             .ice_controlling = options_.seed,
                                             .nominate = stun::Nominate::Yes},
                                            &key));
  options_.send(now, port_, std::move(buffer));
}

void Client::on_stun(TimePoint now, Bytes bytes) {
  const auto message = stun::parse(bytes);
  if (!message || message->message_class != stun::MessageClass::Success) return;
  stun::IntegrityKey key{server_.pwd};
  if (!stun::has_integrity(*message, key)) return;  // of a restart before
  if (ice_connected_) return;
  ice_connected_ = true;
  next_check_ = now + milliseconds{2500};
  dtls_->start(now);
  pump_dtls(now);
}

void Client::pump_dtls(TimePoint now) {
  while (auto datagram = dtls_->poll_transmit()) {
    if (ice_connected_) options_.send(now, port_, std::move(*datagram));
  }
  while (const auto event = dtls_->poll_event()) {
    if (*event != dtls::Event::Connected) {
      complain("DTLS ended");
      continue;
    }
    const auto keys = dtls_->keys();
    sender_.emplace(keys->profile, keys->local);
    receiver_.emplace(keys->profile, keys->remote);
    options_.on_keys(*keys);
    next_audio_ = next_frame_ = next_reports_ = now;
  }
}

void Client::on_datagram(TimePoint now, std::uint16_t port, Bytes8 bytes) {
  if (!ports_.contains(port)) return;
  switch (rtp::classify(bytes)) {
    case rtp::PacketKind::Stun: return on_stun(now, bytes);
    case rtp::PacketKind::Dtls: dtls_->handle_datagram(now, bytes); return pump_dtls(now);
    case rtp::PacketKind::Rtp: return on_rtp(now, bytes);
    case rtp::PacketKind::Rtcp: return on_rtcp(now, bytes);
    case rtp::PacketKind::TurnChannel:
    case rtp::PacketKind::Unknown: complain("a datagram of no known kind"); return;
  }
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void Client::on_rtp(TimePoint now, std::span<std::uint8_t> bytes) {
  if (!receiver_) return;
  const auto opened = receiver_->open_rtp(bytes);
  if (!opened) {
    ++counters_.unopened;
    return;
  }
  const auto view = rtp::PacketView::parse(bytes.first(opened->length));
  const auto payload = view ? rtp::payload_of(*view) : fail(rtp::ParseError::TooShort);
  if (!payload) return complain("RTP that can't be read");
  if (const auto number = view->extensions().find(ids_.transport_cc)) {
    recorder_.set_media(view->ssrc);
    static_cast<void>(recorder_.note(rtp::parse_transport_sequence(*number).value_or(0), now));
  }
  if (const auto in = ins_.find(view->ssrc); in != ins_.end()) {
    return on_primary(now, in->second, in->second.extender.update(view->sequence), *view, payload->bytes);
  }
  const auto primary = rtx_to_primary_.find(view->ssrc);
  const auto in = primary == rtx_to_primary_.end() ? ins_.end() : ins_.find(primary->second);
  if (in != ins_.end()) on_rtx(now, in->second, *view, payload->bytes);
}

void Client::note_missing(TimePoint now, In& in, std::uint64_t sequence) {
  if (!in.first) in.first = sequence;
  if (!in.seen.empty() && sequence > *in.seen.rbegin()) {
    std::uint64_t first = *in.seen.rbegin() + 1;
    if (sequence - first > 1000) first = sequence - 1000;
    for (; first < sequence; ++first) in.missing[first] = {.ask_at = now + milliseconds{10}};
  }
  in.missing.erase(sequence);
  in.seen.insert(sequence);
  if (in.seen.size() > 3000) in.seen.erase(in.seen.begin());
}

void Client::on_primary(TimePoint now, In& in, std::uint64_t sequence, const rtp::PacketView& view, Bytes payload) {
  if (in.seen.contains(sequence)) {
    ++in.duplicates;
    return;
  }
  ++in.packets;
  note_missing(now, in, sequence);
  if (in.parameters.kind == media::Kind::Video) {
    in.video.on_packet(now, sequence, view.timestamp, view.marker, payload);
    if (const auto stamp = Stamp::read(payload.subspan(std::min<std::size_t>(payload.size(), 6 + kVp8HeaderBytes)))) {
      check_sync(in, view.timestamp, 90'000, stamp->sent);
    }
    return;
  }
  const auto stamp = Stamp::read(payload);
  if (!stamp) {
    if (!distrusted.contains(static_cast<std::uint32_t>(in.parameters.track.value())))
      complain("audio without a stamp");
    return;
  }
  in.audio.push_back({.number = stamp->number, .sent = stamp->sent, .at = now});
  check_sync(in, view.timestamp, 48'000, stamp->sent);
}

void Client::on_rtx(TimePoint now, In& in, const rtp::PacketView& view, Bytes payload) {
  const auto original = rtp::parse_rtx(payload);
  if (!original || original->payload.empty()) {
    ++in.padding;
    return;
  }
  const std::uint64_t sequence = in.extender.peek(original->original_sequence);
  if (in.seen.contains(sequence)) {
    ++in.duplicates;
    return;
  }
  if (in.missing.contains(sequence)) ++in.repaired;
  ++in.packets;
  static_cast<void>(in.extender.update(original->original_sequence));
  note_missing(now, in, sequence);
  in.video.on_packet(now, sequence, view.timestamp, view.marker, original->payload);
}

void Client::check_sync(const In& in, std::uint32_t timestamp, std::uint32_t rate, TimePoint sent) {
  if (!in.report) return;
  const std::int64_t ticks = static_cast<std::int32_t>(timestamp - in.report->rtp_timestamp);
  const Duration since_report{ticks * 1'000'000'000 / rate};
  const Duration apart = in.report->ntp + since_report - ntp(sent);
  worst_sync_ = std::max(worst_sync_, Duration{std::abs(apart.count())});
}

void Client::on_rtcp(TimePoint now, std::span<std::uint8_t> bytes) {
  if (!receiver_) return;
  const auto length = receiver_->open_rtcp(bytes);
  if (!length) {
    ++counters_.unopened;
    return;
  }
  rtcp::Reader reader{Bytes{bytes}.first(*length)};
  const auto heard = [&](const rtcp::ReportBlocks& blocks) {
    for (const rtcp::ReportBlock block : blocks) {
      for (Out& out : outs_) out.heard = out.heard || out.ssrc == block.ssrc;
    }
  };
  while (const auto packet = reader.next()) {
    if (const auto* report = std::get_if<rtcp::SenderReport>(&*packet)) {
      heard(report->blocks);
      if (const auto in = ins_.find(report->info.sender); in != ins_.end()) {
        in->second.report = report->info;
        in->second.report_at = now;
      }
    } else if (const auto* receiver = std::get_if<rtcp::ReceiverReport>(&*packet)) {
      heard(receiver->blocks);
    } else if (const auto* nack = std::get_if<rtcp::Nack>(&*packet)) {
      on_nack(now, *nack);
    } else if (const auto* pli = std::get_if<rtcp::Pli>(&*packet)) {
      ++counters_.plis;
      for (Out& out : outs_) {
        if (out.ssrc == pli->media && out.source) out.source->want_keyframe();
      }
    } else if (std::holds_alternative<rtcp::TransportFeedback>(*packet)) {
      ++counters_.feedbacks;
    }
  }
  if (reader.error()) complain(std::string{"RTCP that can't be read: "} + rtcp::to_text(*reader.error()));
}

void Client::on_nack(TimePoint now, const rtcp::Nack& nack) {
  rtcp::LostReader lost = nack.lost();
  while (const auto number = lost.next()) {
    ++counters_.nacks;
    for (Out& out : outs_) {
      if (out.ssrc != nack.media || !out.source || !out.active) continue;
      const std::uint64_t sequence = out.sequence - static_cast<std::uint64_t>(sequence_distance(
                                                        *number, static_cast<std::uint16_t>(out.sequence)));
      const auto kept = out.kept.find(sequence);
      if (kept == out.kept.end()) continue;
      ++counters_.rtx_sent;
      Bytes8 payload(2 + kept->second.payload.size());
      store_be16(payload.data(), *number);
      std::ranges::copy(kept->second.payload, payload.begin() + 2);
      const std::uint64_t rtx = out.rtx_sequence++;
      send_media(now, out,
                 {.marker = kept->second.marker,
                  .payload_type = kVp8RtxType,
                  .sequence = static_cast<std::uint16_t>(rtx),
                  .timestamp = kept->second.timestamp,
                  .ssrc = out.rtx},
                 rtx, true, {}, payload);
    }
  }
}

// ---- publishing -----------------------------------------------------------------------------------------------------

void Client::send_rtp(TimePoint now, const rtp::HeaderFields& header, std::uint64_t sequence,
                      std::span<const rtp::ExtensionElement> extensions, Bytes payload) {
  if (!sender_) return;
  Bytes8 packet(payload.size() + 200);
  const std::size_t length = rtp::write_header(packet, header, extensions);
  packet.resize(sender_->seal_rtp(sequence, header.ssrc, packet, length, {}, payload));
  if (!packet.empty()) options_.send(now, port_, std::move(packet));
}

void Client::send_rtcp(TimePoint now, Bytes plain) {
  if (!sender_ || plain.empty()) return;
  Bytes8 packet(plain.begin(), plain.end());
  packet.resize(plain.size() + sender_->rtcp_overhead());
  packet.resize(sender_->seal_rtcp(packet, plain.size()));
  if (!packet.empty()) options_.send(now, port_, std::move(packet));
}

void Client::send_media(TimePoint now, Out& out, const rtp::HeaderFields& header, std::uint64_t sequence, bool rtx,
                        std::optional<std::uint8_t> level, Bytes payload) {
  std::array<rtp::ExtensionElement, 4> elements;
  std::size_t count = 0;
  const auto number = rtp::encode_transport_sequence(next_transport_number());
  const std::array<std::uint8_t, 1> loudness{level.value_or(127)};
  elements[count++] = {.id = ids_.transport_cc, .bytes = number};
  if (!out.heard || rtx) {
    elements[count++] = {.id = ids_.mid, .bytes = as_bytes(out.mid)};
    if (!out.rid.empty()) elements[count++] = {.id = rtx ? ids_.repaired_rid : ids_.rid, .bytes = as_bytes(out.rid)};
  }
  if (level) elements[count++] = {.id = ids_.audio_level, .bytes = loudness};
  send_rtp(now, header, sequence, std::span{elements}.first(count), payload);
}

void Client::send_audio(TimePoint now, Out& out) {
  audio_sent_.push_back(now);
  const Stamp stamp{.room = publication_.room,
                    .track = out.track,
                    .number = static_cast<std::uint32_t>(audio_sent_.size()),
                    .sent = now};
  std::array<std::uint8_t, kAudioBytes> payload{};
  stamp.write(payload);
  const std::uint64_t sequence = out.sequence++;
  ++out.packets;
  out.octets += kAudioBytes;
  const auto timestamp =
      out.first_timestamp + static_cast<std::uint32_t>(now.time_since_epoch().count() * 48 / 1'000'000);
  send_media(now, out,
             {.payload_type = kOpusType,
              .sequence = static_cast<std::uint16_t>(sequence),
              .timestamp = timestamp,
              .ssrc = out.ssrc},
             sequence, false, std::uint8_t{0x80 | 20}, payload);
}

void Client::send_frame(TimePoint now, Out& out) {
  VideoFrame frame = out.source->make(now);
  const auto timestamp =
      out.first_timestamp + static_cast<std::uint32_t>(now.time_since_epoch().count() / 1000 * 90 / 1000);
  for (std::size_t i = 0; i < frame.packets.size(); ++i) {
    const std::uint64_t sequence = out.sequence++;
    const bool marker = i + 1 == frame.packets.size();
    ++out.packets;
    out.octets += static_cast<std::uint32_t>(frame.packets[i].size());
    send_media(now, out,
               {.marker = marker,
                .payload_type = kVp8Type,
                .sequence = static_cast<std::uint16_t>(sequence),
                .timestamp = timestamp,
                .ssrc = out.ssrc},
               sequence, false, {}, frame.packets[i]);
    out.kept.emplace(sequence,
                     Out::Kept{.timestamp = timestamp, .marker = marker, .payload = std::move(frame.packets[i])});
  }
  if (out.sequence > 600) out.kept.erase(out.kept.begin(), out.kept.lower_bound(out.sequence - 600));
}

void Client::publish_media(TimePoint now) {
  if (!sender_) return;
  if (next_audio_ <= now) {
    next_audio_ += kAudioInterval;
    for (Out& out : outs_) {
      if (out.kind == media::Kind::Audio && out.active && !silent) send_audio(now, out);
    }
  }
  if (next_frame_ <= now) {
    next_frame_ += Vp8Source::kFrameInterval;
    for (Out& out : outs_) {
      if (out.source && out.active && !silent) send_frame(now, out);
    }
  }
}

// ---- reporting ------------------------------------------------------------------------------------------------------

void Client::send_feedback(TimePoint now) {
  std::array<std::uint8_t, 1100> buffer;
  if (recorder_.next_timeout() && *recorder_.next_timeout() <= now) {
    while (const std::size_t size = recorder_.poll(now, buffer)) {
      if (options_.sends_transport_feedback) send_rtcp(now, Bytes{buffer}.first(size));
    }
  }
  if (next_feedback_ > now) return;
  next_feedback_ = now + milliseconds{10};
  ByteWriter writer{buffer};
  for (auto& [ssrc, in] : ins_) {
    if (in.parameters.kind != media::Kind::Video) continue;
    std::vector<std::uint16_t> lost;
    for (auto missing = in.missing.begin(); missing != in.missing.end() && lost.size() < 200;) {
      In::Missing& state = missing->second;
      if (state.ask_at <= now && state.asked == 10) {
        missing = in.missing.erase(missing);
        continue;
      }
      if (state.ask_at <= now) {
        ++state.asked;
        state.ask_at = now + std::max<Duration>(options_.round_trip, milliseconds{20});
        lost.push_back(static_cast<std::uint16_t>(missing->first));
      }
      ++missing;
    }
    if (!lost.empty() && options_.sends_nacks) {
      static_cast<void>(rtcp::write_nack(writer, {.sender = own_ssrc_, .media = ssrc}, lost));
    }
    if (options_.sends_keyframe_requests && in.video.take_keyframe_request(now)) {
      static_cast<void>(rtcp::write_pli(writer, {.sender = own_ssrc_, .media = ssrc}));
    }
  }
  send_rtcp(now, writer.written());
}

void Client::send_reports(TimePoint now) {
  if (next_reports_ > now) return;
  next_reports_ = now + seconds{1};
  std::vector<rtcp::ReportBlock> blocks;
  for (auto& [ssrc, in] : ins_) {
    if (!in.first || in.seen.empty()) continue;
    const std::uint64_t expected = *in.seen.rbegin() - *in.first + 1;
    const std::uint64_t expected_since = expected - in.expected_before;
    const std::uint64_t received_since = in.packets - in.received_before;
    in.expected_before = expected;
    in.received_before = in.packets;
    rtcp::ReportBlock block{.ssrc = ssrc, .highest_sequence = static_cast<std::uint32_t>(*in.seen.rbegin())};
    if (expected_since > received_since) {
      block.fraction_lost = static_cast<std::uint8_t>((expected_since - received_since) * 255 / expected_since);
    }
    if (in.report) {
      block.last_sender_report = in.report->ntp.compact();
      block.delay_since_last = rtcp::compact_from_duration(now - in.report_at);
    }
    blocks.push_back(block);
    if (blocks.size() == 20) break;
  }
  std::array<std::uint8_t, 1100> buffer;
  for (const Out& out : outs_) {
    if (out.packets == 0 || !out.active) continue;
    ByteWriter writer{buffer};
    const std::int64_t ns = now.time_since_epoch().count();
    const auto ticks = out.kind == media::Kind::Audio ? ns * 48 / 1'000'000 : ns / 1000 * 90 / 1000;
    static_cast<void>(
        rtcp::write_sender_report(writer,
                                  {.sender = out.ssrc,
                                   .ntp = ntp(now),
                                   .rtp_timestamp = out.first_timestamp + static_cast<std::uint32_t>(ticks),
                                   .packets = out.packets,
                                   .octets = out.octets},
                                  {}));
    send_rtcp(now, writer.written());
  }
  ByteWriter writer{buffer};
  static_cast<void>(rtcp::write_receiver_report(writer, own_ssrc_, blocks));
  send_rtcp(now, writer.written());
}

void Client::step(TimePoint now) {
  check_ice(now);
  if (dtls_->next_timeout() <= now) {
    dtls_->handle_timeout(now);
    pump_dtls(now);
  }
  for (auto& [ssrc, in] : ins_) in.video.step(now);
  publish_media(now);
  if (!sender_) return;
  send_feedback(now);
  send_reports(now);
}

}  // namespace zvonok::sim
