// The outside of an association: time, what is sent, and how it ends.
#include "proto/dtls/transport.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::dtls {
namespace {

constexpr std::size_t kOutboxMax = 128;

constexpr std::size_t kEpochOffset = 3;

[[nodiscard]] bool is_plain(const std::vector<std::uint8_t>& record) {
  return load_be16(record.data() + kEpochOffset) == 0;
}

}  // namespace

Transport::Transport(const Context& context, Role role, const TransportOptions& options)
    : context_{context}, role_{role}, options_{options} {
  ZVONOK_CHECK(options_.mtu_bytes >= kMtuBytesMin);
  ZVONOK_CHECK(options_.retransmit_first > Duration::zero());
  pipe_.mtu_bytes = options_.mtu_bytes;
}

Transport::~Transport() = default;

void Transport::start(TimePoint now) {
  if (started_ || state_ != State::New) return;
  started_ = true;
  deadline_ = now + options_.handshake_deadline;
  create_ssl();
  if (role_ == Role::Passive) return;
  state_ = State::Handshaking;
  if (run_handshake(now) == Step::Failed) restart(now);
}

void Transport::handle_datagram(TimePoint now, Bytes datagram) {
  start(now);
  if (now >= deadline_) fail_at_deadline();
  ByteReader reader{datagram};
  while (!reader.empty()) {
    if (state_ == State::Failed || state_ == State::Closed) return counters_.count(Drop::AfterEnd);
    const auto record = read_record(reader);
    if (!record) return counters_.count(Drop::Malformed);
    handle_record(now, *record);
  }
}

void Transport::handle_timeout(TimePoint now) {
  start(now);
  if (now >= deadline_) return fail_at_deadline();
  if (now >= retransmit_at_) retransmit(now);
}

TimePoint Transport::next_timeout() const {
  return std::min(deadline_, retransmit_at_);
}

std::optional<std::vector<std::uint8_t>> Transport::poll_transmit() {
  if (outbox_.empty()) return {};
  Datagram datagram = std::move(outbox_.front());
  outbox_.pop_front();
  return datagram;
}

std::optional<Event> Transport::poll_event() {
  if (events_.empty()) return {};
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

void Transport::set_remote_fingerprints(std::vector<Fingerprint> fingerprints) {
  remote_fingerprints_ = std::move(fingerprints);
  check_fingerprint();
}

void Transport::close() {
  if (state_ == State::Failed || state_ == State::Closed) return;
  send_close_notify();
  finish(State::Closed, Failure::None);
}

std::optional<SrtpKeys> Transport::keys() const {
  if (!verified_) return {};
  return keys_;
}

std::size_t Transport::buffered_bytes() const {
  std::size_t result = reassembler_.buffered_bytes();
  for (const Datagram& record : early_) result += record.size();
  return result;
}

bool Transport::handshake_done() const {
  return keys_.has_value();
}

/// What OpenSSL just wrote answers what it just read: the flight to repeat until the other side answers it.
void Transport::new_flight(TimePoint now) {
  if (pipe_.written.empty()) return;
  flight_ = take_written();
  unanswered_ = 0;
  retransmit_after_ = options_.retransmit_first;
  retransmit_at_ = now + retransmit_after_;
  send_records(flight_);
}

void Transport::retransmit(TimePoint now) {
  ++unanswered_;
  ++counters_.retransmissions;
  retransmit_after_ = std::min(retransmit_after_ * 2, options_.retransmit_max);
  retransmit_at_ = now + retransmit_after_;
  if (!pipe_.spares.empty()) {
    // A spare holds the whole Finished; the first one may have been cut in two to fill a datagram.
    std::erase_if(flight_, [](const Datagram& record) { return !is_plain(record); });
    flight_.push_back(std::move(pipe_.spares.front()));
    pipe_.spares.erase(pipe_.spares.begin());
  }
  send_records(flight_);
}

std::vector<std::vector<std::uint8_t>> Transport::take_written() {
  std::vector<Datagram> records;
  for (const Datagram& datagram : std::exchange(pipe_.written, {})) {
    ByteReader reader{datagram};
    while (const auto record = read_record(reader)) records.emplace_back(record->wire.begin(), record->wire.end());
  }
  return records;
}

/// Packs records into as few datagrams as the MTU allows. OpenSSL packs too, but where a Finished comes behind other
/// records it forgets to count what encryption adds. Plain records get new numbers: to their receiver a number it has
/// seen is a replay. They count on through all attempts for the same reason.
void Transport::send_records(const std::vector<Datagram>& records) {
  Datagram datagram;
  for (const Datagram& record : records) {
    if (!datagram.empty() && datagram.size() + record.size() > options_.mtu_bytes) {
      send(std::exchange(datagram, {}));
    }
    datagram.insert(datagram.end(), record.begin(), record.end());
    if (!is_plain(record)) continue;
    set_record_sequence(MutableBytes{datagram}.last(record.size()), plain_records_++);
  }
  if (!datagram.empty()) send(std::move(datagram));
}

void Transport::send(Datagram datagram) {
  if (outbox_.size() >= kOutboxMax) return counters_.count(Drop::OutboxFull);
  outbox_.push_back(std::move(datagram));
}

void Transport::check_fingerprint() {
  const bool checkable = state_ == State::AwaitingFingerprint || state_ == State::Connected;
  if (!checkable || remote_fingerprints_.empty()) return;
  const bool known = std::ranges::any_of(remote_fingerprints_, [&](const Fingerprint& announced) {
    return announced == Fingerprint::of(announced.algorithm, peer_certificate_);
  });
  if (!known) {
    send_close_notify();
    return finish(State::Failed, Failure::FingerprintMismatch);
  }
  verified_ = true;
  if (state_ == State::Connected) return;
  state_ = State::Connected;
  events_.push_back(Event::Connected);
}

void Transport::fail_at_deadline() {
  const bool no_profile = state_ == State::New && counters_.of(Drop::HelloNoSrtpProfile) > 0;
  finish(State::Failed, no_profile ? Failure::NoSrtpProfile : Failure::Deadline);
}

/// Failed and Closed are for good.
void Transport::finish(State state, Failure failure) {
  state_ = state;
  failure_ = failure;
  if (state == State::Failed) {
    verified_ = false;
    keys_.reset();
    events_.push_back(Event::Failed);
  }
  deadline_ = TimePoint::max();
  retransmit_at_ = TimePoint::max();
  ssl_.reset();
  flight_.clear();
  last_flight_.clear();
  early_.clear();
  reassembler_.clear();
}

}  // namespace zvonok::dtls
