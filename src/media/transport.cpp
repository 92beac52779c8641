#include "media/transport.h"

#include <algorithm>
#include <utility>

#include "proto/dtls/record.h"

namespace zvonok::media {
namespace {

constexpr std::size_t kRetiredMax = 160;

}  // namespace

std::string_view to_text(TransportState state) {
  switch (state) {
    case TransportState::New: return "new";
    case TransportState::Connecting: return "connecting";
    case TransportState::Connected: return "connected";
    case TransportState::Disconnected: return "disconnected";
    case TransportState::Failed: return "failed";
  }
  return {};
}

std::string_view to_text(TransportFailure failure) {
  switch (failure) {
    case TransportFailure::None: return "none";
    case TransportFailure::NoChecks: return "ice-no-checks";
    case TransportFailure::IceTimeout: return "ice-timeout";
    case TransportFailure::DtlsTimeout: return "dtls-timeout";
    case TransportFailure::DtlsFingerprint: return "dtls-fingerprint";
    case TransportFailure::DtlsOther: return "dtls-other";
    case TransportFailure::KeysExhausted: return "keys-exhausted";
  }
  return {};
}

Transport::Transport(TimePoint now, const dtls::Context& context, PacketSink& sink, ice::Credentials local,
                     Options options)
    : context_{context}, sink_{sink}, options_{options}, ice_{now, std::move(local), options.ice} {}

void Transport::set_remote(TimePoint now, const Remote& remote) {
  const bool new_association =
      !remote_ || remote_->fingerprints != remote.fingerprints || (remote_->our_role != remote.our_role && !sender_);
  if (sender_ && remote_->ice.ufrag != remote.ice.ufrag) may_begin_again_ = true;
  remote_ = remote;
  ice_.set_remote(now, remote.ice);
  if (new_association) begin_dtls(now);
}

void Transport::begin_dtls(TimePoint now) {
  ++association_;
  sender_.reset();
  receiver_.reset();
  retired_.clear();
  next_dtls_.reset();
  may_begin_again_ = false;
  dtls_ = std::make_unique<dtls::Transport>(context_, remote_->our_role, options_.dtls);
  dtls_->set_remote_fingerprints(remote_->fingerprints);
  // A passive one waits for the hello, and has its deadline from the first datagram on.
  if (remote_->our_role == dtls::Role::Active && path_) {
    dtls_->start(now);
    after_dtls();
  }
}

void Transport::restart_ice(TimePoint now, ice::Credentials local) {
  ice_.restart(now, std::move(local));
  update_path();
}

void Transport::update_path() {
  path_ = ice_.send_path();
}

void Transport::on_stun(TimePoint now, const ice::Path& path, Bytes packet) {
  const MutableBytes room = sink_.claim(path);
  const ice::Outcome outcome = ice_.handle_request(now, path, packet, room);
  ++counters_.stun[static_cast<std::size_t>(outcome.verdict)];
  if (outcome.response_bytes > 0) sink_.commit(path, outcome.response_bytes);
  update_path();
  if (outcome.selection == ice::Selection::Changed && dtls_ != nullptr && remote_->our_role == dtls::Role::Active) {
    dtls_->start(now);
    after_dtls();
  }
}

void Transport::on_dtls(TimePoint now, const ice::Path& path, Bytes packet) {
  if (!ice_.is_valid(path)) {
    ++counters_.unvalidated;
    return;
  }
  if (dtls_ == nullptr) return;  // the client's description is on its way; it will say hello again
  if (sender_ && may_begin_again_ && dtls::is_client_hello(packet)) {
    if (next_dtls_ == nullptr) {
      next_dtls_ = std::make_unique<dtls::Transport>(context_, dtls::Role::Passive, options_.dtls);
      next_dtls_->set_remote_fingerprints(remote_->fingerprints);
    }
    next_dtls_->handle_datagram(now, packet);
  } else if (next_dtls_ != nullptr) {
    next_dtls_->handle_datagram(now, packet);
  } else {
    dtls_->handle_datagram(now, packet);
  }
  after_dtls();
}

void Transport::transmit(dtls::Transport& from) {
  while (const auto datagram = from.poll_transmit()) {
    if (!path_) continue;  // retransmission will bring it
    const MutableBytes room = sink_.claim(*path_);
    if (datagram->size() > room.size()) continue;
    copy_bytes(*datagram, room);
    sink_.commit(*path_, datagram->size());
  }
}

void Transport::after_dtls() {
  transmit(*dtls_);
  while (const auto event = dtls_->poll_event()) {
    if (*event == dtls::Event::Connected) take_keys();
  }
  if (next_dtls_ == nullptr) return;
  transmit(*next_dtls_);
  while (const auto event = next_dtls_->poll_event()) {
    if (*event != dtls::Event::Connected) continue;
    dtls_ = std::move(next_dtls_);
    may_begin_again_ = false;
    ++association_;
    retired_.clear();
    return take_keys();
  }
  if (next_dtls_->state() == dtls::State::Failed) next_dtls_.reset();
}

void Transport::take_keys() {
  const auto keys = dtls_->keys();
  if (!keys) return;
  sender_.emplace(keys->profile, keys->local);
  receiver_.emplace(keys->profile, keys->remote, options_.srtp);
  exhausted_ = false;
}

bool Transport::may_open(const ice::Path& path) {
  if (!ice_.is_valid(path)) {
    ++counters_.unvalidated;
    return false;
  }
  if (!receiver_) {
    ++counters_.before_keys;
    return false;
  }
  return true;
}

std::optional<srtp::Opened> Transport::open_rtp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  if (!may_open(path)) return std::nullopt;
  const auto opened = receiver_->open_rtp(packet);
  if (!opened) {
    ++counters_.srtp_errors[static_cast<std::size_t>(opened.error())];
    return std::nullopt;
  }
  ice_.note_media(now, path);
  return *opened;
}

