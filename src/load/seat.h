// A participant's place on the machine: its WebSocket, its UDP socket or media connection, and its timer around the
// sans-IO part. It can be left and taken again.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/entropy.h"
#include "load/participant.h"
#include "load/tcp_port.h"
#include "load/udp_port.h"
#include "load/ws_connection.h"
#include "net/loop.h"

namespace zvonok::load {

class Seat final : private Outlet, private WsHandler, private TcpHandler, private net::ReadyHandler {
 public:
  /// What all seats share; everything outlives them.
  struct Shared {
    net::Loop& loop;
    UdpBatches& batches;
    Course& course;
    Entropy& entropy;
  };
  /// The options' `clock` and `seed` are made anew with each `enter`.
  Seat(Shared shared, ParticipantOptions options, WsConnection::Target target);
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() override { drop(); }

  /// Begins to join. Only when nobody sits there.
  void enter();
  /// Leaves, if somebody is there; what it counted is lost with it.
  void leave();
  /// Null while nobody is there.
  [[nodiscard]] Participant* participant() { return participant_.get(); }
  [[nodiscard]] const Participant* participant() const { return participant_.get(); }
  [[nodiscard]] const ParticipantOptions& options() const { return options_; }
  /// When it last began to join.
  [[nodiscard]] TimePoint begun() const { return begun_; }
  /// Of everybody who ever sat here.
  [[nodiscard]] Traffic tcp_traffic() const {
    Traffic sum = tcp_before_;
    if (tcp_) sum += tcp_->traffic();
    return sum;
  }
  [[nodiscard]] bool is_complete() const { return participant_ && participant_->complete_at().has_value(); }
  [[nodiscard]] bool has_failed() const { return participant_ && !participant_->failure().empty(); }

 private:
  void send_text(std::string_view text) override;
  void use_server(const SocketAddress& server) override;
  [[nodiscard]] MutableBytes claim() override;
  void commit(std::size_t size) override;
  void on_ws_open() override;
  void on_ws_text(std::string_view text) override;
  void on_ws_end(std::string_view why) override;
  void on_tcp_datagram(MutableBytes datagram) override;
  void on_tcp_pause() override;
  void on_tcp_end(std::string_view why) override;
  void on_ready(std::uint32_t events) override;  // the UDP socket's
  void on_timer();
  /// What was queued leaves, and the timer is set anew.
  void settle();
  void arm();
  void drop();

  Shared shared_;
  ParticipantOptions options_;
  WsConnection::Target target_;
  std::unique_ptr<Participant> participant_;
  std::unique_ptr<WsConnection> ws_;
  net::Fd udp_;
  std::unique_ptr<TcpPort> tcp_;
  MutableBytes claimed_;
  Traffic tcp_before_;  // of those who left
  std::optional<net::Loop::TimerKey> timer_;
  TimePoint begun_{};
};

}  // namespace zvonok::load
