// The only calls of an association into OpenSSL.
#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "proto/dtls/transport.h"

namespace zvonok::dtls {
namespace {

/// 71 minutes: longer than any handshake may last.
constexpr unsigned kNeverMicroseconds = std::numeric_limits<unsigned>::max();
/// Finished records made in advance. OpenSSL breaks off at the thirteenth time-out.
constexpr unsigned kSpareFinished = 11;
/// RFC 5764 section 4.2.
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";

}  // namespace

void Transport::create_ssl() {
  pipe_.incoming = {};
  pipe_.written.clear();
  pipe_.spares.clear();
  pipe_.spares_only = false;
  ssl_.reset(SSL_new(context_.native()));
  bio_st* bio = new_datagram_bio(pipe_);
  ZVONOK_CHECK(ssl_ && bio != nullptr);  // memory only
  SSL* ssl = ssl_.get();
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, this);
  DTLS_set_timer_cb(ssl, &Transport::timer_callback);
  SSL_set_mtu(ssl, static_cast<long>(options_.mtu_bytes));
  DTLS_set_link_mtu(ssl, static_cast<long>(options_.mtu_bytes));
  if (role_ == Role::Passive) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
}

unsigned Transport::timer_callback(SSL* ssl, unsigned) {
  return static_cast<Transport*>(SSL_get_app_data(ssl))->timer_microseconds();
}

/// OpenSSL asks this when it arms its timer and each time the timer was found due, which is looked at before each read.
/// "Never" keeps it quiet. "At once" makes it repeat its flight before it reads on; that is wanted for the active
/// side's last flight only, and of what is repeated the encrypted records are kept as spares. How often is counted
/// here, so the system's clock decides nothing.
unsigned Transport::timer_microseconds() {
  if (spares_wanted_ == 0) return kNeverMicroseconds;
  // The first call arms the timer before the flight is written out; all later ones come from a repetition.
  if (spares_wanted_ <= kSpareFinished) pipe_.spares_only = true;
  --spares_wanted_;
  return spares_wanted_ == 0 ? kNeverMicroseconds : 0;
}

/// Runs OpenSSL as far as its input goes, and takes what it wrote as the new flight.
Transport::Step Transport::run_handshake(TimePoint now) {
  const bool last_flight = role_ == Role::Active && last_type_ == kServerHelloDone && !cipher_changed_;
  spares_wanted_ = last_flight && pipe_.spares.empty() ? kSpareFinished + 1 : 0;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  const int error = SSL_get_error(ssl_.get(), result);
  pipe_.incoming = {};
  pipe_.spares_only = false;
  if (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
    ERR_clear_error();
    pipe_.written.clear();  // an alert, see the top of transport.h
    return Step::Failed;
  }
  new_flight(now);
  if (result == 1) complete();
  return Step::Ok;
}

Transport::Step Transport::feed_handshake(TimePoint now, Bytes record) {
  pipe_.incoming = record;
  last_finished_.assign(record.begin(), record.end());  // when it is the last
  if (run_handshake(now) == Step::Ok) return Step::Ok;
  restart(now);
  return Step::Failed;
}

/// A new attempt: the passive side waits for a hello, the active one sends another.
void Transport::restart(TimePoint now) {
  reassembler_.clear();
  early_.clear();
  next_message_ = 0;
  last_type_ = 0;
  cipher_change_seen_ = false;
  cipher_changed_ = false;
  fed_records_ = 0;
  flight_.clear();
  unanswered_ = 0;
  retransmit_at_ = TimePoint::max();
  ++counters_.failed_attempts;
  if (counters_.failed_attempts >= options_.attempts_max) return finish(State::Failed, Failure::TooManyAttempts);
  create_ssl();
  if (role_ == Role::Passive) {
    state_ = State::New;
  } else if (run_handshake(now) == Step::Failed) {
    finish(State::Failed, Failure::TooManyAttempts);  // nothing was read, so no peer has done this
  }
}

