// All Engine.IO sessions of one mount point: finds the session of a request or WebSocket, opens new ones, keeps their
// deadlines. Sans-IO: connections are numbers, the way out is a `Wire`, time and randomness are arguments.
//
// The edge calls `handle_*`, sends what the wire is given, and calls `handle_timeout` when the wire was asked to. One
// connection carries one request or one WebSocket at a time. Not thread-safe.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/entropy.h"
#include "base/id.h"
#include "base/time.h"
#include "proto/engineio/counters.h"
#include "proto/engineio/options.h"
#include "proto/engineio/request.h"
#include "proto/engineio/session.h"
#include "proto/engineio/timer_heap.h"
#include "proto/engineio/wire.h"

namespace zvonok::engineio {

class Hub {
 public:
  struct Parts {
    Wire& wire;
    Acceptor& acceptor;
    Entropy& entropy;
  };
  Hub(Options options, Parts parts);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// What is wrong with a request, in the order in which the protocol's own server looks.
  [[nodiscard]] std::optional<RequestError> verify(const Request& request, std::string_view remote_address) const;
  /// Counts the refusal and says how to answer it.
  [[nodiscard]] Answer refuse(RequestError error);

  /// A verified request that is no WebSocket. It is answered through the wire, now or later.
  void handle_request(const HttpRequest& http, const Request& request, ConnectionId connection, TimePoint now);
  /// A verified request that has become a WebSocket.
  void handle_ws_open(const HttpRequest& http, const Request& request, ConnectionId connection, TimePoint now);
  void handle_ws_text(ConnectionId connection, std::string_view text, TimePoint now);
  void handle_ws_binary(ConnectionId connection, std::string_view bytes, TimePoint now);
  void handle_ws_closed(ConnectionId connection, TimePoint now);
  /// The header of a POST is there, its body is not: a second one must not begin meanwhile. True when it is one of a
  /// session, so that `handle_client_gone` or `handle_request` is to follow.
  bool handle_post_begun(const Request& request, ConnectionId connection);
  /// The client of a waiting poll, or of a POST whose body was to come, went away.
  void handle_client_gone(ConnectionId connection, TimePoint now);
  /// A POST whose body was to come was refused (too large, too slow): the session goes on.
  void handle_post_refused(ConnectionId connection);

  [[nodiscard]] TimePoint next_timeout() const;
  void handle_timeout(TimePoint now);
  /// Ends every session: what waits is answered with a close packet.
  void shut_down();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }

 private:
  friend class Session;
  /// Sessions may end and queue while they are called; what follows from that is done when the last turn ends.
  class Turn {
   public:
    explicit Turn(Hub& hub) : hub_{hub} { ++hub_.depth_; }
    Turn(Hub& hub, TimePoint now) : Turn{hub} { hub_.now_ = now; }
    ~Turn() {
      if (--hub_.depth_ == 0) hub_.end_turn();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Hub& hub_;
  };

  void end_turn();
  [[nodiscard]] Session* find(std::string_view sid) const;
  [[nodiscard]] Session* find(ConnectionId connection) const;
  Session& make_session(const HttpRequest& http, Transport transport, ConnectionId connection, TimePoint now);

  // What sessions tell their hub.
  void attach(ConnectionId connection, Session& session) { by_connection_[connection] = &session; }
  void detach(ConnectionId connection) { by_connection_.erase(connection); }
  void flush_later(Session& session);
  void set_timer(Session& session);
  void arm(TimePoint at);
  void on_ended(Session& session, CloseReason reason);

  const Options options_;
  Wire& wire_;
  Acceptor& acceptor_;
  Entropy& entropy_;
  Counters counters_;
  std::unordered_map<std::string_view, std::unique_ptr<Session>> sessions_;  // by sid, which lives in the session
  std::unordered_map<ConnectionId, Session*> by_connection_;
  std::unordered_map<std::string, std::size_t> by_address_;
  TimerHeap<Session> timers_;
  std::vector<Session*> to_flush_;
  std::vector<std::unique_ptr<Session>> ended_;
  TimePoint armed_ = TimePoint::max();
  TimePoint now_{};  // as it was told last
  unsigned depth_ = 0;
};

}  // namespace zvonok::engineio
