#include "echo.h"

#include <string>
#include <utility>

#include "proto/json_scan.h"
#include "proto/socketio/json_text.h"

namespace zvonok::echo {
namespace {

class RawListener final : public engineio::Listener {
 public:
  void on_message(engineio::Session& session, std::string_view text, TimePoint) override {
    packet_ = engineio::to_digit(engineio::PacketType::Message);
    packet_ += text;
    session.send(packet_);
  }
  void on_binary(engineio::Session& session, std::string_view bytes, TimePoint) override { session.send_binary(bytes); }
  void on_close(engineio::Session&, engineio::CloseReason, TimePoint) override {}

 private:
  std::string packet_;
};

std::string text_in(std::string_view object, std::string_view key) {
  std::string text;
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, key) && member->value.type == json::Type::String) {
      text = json::unescape(member->value.raw_string());
    }
  }
  return text;
}

/// The first argument, taken off; "" when it is no text.
std::string take_text(std::string_view& args) {
  const auto item = socketio::take_item(args);
  return item && item->type == socketio::JsonType::String ? socketio::unescape(item->text) : std::string{};
}

/// `[id, whether it has come back, data, room, ...]`
std::string description_of(const socketio::Socket& socket) {
  std::string out{"["};
  socketio::append_json_string(out, socket.id());
  out += socket.is_recovered() ? ",true," : ",false,";
  socketio::append_json_string(out, socket.data());
  for (const std::string& room : socket.rooms()) {
    out += ',';
    socketio::append_json_string(out, room);
  }
  out += ']';
  return out;
}

}  // namespace

void AuthEcho::on_connect(socketio::Socket& socket, std::string_view auth) {
  if (text_in(auth, "token") == "bad") {
    socket.refuse("Unauthorized");
    return;
  }
  socket.accept_recoverable(text_in(auth, "user"), now());
  if (!socket.is_recovered()) socket.emit("auth", auth.empty() ? "{}" : auth);
}

void MessageEcho::on_event(socketio::Socket& socket, const socketio::Event& event) {
  if (event.name == "message") {
    socket.emit("message-back", event.args, event.attachments);
  } else if (event.name == "message-with-ack" && event.ack) {
    socket.acknowledge(*event.ack, event.args, event.attachments);
  } else if (server_ != nullptr) {
    on_room_event(socket, event);
  }
}

void MessageEcho::on_room_event(socketio::Socket& socket, const socketio::Event& event) {
  std::string_view args = event.args;
  if (event.name == "join") {
    socket.join(take_text(args));
  } else if (event.name == "leave") {
    socket.leave_room(take_text(args));
  } else if (event.name == "say" || event.name == "say-volatile") {
    const std::string room = take_text(args);
    const auto delivery = event.name == "say" ? socketio::Delivery::Kept : socketio::Delivery::Volatile;
    const socketio::Audience audience{
        .nsp = socket.nsp(), .room = room, .except = socket.number(), .delivery = delivery};
    server_->emit(audience, "said", args, event.attachments);
  } else if (event.name == "remember") {
    socket.set_data(take_text(args));
  } else if (event.name == "put-me-out") {
    socket.disconnect();
  } else if (event.name == "drop-me") {
    socket.close_connection(now());
  } else if (event.name != "who") {
    return;
  }
  if (event.ack && socket.is_joined()) socket.acknowledge(*event.ack, description_of(socket));
}

std::unique_ptr<engineio::Listener> RawEcho::accept(engineio::Session&, TimePoint) {
  return std::make_unique<RawListener>();
}

}  // namespace zvonok::echo
