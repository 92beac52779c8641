#include "load/participant.h"

#include <algorithm>
#include <utility>

#include "load/dialect.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"
#include "proto/rtp/demux.h"
#include "proto/rtp/extensions.h"
#include "proto/stun/binding.h"

namespace zvonok::load {
namespace {

// Checks: the first is repeated soon and then ever later, so that a thousand participants who join at once don't
// answer a busy server with more of them. Consent (RFC 7675) is asked for when the path works.
constexpr Duration kCheckFirst = milliseconds{100};
constexpr Duration kCheckMax = milliseconds{1600};
constexpr Duration kConsentInterval = milliseconds{2500};
constexpr Duration kConsentLost = seconds{30};
constexpr std::uint32_t kHostPriority = 1'845'501'695;  // of a peer-reflexive candidate of the first host address

constexpr Duration kReportInterval = seconds{1};
constexpr std::size_t kReportBlocksMax = 31;
constexpr std::size_t kRtcpBytesMax = 1200;
constexpr std::size_t kSsrcsMax = 4096;

}  // namespace

Participant::Participant(ParticipantOptions options, Course& course, Entropy& entropy, Outlet& outlet)
    : options_{std::move(options)}, course_{course}, entropy_{entropy}, outlet_{outlet} {
  local_ = ice::make_credentials(entropy_);
  report_ssrc_ = new_ssrc();
  Description::Options description{.session_id = options_.seed >> 1,
                                   .name = options_.name,
                                   .ice = local_,
                                   .fingerprint = options_.fingerprint,
                                   .own = {},
                                   .receiving = options_.receiving};
  for (const SourceOptions& source : options_.sources) {
    Out& out = out_.emplace_back(Out{.source = Source{source}, .ssrc = new_ssrc()});
    out.sequence = random_u32(entropy_) & 0x7FFF;  // so that receivers take its rollover counter to be 0
    description.own.push_back({.kind = source.kind, .ssrc = out.ssrc});
  }
  if (options_.asks == ParticipantOptions::Asks::Yes) {
    description.audio_to_receive = options_.audio_expected;
    description.video_to_receive = options_.video_expected;
  }
  description_.emplace(std::move(description));
  dtls_ = std::make_unique<dtls::Transport>(*options_.dtls, dtls::Role::Active);
}

rtp::Ssrc Participant::new_ssrc() {
  return rtp::Ssrc{random_u32(entropy_) | 1U};
}

void Participant::fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

// ---- signalling -----------------------------------------------------------------------------------------------------

void Participant::join(TimePoint) {
  outlet_.send_text(room_message("join", options_.name, {}));
  const bool asks =
      options_.asks == ParticipantOptions::Asks::Yes && options_.audio_expected + options_.video_expected > 0;
  if (!out_.empty() || asks) send_description("offer", description_->make_offer());
}

void Participant::send_description(std::string_view type, std::string_view sdp) {
  outlet_.send_text(room_message(type, options_.name, description_payload(type, sdp)));
}

void Participant::on_text(TimePoint now, std::string_view text) {
  const auto message = read_message(text);
  if (!message) return fail("a message that can't be read");
  switch (message->type) {
    case ServerMessage::Type::Joined:
    case ServerMessage::Type::Other: return;
    case ServerMessage::Type::Error: return fail("the server says " + message->text);
    case ServerMessage::Type::Answer: {
      const auto remote = description_->on_answer(message->text);
      if (!remote) return fail(remote.error());
      return take_remote(now, *remote);
    }
    case ServerMessage::Type::Offer: {
      const auto answered = description_->on_offer(message->text);
      if (!answered) return fail(answered.error());
      if (!*answered) return;  // it crossed ours
      send_description("answer", (*answered)->answer);
      return take_remote(now, (*answered)->remote);
    }
  }
}

void Participant::take_remote(TimePoint now, const Description::Remote& remote) {
  for (const rtp::Ssrc ssrc : remote.announced) {
    if (in_.size() < kSsrcsMax) in_[ssrc].announced = true;
  }
  dtls_->set_remote_fingerprints(remote.fingerprints);
  username_ = remote.ice.ufrag + ":" + local_.ufrag;
  remote_key_.emplace(remote.ice.pwd);
  if (has_server_) return;
  if (!remote.media) return fail("no UDP candidate in the description");
  has_server_ = true;
  outlet_.use_server(*remote.media);
  check_interval_ = kCheckFirst;
  last_answer_ = now;
  next_check_ = now;
  check_ice(now);
}

void Participant::leave(TimePoint) {
  if (std::exchange(left_, true)) return;
  outlet_.send_text(room_message("leave", options_.name, {}));
  for (Out& out : out_) out.source.stop();
  next_check_ = next_report_ = TimePoint::max();
  dtls_->close();
  while (const auto datagram = dtls_->poll_transmit()) {
    if (!ice_connected_ || datagram->size() > Outlet::kDatagramRoom) continue;
    std::ranges::copy(*datagram, outlet_.claim().begin());
    outlet_.commit(datagram->size());
  }
}

// ---- ICE and DTLS ---------------------------------------------------------------------------------------------------

void Participant::check_ice(TimePoint now) {
  if (next_check_ > now) return;
  if (now - last_answer_ > kConsentLost) {
    next_check_ = TimePoint::max();
    return fail("the media address does not answer");
  }
  next_check_ = now + (ice_connected_ ? kConsentInterval : check_interval_);
  check_interval_ = std::min(check_interval_ * 2, kCheckMax);
  const std::size_t size = stun::write_binding_request(outlet_.claim(),
                                                       {.transaction = stun::make_transaction(entropy_),
                                                        .username = username_,
                                                        .priority = kHostPriority,
                                                        .ice_controlling = options_.seed,
                                                        .nominate = stun::Nominate::Yes},
                                                       &*remote_key_);
  outlet_.commit(size);
}

void Participant::on_stun(TimePoint now, Bytes datagram) {
  const auto message = stun::parse(datagram);
  if (!message || message->message_class != stun::MessageClass::Success || !remote_key_) return;
  if (!stun::has_integrity(*message, *remote_key_)) return;
  last_answer_ = now;
  if (ice_connected_) return;
  ice_connected_ = true;
  next_check_ = now + kConsentInterval;
  dtls_->start(now);
  pump_dtls(now);
}

void Participant::pump_dtls(TimePoint now) {
  while (const auto datagram = dtls_->poll_transmit()) {
    if (!ice_connected_ || datagram->size() > Outlet::kDatagramRoom) continue;
    std::ranges::copy(*datagram, outlet_.claim().begin());
    outlet_.commit(datagram->size());
  }
  while (const auto event = dtls_->poll_event()) {
    switch (*event) {
      case dtls::Event::Connected: begin_media(now); break;
      case dtls::Event::Failed: fail("the DTLS handshake failed"); break;
      case dtls::Event::PeerClosed:
        if (!left_) fail("the server closed the connection");
        break;
    }
  }
}

void Participant::begin_media(TimePoint now) {
  const auto keys = dtls_->keys();
  sender_.emplace(keys->profile, keys->local);
  receiver_.emplace(keys->profile, keys->remote, srtp::ReceiverOptions{.ssrcs_max = kSsrcsMax});
  connected_at_ = now;
  next_report_ = now + kReportInterval;
  for (Out& out : out_) out.source.start(now);
  note_complete(now);
}

void Participant::note_complete(TimePoint at) {
  if (complete_at_ || !connected_at_) return;
  const bool receives = options_.receiving == Description::Receiving::Yes;
  if (!receives || streams_begun_ >= options_.audio_expected + options_.video_expected) complete_at_ = at;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void Participant::on_datagram(TimePoint now, TimePoint at, MutableBytes datagram) {
  switch (rtp::classify(datagram)) {
    case rtp::PacketKind::Stun: return on_stun(now, datagram);
    case rtp::PacketKind::Dtls: dtls_->handle_datagram(now, datagram); return pump_dtls(now);
    case rtp::PacketKind::Rtp: return on_rtp(now, at, datagram);
    case rtp::PacketKind::Rtcp: return on_rtcp(datagram);
    case rtp::PacketKind::TurnChannel:
    case rtp::PacketKind::Unknown: ++wrong_.unknown; return;
  }
}

void Participant::on_rtp(TimePoint now, TimePoint at, MutableBytes datagram) {
  if (datagram.size() < rtp::kFixedHeaderBytes || left_) return;
  ++packets_received_;
  bytes_received_ += datagram.size();
  const rtp::Ssrc ssrc{load_be32(datagram.data() + 8)};
  if (last_in_ == nullptr || last_ssrc_ != ssrc) {
    const auto found = in_.find(ssrc);
    if (found == in_.end() && in_.size() >= kSsrcsMax) {
      ++wrong_.unannounced;
      return;
    }
    last_in_ = found == in_.end() ? &in_[ssrc] : &found->second;
    last_ssrc_ = ssrc;
  }
  if (!last_in_->announced) ++wrong_.unannounced;
  if (last_in_->count.packets() == 0) {
    ++streams_begun_;
    note_complete(std::min(now, at));
  }
  last_in_->count.on_packet(load_be16(datagram.data() + 2), datagram.size());
  if (options_.verify == Verify::Everything && receiver_) verify(at, datagram);
}

void Participant::verify(TimePoint at, MutableBytes datagram) {
  const auto opened = receiver_->open_rtp(datagram);
  if (!opened) {
    ++(opened.error() == srtp::Error::Replayed || opened.error() == srtp::Error::TooOld ? wrong_.replayed
                                                                                        : wrong_.unopened);
    return;
  }
  const auto view = rtp::PacketView::parse(datagram.first(opened->length));
  const auto payload = view ? rtp::payload_of(*view) : zvonok::fail(rtp::ParseError::TooShort);
  const auto stamp = payload ? read_stamp(payload->bytes) : std::nullopt;
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

void Participant::on_rtcp(MutableBytes datagram) {
  if (out_.empty() || !receiver_) return;  // nothing in it is for those who only receive
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
    }
  }
}

void Participant::mark() {
  for (auto& [ssrc, in] : in_) in.count.mark();
}

Counts Participant::since_mark() const {
  Counts sum;
  for (const auto& [ssrc, in] : in_) sum += in.count.since_mark();
  return sum;
}

// ---- sending --------------------------------------------------------------------------------------------------------

std::uint64_t Participant::key_frames() const {
  std::uint64_t sum = 0;
  for (const Out& out : out_) sum += out.source.key_frames();
  return sum;
}

void Participant::publish(TimePoint now) {
  if (!sender_) return;
  for (std::size_t i = 0; i < out_.size(); ++i) {
    while (out_[i].source.next() <= now) send_packet(now, i);
  }
}

void Participant::send_packet(TimePoint now, std::size_t index) {
  Out& out = out_[index];
  const Source::Packet packet = out.source.make(now);
  if (course_.measures(now)) ++out.in_window;
  const std::uint64_t sequence = out.sequence++;
  const auto sending = description_->sending(index);
  if (!sending) return fail("the server does not take what is published");
  const auto level = rtp::encode_audio_level({.voice = rtp::Voice::Yes, .level = 30});
  std::array<rtp::ExtensionElement, 1> elements{{{.id = sending->audio_level, .bytes = level}}};
  const bool has_level = out.source.options().kind == media::Kind::Audio && sending->audio_level != 0;
  const MutableBytes buffer = outlet_.claim();
  const std::size_t header = rtp::write_header(buffer,
                                               {.marker = packet.marker,
                                                .payload_type = sending->type,
                                                .sequence = static_cast<std::uint16_t>(sequence),
                                                .timestamp = packet.timestamp,
                                                .ssrc = out.ssrc},
                                               std::span{elements}.first(has_level ? 1 : 0));
  const std::size_t size = sender_->seal_rtp(sequence, out.ssrc, buffer, header, {}, packet.payload);
  if (size == 0) return fail("a packet could not be sealed");
  outlet_.commit(size);
  ++sent_.packets;
  sent_.bytes += size;
  ++out.packets;
  out.octets += static_cast<std::uint32_t>(packet.payload.size());
}

void Participant::send_rtcp(Bytes plain) {
  const MutableBytes buffer = outlet_.claim();
  std::ranges::copy(plain, buffer.begin());
  if (const std::size_t size = sender_->seal_rtcp(buffer, plain.size()); size > 0) outlet_.commit(size);
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
  std::vector<rtcp::ReportBlock> blocks;
  for (auto& [ssrc, in] : in_) {
    if (in.count.packets() == in.packets_before || blocks.size() == kReportBlocksMax) continue;
    const std::uint64_t expected = in.count.expected() - in.expected_before;
    const std::uint64_t got = in.count.packets() - in.packets_before;
    in.expected_before = in.count.expected();
    in.packets_before = in.count.packets();
    const std::uint64_t lost = expected > got ? expected - got : 0;
    const auto lost_in_all =
        static_cast<std::int64_t>(in.expected_before) - static_cast<std::int64_t>(in.packets_before);
    blocks.push_back({.ssrc = ssrc,
                      .fraction_lost = static_cast<std::uint8_t>(expected == 0 ? 0 : lost * 255 / expected),
                      .cumulative_lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(lost_in_all, 0, 0x7FFFFF)),
                      .highest_sequence = static_cast<std::uint32_t>(in.count.highest())});
  }
  if (blocks.empty()) return;
  ByteWriter writer{buffer};
  static_cast<void>(rtcp::write_receiver_report(writer, report_ssrc_, blocks));
  send_rtcp(writer.written());
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Participant::handle_timeout(TimePoint now) {
  if (left_) return;
  if (remote_key_) check_ice(now);
  if (dtls_->next_timeout() <= now) {
    dtls_->handle_timeout(now);
    pump_dtls(now);
  }
  publish(now);
  send_reports(now);
}

TimePoint Participant::next_timeout() const {
  if (left_) return TimePoint::max();
  TimePoint next = std::min({next_check_, next_report_, ice_connected_ ? dtls_->next_timeout() : TimePoint::max()});
  for (const Out& out : out_) next = std::min(next, out.source.next());
  return next;
}

}  // namespace zvonok::load
