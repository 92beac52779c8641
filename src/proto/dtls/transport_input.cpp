// Decides what of a datagram OpenSSL gets to see.
#include <array>
#include <utility>

#include "proto/dtls/transport.h"

namespace zvonok::dtls {
namespace {

// Records of epoch 1 that overtook the messages before them: a Finished has 61 bytes at most, and there is one.
constexpr std::size_t kEarlyRecordsMax = 4;
constexpr std::size_t kEarlyRecordBytesMax = 256;
/// A Finished message and the tag of an AEAD. OpenSSL breaks off, without a word, at a record that has no room for
/// nonce and tag.
constexpr std::size_t kFinishedBytesLeast = 12 + 12 + 16;
/// How far a message may be ahead; a flight has five at most.
constexpr unsigned kMessagesAheadMax = 8;
/// Times the last flight is sent again on request. OpenSSL takes more than twelve for an attack and breaks off.
constexpr std::uint64_t kAnsweredFinishedMax = 11;
/// After that many unanswered flights another ClientHello may replace the one that is being served.
constexpr unsigned kUnansweredBeforeRestart = 2;

Drop drop_of(HelloError error) {
  switch (error) {
    case HelloError::Malformed: return Drop::HelloMalformed;
    case HelloError::WrongVersion: return Drop::HelloWrongVersion;
    case HelloError::NoCommonParameters: return Drop::HelloNoCommonParameters;
    case HelloError::NoSrtpProfile: return Drop::HelloNoSrtpProfile;
  }
  std::abort();
}

}  // namespace

void Transport::handle_record(TimePoint now, const Record& record) {
  if (record.type < kChangeCipherSpec || record.type > kApplicationData) return counters_.count(Drop::UnknownType);
  const bool plain_hello = record.epoch == 0 && record.version == kVersionDtls10;
  if (record.version != kVersionDtls12 && !plain_hello) return counters_.count(Drop::WrongVersion);
  switch (record.epoch) {
    case 0: return handle_plain_record(now, record);
    case 1: return handle_encrypted_record(now, record);
    default: return counters_.count(Drop::WrongEpoch);
  }
}

void Transport::handle_plain_record(TimePoint now, const Record& record) {
  if (handshake_done()) return counters_.count(Drop::WrongEpoch);
  switch (record.type) {
    case kHandshake: return handle_fragments(now, record.body);
    case kAlert: return counters_.count(Drop::AlertBeforeCompletion);
    case kChangeCipherSpec:
      if (cipher_changed_) return counters_.count(Drop::Repeated);
      cipher_change_seen_ = true;
      if (may_change_cipher()) change_cipher(now);
      return;
    default: return counters_.count(Drop::ApplicationData);
  }
}

void Transport::handle_encrypted_record(TimePoint now, const Record& record) {
  if (record.type == kApplicationData) return counters_.count(Drop::ApplicationData);
  if (record.type == kChangeCipherSpec) return counters_.count(Drop::Unexpected);
  if (record.type == kHandshake && record.body.size() < kFinishedBytesLeast) return counters_.count(Drop::Unexpected);
  if (handshake_done()) {
    if (record.body.size() < alert_bytes_) return counters_.count(Drop::Unauthenticated);
    if (record.type == kHandshake && repeat_last_flight(now, record.wire)) return;
    if (record.type == kHandshake && counters_.answered_finished >= kAnsweredFinishedMax) {
      return counters_.count(Drop::RepeatedFinishedLimit);
    }
    return feed_completed(record.wire);
  }
  if (record.type == kAlert) return counters_.count(Drop::AlertBeforeCompletion);
  if (record.wire.size() > kEarlyRecordBytesMax) return counters_.count(Drop::Unexpected);
  if (cipher_changed_) return static_cast<void>(feed_handshake(now, record.wire));
  if (early_.size() == kEarlyRecordsMax) {
    early_.pop_front();
    counters_.count(Drop::Unexpected);
  }
  early_.emplace_back(record.wire.begin(), record.wire.end());
}

void Transport::handle_fragments(TimePoint now, Bytes body) {
  ByteReader reader{body};
  while (!reader.empty()) {
    const auto fragment = read_fragment(reader);
    if (!fragment) return counters_.count(Drop::BadFragment);
    handle_fragment(now, *fragment);
    // The end of the handshake, or of the association, makes the rest of no use.
    if (handshake_done() || state_ == State::Failed) return;
  }
}

void Transport::handle_fragment(TimePoint now, const HandshakeFragment& fragment) {
  const bool known = fragment.sequence < next_message_;
  const bool other_hello = known && fragment.sequence == 0 && fragment.type == kClientHello && may_restart();
  if (known && !other_hello) return counters_.count(Drop::Repeated);
  if (fragment.sequence > next_message_ + kMessagesAheadMax) return counters_.count(Drop::Unexpected);

  switch (reassembler_.add(fragment)) {
    case Reassembler::Outcome::Kept: break;
    case Reassembler::Outcome::KeptInsteadOfOlder: counters_.count(Drop::ReassemblyFull); break;
    case Reassembler::Outcome::Repeated: return counters_.count(Drop::Repeated);
    case Reassembler::Outcome::TooLong: return counters_.count(Drop::MessageTooLong);
  }
  if (other_hello) return consume_competing_hello(now);
  consume_messages(now);
}

void Transport::consume_messages(TimePoint now) {
  while (const auto message = reassembler_.take(next_message_)) {
    if (!is_expected(message->type)) {
      counters_.count(Drop::Unexpected);
      continue;
    }
    if (message->type == kClientHello) {
      const auto random = accept_hello(*message);
      if (!random) continue;
      hello_random_ = *random;
    }
    if (feed_message(now, *message) == Step::Failed) return;
  }
  if (cipher_change_seen_ && !cipher_changed_ && may_change_cipher()) change_cipher(now);
}

/// The client began anew, or somebody else's hello came before its own. Had its answers reached it, it would have
/// replied by now.
void Transport::consume_competing_hello(TimePoint now) {
  while (const auto message = reassembler_.take(0)) {
    const auto random = message->type == kClientHello ? accept_hello(*message) : std::nullopt;
    if (!random) continue;
    if (*random == hello_random_) {
      counters_.count(Drop::Repeated);
      continue;
    }
    counters_.count(Drop::HelloCompeting);
    if (counters_.failed_attempts + 1 >= options_.attempts_max) continue;
    restart(now);
    hello_random_ = *random;
    static_cast<void>(feed_message(now, *message));
    return;
  }
}

std::optional<HelloRandom> Transport::accept_hello(const HandshakeMessage& message) {
  const auto random = check_client_hello(message.body, context_.hello_policy());
  if (random) return *random;
  counters_.count(drop_of(random.error()));
  return {};
}

/// The order of RFC 5246 section 7.3, with the client's certificate and without what we never negotiate.
bool Transport::is_expected(std::uint8_t type) const {
  const auto after = [&](std::uint8_t last) { return last_type_ == last; };
  if (role_ == Role::Passive) {
    switch (type) {
      case kClientHello: return after(0);
      case kCertificate: return after(kClientHello);
      case kClientKeyExchange: return after(kCertificate);
      case kCertificateVerify: return after(kClientKeyExchange);
      default: return false;
    }
  }
  switch (type) {
    case kHelloVerifyRequest: return after(0);
    case kServerHello: return after(0) || after(kHelloVerifyRequest);
    case kCertificate: return after(kServerHello);
    case kServerKeyExchange: return after(kCertificate);
    case kCertificateRequest: return after(kServerKeyExchange);
    case kServerHelloDone: return after(kCertificateRequest) || after(kServerKeyExchange);
    default: return false;
  }
}

bool Transport::may_change_cipher() const {
  return last_type_ == (role_ == Role::Passive ? kCertificateVerify : kServerHelloDone);
}

bool Transport::may_restart() const {
  return role_ == Role::Passive && last_type_ == kClientHello && unanswered_ >= kUnansweredBeforeRestart;
}

void Transport::change_cipher(TimePoint now) {
  static constexpr std::array<std::uint8_t, 1> kBody{1};
  if (feed_plain(now, kChangeCipherSpec, kBody) == Step::Failed) return;
  cipher_changed_ = true;
  for (const Datagram& record : std::exchange(early_, {})) {
    if (handshake_done() || state_ == State::Failed || feed_handshake(now, record) == Step::Failed) return;
  }
}

Transport::Step Transport::feed_message(TimePoint now, const HandshakeMessage& message) {
  last_type_ = message.type;
  ++next_message_;
  reassembler_.forget_below(next_message_);
  state_ = State::Handshaking;

  // Type, length, number, offset 0, length of the fragment: the whole. Lengths have three bytes.
  std::vector<std::uint8_t> body(kHandshakeHeaderBytes);
  const auto size = static_cast<std::uint32_t>(message.body.size());
  store_be32(body.data(), size | std::uint32_t{message.type} << 24);
  store_be16(body.data() + 4, message.sequence);
  store_be32(body.data() + 8, size);
  body.insert(body.end(), message.body.begin(), message.body.end());
  return feed_plain(now, kHandshake, body);
}

Transport::Step Transport::feed_plain(TimePoint now, std::uint8_t type, Bytes body) {
  std::vector<std::uint8_t> record(kRecordHeaderBytes);
  record[0] = type;
  store_be16(record.data() + 1, kVersionDtls12);
  set_record_sequence(record, fed_records_++);  // of epoch 0
  store_be16(record.data() + 11, static_cast<std::uint16_t>(body.size()));
  record.insert(record.end(), body.begin(), body.end());
  return feed_handshake(now, record);
}

}  // namespace zvonok::dtls
