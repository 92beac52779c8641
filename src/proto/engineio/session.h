// One Engine.IO session: a client on polling or on a WebSocket, or on its way from one to the other. Made, fed and
// ended by the Hub; the public part is for the listener that lives on it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "proto/engineio/counters.h"
#include "proto/engineio/packet.h"
#include "proto/engineio/request.h"
#include "proto/engineio/timer_heap.h"
#include "proto/engineio/wire.h"

namespace zvonok::engineio {

class Hub;

class Session {
 public:
  Session(Hub& hub, std::string sid, Handshake handshake, TimePoint now);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// A secret: whoever has it can speak for the client.
  [[nodiscard]] const std::string& sid() const { return sid_; }
  [[nodiscard]] const Handshake& handshake() const { return handshake_; }
  [[nodiscard]] Transport transport() const { return transport_; }
  [[nodiscard]] bool is_open() const { return state_ == State::Open; }

  /// Queues a message that is encoded already: its first character is the digit of a message. Valid UTF-8. False when
  /// it was dropped (counted).
  bool send(std::string_view packet);
  /// Queues a binary message. What is queued by one caller in a row arrives in a row.
  bool send_binary(std::string_view bytes);
  /// Ends the session after what is queued. A polling client without a waiting poll hears of it at its next one; the
  /// listener hears of it at once.
  void close(TimePoint now);

  TimerPlace timer_place;  // the hub's

 private:
  friend class Hub;
  enum class State : std::uint8_t {
    Open,
    Closing,  // closed by the server; waits for a poll that can be told so
    Closed,
  };
  enum class Heartbeat : std::uint8_t { Resting, AwaitingPong };
  /// What ends the answer to a waiting poll.
  enum class LastWord : std::uint8_t { Close, Noop };
  /// Whether a packet was one that a client may send.
  enum class Verdict : std::uint8_t { Fine, Bad };
  /// A WebSocket that wants to become the transport.
  struct Upgrade {
    ConnectionId connection;
    TimePoint deadline;
    bool probed = false;
  };

  // Input, by the hub.
  void open_on(Transport transport, ConnectionId connection, TimePoint now);
  void listen(std::unique_ptr<Listener> listener) { listener_ = std::move(listener); }
  void handle_poll(ConnectionId connection, TimePoint now);
  void handle_post_begun(ConnectionId connection);
  void handle_post(ConnectionId connection, const HttpRequest& http, TimePoint now);
  void answer_post(ConnectionId connection, TimePoint now);
  void release_post();
  void handle_other_method(ConnectionId connection);
  void handle_client_gone(ConnectionId connection);
  void handle_post_refused(ConnectionId connection);
  void handle_candidate(ConnectionId connection, TimePoint now);
  void handle_ws_text(ConnectionId connection, std::string_view text, TimePoint now);
  void handle_ws_binary(ConnectionId connection, std::string_view bytes, TimePoint now);
  void handle_ws_closed(ConnectionId connection);
  void handle_timeout(TimePoint now);
  void shut_down();
  [[nodiscard]] TimePoint next_timeout() const;
  /// Answers the waiting poll with what is queued.
  void flush_poll();

  Verdict handle_payload(std::string_view payload, TimePoint now);
  Verdict handle_packet(std::string_view text, TimePoint now);
  Verdict handle_message(const Packet& packet, TimePoint now);
  Verdict bad(CloseReason reason);
  void handle_pong(TimePoint now);
  void handle_upgrade_packet(std::string_view text, TimePoint now);
  void finish_upgrade();
  void drop_upgrade(UpgradeEnd how);
  void release_poll(TimePoint now);
  void beat(TimePoint now);
  void send_control(PacketType type);
  bool check_queue();
  void flush_to_websocket();
  void answer_poll(std::string body);
  void answer(ConnectionId connection, RequestError error);
  void tell_listener(CloseReason reason);
  void end(CloseReason reason, LastWord word = LastWord::Close);

  Hub& hub_;
  const std::string sid_;
  const Handshake handshake_;
  std::unique_ptr<Listener> listener_;
  std::string queue_;  // a payload, for the next poll
  std::optional<ConnectionId> poll_;
  std::optional<ConnectionId> post_;  // one whose body is on its way, or whose answer is held back
  std::optional<ConnectionId> websocket_;
  std::optional<Upgrade> upgrade_;
  TimePoint beat_at_ = TimePoint::max();  // the next ping, or the end of patience for a pong
  TimePoint post_held_to_ = TimePoint::max();
  TokenBucket posted_;
  TimePoint noop_from_{};  // the earliest next noop
  TimePoint linger_end_ = TimePoint::max();
  Transport transport_ = Transport::Polling;
  State state_ = State::Open;
  Heartbeat heartbeat_ = Heartbeat::Resting;
  bool forgiven_ = false;  // for this ping: we were the late ones
  bool flush_queued_ = false;
};

}  // namespace zvonok::engineio
