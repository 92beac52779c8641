// One Engine.IO session that speaks Socket.IO: parses packets, joins attachments to them, knows the sockets of its
// namespaces. Whatever breaks the protocol ends the whole connection.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/engineio/session.h"
#include "proto/engineio/wire.h"
#include "proto/socketio/handler.h"
#include "proto/socketio/socket.h"

namespace zvonok::socketio {

class Server;

class Connection final : public engineio::Listener {
 public:
  Connection(Server& server, engineio::Session& session, TimePoint now);
  ~Connection() override;

  void on_message(engineio::Session& session, std::string_view text, TimePoint now) override;
  void on_binary(engineio::Session& session, std::string_view bytes, TimePoint now) override;
  void on_close(engineio::Session& session, engineio::CloseReason reason, TimePoint now) override;
  void on_pong(engineio::Session& session) override;
  [[nodiscard]] TimePoint next_timeout() const override { return connect_deadline_; }
  void handle_timeout(engineio::Session& session, TimePoint now) override;

  // For its sockets.
  [[nodiscard]] const engineio::Handshake& handshake() const { return session_.handshake(); }
  bool send(std::string_view packet, Attachments attachments);
  void on_joined() { connect_deadline_ = TimePoint::max(); }
  void on_put_out(std::string_view nsp) { put_out_.push_back(nsp); }
  void close(DisconnectReason reason, TimePoint now);

 private:
  /// A binary packet whose attachments are on their way.
  struct HalfBuilt {
    PacketType type = PacketType::BinaryEvent;
    std::string nsp;
    std::optional<AckId> id;
    std::string name;  // token
    std::string args;
    std::vector<std::size_t> order;  // Placeholders::order
    std::size_t expected = 0;
    std::vector<std::string> received;
    std::size_t bytes = 0;
  };

  void handle_packet(const Packet& packet, TimePoint now);
  void handle_connect(const Packet& packet, TimePoint now);
  void handle_event(const Packet& packet, Attachments attachments, TimePoint now);
  void handle_ack(const Packet& packet, Attachments attachments);
  void begin_binary(const Packet& packet, TimePoint now);
  void finish_binary(TimePoint now);
  [[nodiscard]] Socket* find(std::string_view nsp) const;
  /// Whether packets to a namespace without socket may still come: the client did not know yet.
  [[nodiscard]] bool was_put_out(std::string_view nsp) const;
  void fault(PacketError error, TimePoint now);
  void forget_gone();

  Server& server_;
  engineio::Session& session_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<std::string_view> put_out_;  // names live in the server
  std::unique_ptr<HalfBuilt> half_built_;
  TimePoint connect_deadline_;
  std::optional<DisconnectReason> closing_as_;
};

}  // namespace zvonok::socketio
