// One DTLS 1.2 association for SRTP keys (RFC 6347, RFC 5764), without sockets and without a clock.
//
// OpenSSL does the cryptography and the state machine; everything that a stranger's datagram could spoil is done here:
//
// - Input. Records are checked and handshake messages put together before OpenSSL sees them: it gets one whole message
//   at a time, in order, of a type that may come next, in a record whose number is ours. Numbers and alerts of plain
//   records prove nothing, so the former are replaced and the latter dropped.
// - Failure. When OpenSSL gives up before completion it is thrown away and a new one waits for the next hello (passive)
//   or sends one (active), `attempts_max` times. Nothing is told to the other side, because whoever caused the failure
//   may be a third. What ends the association is the deadline.
// - Time. OpenSSL reads the system's clock to retransmit and gives up after twelve times. So its timer is set further
//   than any deadline, and retransmission is ours: the datagrams of the last flight are sent again with new record
//   numbers (RFC 6347 section 4.2.4). The number of an encrypted record can't be changed, and an active side's Finished
//   that is repeated with the number it had would pass for a replay; so OpenSSL is made to encrypt some spare ones at
//   once, by a timer that is due (see timer_microseconds). A repeated Finished that comes in after completion is
//   answered by OpenSSL, which can authenticate it.
//
// Feed only datagrams of addresses that passed an authenticated STUN check.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "proto/dtls/client_hello.h"
#include "proto/dtls/context.h"
#include "proto/dtls/counters.h"
#include "proto/dtls/datagram_bio.h"
#include "proto/dtls/fingerprint.h"
#include "proto/dtls/openssl_handles.h"
#include "proto/dtls/reassembler.h"
#include "proto/dtls/record.h"
#include "proto/dtls/srtp_keys.h"

namespace zvonok::dtls {

/// `a=setup`: passive is DTLS's server and waits, active is its client and begins.
enum class Role : std::uint8_t { Passive, Active };

enum class State : std::uint8_t {
  New,  // passive: no acceptable hello yet; active: not started
  Handshaking,
  AwaitingFingerprint,  // the handshake is done, and whose it is can't be told yet
  Connected,
  Failed,
  Closed,  // by close() or by an authenticated alert
};

enum class Failure : std::uint8_t {
  None,
  Deadline,  // the handshake did not complete in time
  TooManyAttempts,
  NoSrtpProfile,        // hellos came, but none with a profile of ours
  FingerprintMismatch,  // the certificate is none that was announced
};

enum class Event : std::uint8_t {
  Connected,   // keys() has them now
  Failed,      // see failure()
  PeerClosed,  // an authenticated close_notify or fatal alert: a hint that the other side left
};

struct TransportOptions {
  /// The largest datagram sent, payload of UDP, in bytes; 256 is the least.
  std::size_t mtu_bytes = 1200;
  Duration retransmit_first = milliseconds{50};  // doubles each time
  Duration retransmit_max = seconds{1};
  /// From start() to the end of the handshake. Waiting for a fingerprint after it is not limited here.
  Duration handshake_deadline = seconds{30};
  std::size_t attempts_max = 32;
};

/// One shard's, never moved. After every call: poll_transmit() and poll_event() until empty, then next_timeout().
class Transport {
 public:
  static constexpr std::size_t kMtuBytesMin = 256;

  /// `context` must outlive the transport.
  Transport(const Context& context, Role role, const TransportOptions& options = {});
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Begins the handshake deadline and, when active, the handshake. Any handle_ call does it too; twice does nothing.
  void start(TimePoint now);
  void handle_datagram(TimePoint now, Bytes datagram);
  void handle_timeout(TimePoint now);
  /// TimePoint::max() when there is none.
  [[nodiscard]] TimePoint next_timeout() const;
  /// The next datagram to send, at most `mtu_bytes` long.
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> poll_transmit();
  [[nodiscard]] std::optional<Event> poll_event();

  /// What the other side's SDP says; any of them may match. Before, during or after the handshake. None is no news.
  /// When none of them matches a certificate that is known already the association fails, also if it was connected.
  void set_remote_fingerprints(std::vector<Fingerprint> fingerprints);
  /// Tells the other side, if there is a completed handshake to tell it through.
  void close();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] Failure failure() const { return failure_; }
  [[nodiscard]] Role role() const { return role_; }
  /// Only when Connected, or Closed after it: the handshake is complete and the certificate the announced one.
  [[nodiscard]] std::optional<SrtpKeys> keys() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// Bytes of handshake messages not yet complete and of records that came too early.
  [[nodiscard]] std::size_t buffered_bytes() const;