void Transport::complete() {
  SSL* ssl = ssl_.get();
  // The passive side repeats its last flight on request only; the active side's was answered.
  if (role_ == Role::Passive) last_flight_ = std::move(flight_);
  flight_.clear();
  // An alert has two bytes; RFC 5288 has an explicit nonce of eight bytes, RFC 7905 none; both a tag of sixteen.
  alert_bytes_ = SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl)) == NID_chacha20_poly1305 ? 18 : 26;
  pipe_.spares.clear();
  retransmit_at_ = TimePoint::max();
  deadline_ = TimePoint::max();
  reassembler_.clear();
  early_.clear();

  keys_ = export_keys();
  if (!keys_) {
    send_close_notify();
    return finish(State::Failed, Failure::NoSrtpProfile);
  }
  const OpensslHandle<x509_st> certificate{SSL_get1_peer_certificate(ssl)};
  const int size = certificate ? i2d_X509(certificate.get(), nullptr) : 0;
  if (size > 0) {  // an active side may meet a server without; then no fingerprint will match
    peer_certificate_.resize(static_cast<std::size_t>(size));
    unsigned char* to = peer_certificate_.data();
    i2d_X509(certificate.get(), &to);
  }
  SSL_free_buffers(ssl);
  state_ = State::AwaitingFingerprint;
  check_fingerprint();
}

std::optional<SrtpKeys> Transport::export_keys() const {
  const SRTP_PROTECTION_PROFILE* chosen = SSL_get_selected_srtp_profile(ssl_.get());
  if (chosen == nullptr) return {};
  const auto profile = static_cast<SrtpProfile>(chosen->id);  // one of those we offered
  std::array<std::uint8_t, srtp::exported_bytes(SrtpProfile::AeadAes256Gcm)> buffer{};
  const MutableBytes exported = MutableBytes{buffer}.first(srtp::exported_bytes(profile));
  if (SSL_export_keying_material(ssl_.get(), exported.data(), exported.size(), kExporterLabel.data(),
                                 kExporterLabel.size(), nullptr, 0, 0) != 1) {
    ERR_clear_error();
    return {};
  }
  srtp::KeyingMaterial keys = srtp::split_keying_material(profile, exported);
  srtp::wipe(exported);
  if (role_ == Role::Passive) std::swap(keys.client, keys.server);
  return SrtpKeys{.profile = profile, .local = keys.client, .remote = keys.server};
}

/// OpenSSL answers a Finished that has a new record number. Some active sides, ours among them once its spares are used
/// up, repeat the very same record, which is a replay to OpenSSL: nobody would ever answer, and they wait for us.
bool Transport::repeat_last_flight(TimePoint now, Bytes record) {
  if (last_flight_.empty() || !std::ranges::equal(record, last_finished_)) return false;
  if (now - repeated_at_ < options_.retransmit_first) return false;
  repeated_at_ = now;
  ++counters_.repeated_flights;
  send_records(last_flight_);
  return true;
}

/// A record of epoch 1 after completion: an alert, or the other side's Finished once more.
void Transport::feed_completed(Bytes record) {
  if (!ssl_) return counters_.count(Drop::Unauthenticated);
  SSL* ssl = ssl_.get();
  std::array<char, 64> data{};
  ERR_clear_error();
  SSL_alloc_buffers(ssl);  // given back after each use: 33 KB for what happens once in a call
  pipe_.incoming = record;
  const int result = SSL_read(ssl, data.data(), static_cast<int>(data.size()));
  const int error = SSL_get_error(ssl, result);
  pipe_.incoming = {};
  switch (error) {
    case SSL_ERROR_WANT_READ:
      if (pipe_.written.empty()) {
        counters_.count(Drop::Unauthenticated);
      } else if (record.front() == kHandshake) {
        ++counters_.answered_finished;
        last_finished_.assign(record.begin(), record.end());
      }
      send_records(take_written());
      SSL_free_buffers(ssl);
      return;
    case SSL_ERROR_ZERO_RETURN: break;
    default: {
      const int reason = ERR_GET_REASON(ERR_get_error());
      ERR_clear_error();
      pipe_.written.clear();
      if (reason >= SSL_AD_REASON_OFFSET) break;  // a fatal alert; it was authenticated, being of epoch 1
      // What it sent was authentic and senseless. SRTP does not need this object any more.
      ssl_.reset();
      return counters_.count(Drop::Unexpected);
    }
  }
  events_.push_back(Event::PeerClosed);
  finish(State::Closed, Failure::None);
}

void Transport::send_close_notify() {
  if (!ssl_ || SSL_is_init_finished(ssl_.get()) != 1) return;
  ERR_clear_error();
  pipe_.written.clear();
  SSL_alloc_buffers(ssl_.get());
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  send_records(take_written());
}

}  // namespace zvonok::dtls
