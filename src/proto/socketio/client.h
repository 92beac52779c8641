// The client's end of Socket.IO 5 over Engine.IO 4: one namespace on one WebSocket, texts only. What it speaks is what
// the unmodified JavaScript client would; acknowledgements and attachments, which no event of ours has, are passed
// over.
//
// Sans-IO: texts and time in, texts and events out; poll both until empty after every input.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/time.h"

namespace zvonok::socketio {

/// Where its WebSocket is opened.
inline constexpr std::string_view kWebSocketPath = "/socket.io/?EIO=4&transport=websocket";

class Client {
 public:
  struct Options {
    std::string nsp;   // "/call"
    std::string auth;  // a JSON object, or "" for none
    Duration open_timeout = seconds{10};
    std::size_t events_max = 1024;  // that wait to be polled
  };
  Client(Options options, TimePoint now);

  struct Joined {};
  /// The server does not let it into the namespace. The last event.
  struct Refused {
    std::string message;
  };
  struct Event {
    std::string name;
    std::string args;  // JSON values with commas between them
  };
  /// The server has put it out of the namespace. The last event.
  struct PutOut {};
  using Happening = std::variant<Joined, Refused, Event, PutOut>;

  /// A text of the WebSocket. The error is one line; the connection is of no more use then.
  [[nodiscard]] Result<void, std::string> handle_text(std::string_view text, TimePoint now);
  /// The error: the server has been silent for longer than it said it would.
  [[nodiscard]] Result<void, std::string> handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const { return deadline_; }

  /// Only once joined; `args` as in Event.
  void emit(std::string_view name, std::string_view args);
  [[nodiscard]] bool joined() const { return joined_; }

  [[nodiscard]] std::optional<std::string> poll_transmit();
  [[nodiscard]] std::optional<Happening> poll_event();

 private:
  [[nodiscard]] Result<void, std::string> open(std::string_view handshake, TimePoint now);
  [[nodiscard]] Result<void, std::string> handle_message(std::string_view message);

  Options options_;
  bool opened_ = false;
  bool joined_ = false;
  Duration silence_max_{};
  TimePoint deadline_;
  std::deque<std::string> out_;
  std::deque<Happening> events_;
};

}  // namespace zvonok::socketio
