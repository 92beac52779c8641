#include "media/transport.h"

#include <algorithm>
#include <utility>

namespace zvonok::media {
namespace {

srtp::Profile to_srtp(dtls::SrtpProfile profile) {
  switch (profile) {
    case dtls::SrtpProfile::Aes128CmSha1_80: return srtp::Profile::Aes128CmSha1_80;
    case dtls::SrtpProfile::AeadAes128Gcm: return srtp::Profile::AeadAes128Gcm;
    case dtls::SrtpProfile::AeadAes256Gcm: return srtp::Profile::AeadAes256Gcm;
  }
  return srtp::Profile::AeadAes128Gcm;
}

srtp::MasterKey to_srtp(const dtls::SrtpMasterKey& key) {
  return {.key = srtp::Secret<srtp::kKeyBytesMax>{key.key()}, .salt = srtp::Secret<srtp::kSaltBytesMax>{key.salt()}};
}

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
  }
  return {};
}

Transport::Transport(TimePoint now, const dtls::Context& context, PacketSink& sink, ice::Credentials local,
                     Options options)
    : context_{context}, sink_{sink}, options_{options}, ice_{now, std::move(local), options.ice} {}

void Transport::set_remote(TimePoint now, const Remote& remote) {
  const bool new_association =
      !remote_ || remote_->fingerprints != remote.fingerprints || (remote_->our_role != remote.our_role && !sender_);
  remote_ = remote;
  ice_.set_remote(now, remote.ice);
  if (new_association) begin_dtls(now);
}

void Transport::begin_dtls(TimePoint now) {
  sender_.reset();
  receiver_.reset();
  dtls_ = std::make_unique<dtls::Transport>(context_, remote_->our_role, options_.dtls);
  dtls_->set_remote_fingerprints(remote_->fingerprints);
  // A passive one waits for the hello, and has its deadline from the first datagram on.
  if (remote_->our_role == dtls::Role::Active && path_) {
    dtls_->start(now);
    after_dtls(now);
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
    after_dtls(now);
  }
}

void Transport::on_dtls(TimePoint now, const ice::Path& path, Bytes packet) {
  if (!ice_.is_valid(path)) {
    ++counters_.unvalidated;
    return;
  }
  if (dtls_ == nullptr) return;  // the client's description is on its way; it will say hello again
  dtls_->handle_datagram(now, packet);
  after_dtls(now);
}

void Transport::after_dtls(TimePoint now) {
  while (const auto datagram = dtls_->poll_transmit()) {
    if (!path_) continue;  // retransmission will bring it
    const MutableBytes room = sink_.claim(*path_);
    if (datagram->size() > room.size()) continue;
    std::ranges::copy(*datagram, room.begin());
    sink_.commit(*path_, datagram->size());
  }
  while (const auto event = dtls_->poll_event()) {
    if (*event != dtls::Event::Connected) continue;
    const auto keys = dtls_->keys();
    if (!keys) continue;
    const srtp::Profile profile = to_srtp(keys->profile);
    sender_.emplace(profile, to_srtp(keys->local));
    receiver_.emplace(profile, to_srtp(keys->remote), options_.srtp);
  }
  static_cast<void>(now);
}

std::optional<srtp::Opened> Transport::open_rtp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  if (!ice_.is_valid(path)) {
    ++counters_.unvalidated;
    return std::nullopt;
  }
  if (!receiver_) {
    ++counters_.before_keys;
    return std::nullopt;
  }
  const auto opened = receiver_->open_rtp(packet);
  if (!opened) {
    ++counters_.srtp_errors[static_cast<std::size_t>(opened.error())];
    return std::nullopt;
  }
  ice_.note_media(now, path);
  return *opened;
}

std::optional<std::size_t> Transport::open_rtcp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  if (!ice_.is_valid(path)) {
    ++counters_.unvalidated;
    return std::nullopt;
  }
  if (!receiver_) {
    ++counters_.before_keys;
    return std::nullopt;
  }
  const auto length = receiver_->open_rtcp(packet);
  if (!length) {
    ++counters_.srtcp_errors[static_cast<std::size_t>(length.error())];
    return std::nullopt;
  }
  ice_.note_media(now, path);
  return *length;
}

void Transport::on_path_closed(TimePoint now, const ice::Path& path) {
  ice_.remove_path(now, path);
  update_path();
}

void Transport::handle_timeout(TimePoint now) {
  ice_.handle_timeout(now);
  update_path();
  if (dtls_ != nullptr && dtls_->next_timeout() <= now) {
    dtls_->handle_timeout(now);
    after_dtls(now);
  }
}

TimePoint Transport::next_timeout() const {
  TimePoint next = ice_.next_timeout().value_or(TimePoint::max());
  if (dtls_ != nullptr) next = std::min(next, dtls_->next_timeout());
  return next;
}

void Transport::send_rtcp(Bytes plain) {
  const ice::Path* const path = media_path();
  if (path == nullptr) return count_unsendable();
  const MutableBytes room = sink_.claim(*path);
  if (plain.size() + sender_->rtcp_overhead() > room.size()) return count_unsendable();
  std::ranges::copy(plain, room.begin());
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
  if (ice_.state() != ice::State::Failed) return TransportFailure::None;
  return sender_ ? TransportFailure::IceTimeout : TransportFailure::NoChecks;
}

}  // namespace zvonok::media