 private:
  using Datagram = std::vector<std::uint8_t>;
  enum class Step : std::uint8_t { Ok, Failed };

  // transport.cpp: time, output, state
  void retransmit(TimePoint now);
  void new_flight(TimePoint now);
  void send(Datagram datagram);
  void send_records(const std::vector<Datagram>& records);
  [[nodiscard]] std::vector<Datagram> take_written();  // as records
  void check_fingerprint();
  void finish(State state, Failure failure);
  void fail_at_deadline();
  [[nodiscard]] bool handshake_done() const;

  // transport_input.cpp: what is fed to OpenSSL
  void handle_record(TimePoint now, const Record& record);
  void handle_plain_record(TimePoint now, const Record& record);
  void handle_encrypted_record(TimePoint now, const Record& record);
  void handle_fragments(TimePoint now, Bytes body);
  void handle_fragment(TimePoint now, const HandshakeFragment& fragment);
  void consume_messages(TimePoint now);
  void consume_competing_hello(TimePoint now);
  [[nodiscard]] std::optional<HelloRandom> accept_hello(const HandshakeMessage& message);
  [[nodiscard]] bool is_expected(std::uint8_t type) const;
  [[nodiscard]] bool may_change_cipher() const;
  [[nodiscard]] bool may_restart() const;
  void change_cipher(TimePoint now);
  [[nodiscard]] Step feed_message(TimePoint now, const HandshakeMessage& message);
  [[nodiscard]] Step feed_plain(TimePoint now, std::uint8_t type, Bytes body);
  [[nodiscard]] Step feed_handshake(TimePoint now, Bytes record);
  void feed_completed(Bytes record);

  // transport_openssl.cpp: the SSL object
  void create_ssl();
  [[nodiscard]] unsigned timer_microseconds();
  static unsigned timer_callback(ssl_st* ssl, unsigned previous);
  [[nodiscard]] Step run_handshake(TimePoint now);
  void restart(TimePoint now);
  void complete();
  [[nodiscard]] bool repeat_last_flight(TimePoint now, Bytes record);
  [[nodiscard]] std::optional<SrtpKeys> export_keys() const;
  void send_close_notify();

  const Context& context_;
  const Role role_;
  const TransportOptions options_;
  State state_ = State::New;
  Failure failure_ = Failure::None;
  Counters counters_;

  DatagramPipe pipe_;
  OpensslHandle<ssl_st> ssl_;

  // Input of the attempt at hand.
  Reassembler reassembler_;
  std::uint16_t next_message_ = 0;
  std::uint8_t last_type_ = 0;  // of the last message that OpenSSL took; 0 when there is none
  HelloRandom hello_random_{};  // passive: of the hello that is served
  bool cipher_change_seen_ = false;
  bool cipher_changed_ = false;      // OpenSSL reads epoch 1
  std::deque<Datagram> early_;       // records of epoch 1 that came before it
  std::uint64_t fed_records_ = 0;    // numbers of plain records in, ours
  std::uint64_t plain_records_ = 0;  // numbers of plain records out, ours; goes on through all attempts

  // Output.
  unsigned spares_wanted_ = 0;
  std::vector<Datagram> flight_;       // records, not datagrams
  std::vector<Datagram> last_flight_;  // of the passive side, once the handshake is complete
  Datagram last_finished_;             // what it answered
  std::size_t alert_bytes_ = 0;        // of an alert, sealed
  TimePoint repeated_at_{};
  std::deque<Datagram> outbox_;
  std::deque<Event> events_;

  bool started_ = false;
  TimePoint deadline_ = TimePoint::max();
  TimePoint retransmit_at_ = TimePoint::max();
  Duration retransmit_after_{};
  unsigned unanswered_ = 0;  // times this flight was sent again

  std::vector<Fingerprint> remote_fingerprints_;
  std::vector<std::uint8_t> peer_certificate_;  // DER, from the end of the handshake
  std::optional<SrtpKeys> keys_;
  bool verified_ = false;  // the certificate is an announced one
};

}  // namespace zvonok::dtls