std::optional<std::size_t> Transport::open_rtcp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  if (!may_open(path)) return std::nullopt;
  const auto length = receiver_->open_rtcp(packet);
  if (!length) {
    ++counters_.srtcp_errors[static_cast<std::size_t>(length.error())];
    return std::nullopt;
  }
  ice_.note_media(now, path);
  return *length;
}

void Transport::retire(rtp::Ssrc ssrc) {
  if (is_retired(ssrc)) return;
  retired_.push_back(ssrc);
  if (retired_.size() <= kRetiredMax) return;
  if (receiver_) receiver_->forget(retired_.front());
  retired_.erase(retired_.begin());
}

bool Transport::is_retired(rtp::Ssrc ssrc) const {
  return std::ranges::find(retired_, ssrc) != retired_.end();
}

void Transport::on_path_closed(TimePoint now, const ice::Path& path) {
  ice_.remove_path(now, path);
  update_path();
}

void Transport::handle_timeout(TimePoint now) {
  ice_.handle_timeout(now);
  update_path();
  bool changed = false;
  for (dtls::Transport* const which : {dtls_.get(), next_dtls_.get()}) {
    if (which == nullptr || which->next_timeout() > now) continue;
    which->handle_timeout(now);
    changed = true;
  }
  if (changed) after_dtls();
}

TimePoint Transport::next_timeout() const {
  TimePoint next = ice_.next_timeout().value_or(TimePoint::max());
  if (dtls_ != nullptr) next = std::min(next, dtls_->next_timeout());
  if (next_dtls_ != nullptr) next = std::min(next, next_dtls_->next_timeout());
  return next;
}

void Transport::send_rtcp(Bytes plain) {
  const ice::Path* const path = media_path();
  if (path == nullptr) return count_unsendable();
  const MutableBytes room = sink_.claim(*path);
  if (plain.size() + sender_->rtcp_overhead() > room.size()) return count_unsendable();
  copy_bytes(plain, room);
  if (const std::size_t size = sender_->seal_rtcp(room, plain.size())) sink_.commit(*path, size);
}

TransportState Transport::state() const {
  if (failure() != TransportFailure::None) return TransportState::Failed;
  switch (ice_.state()) {
    case ice::State::New: return TransportState::New;
    case ice::State::Checking: return TransportState::Connecting;
    case ice::State::Connected:
    case ice::State::Suspect: return sender_ ? TransportState::Connected : TransportState::Connecting;
    case ice::State::Disconnected: return TransportState::Disconnected;
    case ice::State::Failed: return TransportState::Failed;
  }
  return TransportState::Failed;
}

TransportFailure Transport::failure() const {
  if (dtls_ != nullptr && dtls_->state() == dtls::State::Failed) {
    switch (dtls_->failure()) {
      case dtls::Failure::None: break;
      case dtls::Failure::Deadline: return TransportFailure::DtlsTimeout;
      case dtls::Failure::FingerprintMismatch: return TransportFailure::DtlsFingerprint;
      case dtls::Failure::TooManyAttempts:
      case dtls::Failure::NoSrtpProfile: return TransportFailure::DtlsOther;
    }
  }
  if (exhausted_) return TransportFailure::KeysExhausted;
  if (ice_.state() != ice::State::Failed) return TransportFailure::None;
  return sender_ ? TransportFailure::IceTimeout : TransportFailure::NoChecks;
}

}  // namespace zvonok::media
