#include "load/participant.h"

#include <algorithm>
#include <utility>

#include "load/dialect.h"
#include "proto/rtp/demux.h"
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
constexpr Duration kFeedbackInterval = milliseconds{100};
constexpr std::size_t kSsrcsMax = 4096;
constexpr std::size_t kPacketsKept = 512;

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
                                   .receiving = options_.receiving,
                                   .repair = options_.repair,
                                   .transport_feedback = options_.transport_feedback};
  for (const SourceOptions& source : options_.sources) add_source(source, description.own);
  if (options_.asks == ParticipantOptions::Asks::Yes) {
    description.audio_to_receive = options_.audio_expected;
    description.video_to_receive = options_.video_expected;
  }
  description_.emplace(std::move(description));
  dtls_ = std::make_unique<dtls::Transport>(*options_.dtls, dtls::Role::Active);
}

void Participant::add_source(const SourceOptions& source, std::vector<Description::Own>& own) {
  const bool repaired = options_.repair == Repair::On && source.kind == media::Kind::Video;
  const bool further_layer = !source.rid.empty() && !own.empty() && !own.back().rids.empty();
  Out& out = out_.emplace_back(Out{.source = Source{source}, .ssrc = new_ssrc(), .rtx = new_ssrc(), .kept = {}});
  // So that receivers take their rollover counters to be 0.
  out.sequence = random_u32(entropy_) & 0x7FFF;
  out.rtx_sequence = random_u32(entropy_) & 0x7FFF;
  if (repaired) out.kept.resize(kPacketsKept);
  if (!further_layer) {
    own.push_back({.kind = source.kind, .ssrc = out.ssrc, .rtx = {}, .rids = {}});
    if (repaired) own.back().rtx = out.rtx;
  }
  if (!source.rid.empty()) own.back().rids.push_back(source.rid);
  out.section = own.size() - 1;
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
  if (out_.empty() && !asks) return;
  outlet_.send_text(room_message("offer", options_.name, offer_payload(description_->make_offer())));
}

void Participant::on_text(TimePoint now, std::string_view text) {
  const auto message = read_message(text);
  if (!message) return fail("a message that can't be read");
  switch (message->type) {
    case ServerMessage::Type::Joined:
    case ServerMessage::Type::Other: return;
    case ServerMessage::Type::Quality: quality_ = read_quality(message->text); return;
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
      outlet_.send_text(room_message("answer", options_.name, description_payload("answer", (*answered)->answer)));
      return take_remote(now, (*answered)->remote);
    }
  }
}

void Participant::take_remote(TimePoint now, const Description::Remote& remote) {
  for (const Description::Stream& stream : remote.streams) announce(stream);
  if (options_.transport_feedback == TransportFeedback::On) transport_feedback_id_ = remote.transport_feedback_id;
  dtls_->set_remote_fingerprints(remote.fingerprints);
  username_ = remote.ice.ufrag + ":" + local_.ufrag;
  remote_key_.emplace(remote.ice.pwd);
  if (has_server_) return;
  const auto& server = options_.carrier == Carrier::Tcp ? remote.tcp : remote.udp;
  if (!server) return fail("no candidate of that kind in the description");
  has_server_ = true;
  outlet_.use_server(*server);
  check_interval_ = kCheckFirst;
  last_answer_ = now;
  next_check_ = now;
  check_ice(now);
}

void Participant::announce(const Description::Stream& stream) {
  if (in_.size() + 2 > kSsrcsMax) return;
  In& in = in_[stream.ssrc];
  in.announced = true;
  if (options_.repair == Repair::Off || stream.kind == media::Kind::Audio) return;
  if (in.missing == nullptr) in.missing = std::make_unique<media::NackGenerator>();
  if (!stream.rtx) return;
  In& rtx = in_[*stream.rtx];
  rtx.announced = true;
  rtx.repairs = stream.ssrc;
}

void Participant::leave(TimePoint) {
  if (std::exchange(left_, true)) return;
  outlet_.send_text(room_message("leave", options_.name, {}));
  for (Out& out : out_) out.source.stop();
  next_check_ = next_report_ = next_nacks_ = TimePoint::max();
  dtls_->close();
  while (const auto datagram = dtls_->poll_transmit()) {
    if (!ice_connected_ || datagram->size() > Outlet::kDatagramRoom) continue;
    copy_bytes(*datagram, outlet_.claim());
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
    copy_bytes(*datagram, outlet_.claim());
    outlet_.commit(datagram->size());
  }
  while (const auto event = dtls_->poll_event()) {
    switch (*event) {
      case dtls::Event::Connected: begin_media(now); break;
      case dtls::Event::Failed:
        fail(std::string{"the DTLS handshake failed"} + (dtls_came_ == 0 ? ": the server said nothing" : ""));
        break;
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
  if (options_.transport_feedback == TransportFeedback::On) {
    recorder_.emplace(rtcp::TwccRecorderOptions{.sender = report_ssrc_, .interval = kFeedbackInterval});
  }
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
    case rtp::PacketKind::Dtls:
      ++dtls_came_;
      dtls_->handle_datagram(now, datagram);
      return pump_dtls(now);
    case rtp::PacketKind::Rtp: return on_rtp(now, at, datagram);
    case rtp::PacketKind::Rtcp: return on_rtcp(now, datagram);
    case rtp::PacketKind::TurnChannel:
    case rtp::PacketKind::Unknown: ++wrong_.unknown; return;
  }
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
  send_feedback(now);
  send_nacks(now);
  send_reports(now);
}

TimePoint Participant::next_timeout() const {
  if (left_) return TimePoint::max();
  TimePoint next =
      std::min({next_check_, next_report_, next_nacks_, ice_connected_ ? dtls_->next_timeout() : TimePoint::max()});
  if (recorder_) next = std::min(next, recorder_->next_timeout().value_or(TimePoint::max()));
  for (const Out& out : out_) next = std::min(next, out.source.next());
  return next;
}

}  // namespace zvonok::load
