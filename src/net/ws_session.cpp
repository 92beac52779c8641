#include "net/ws_session.h"

#include <algorithm>
#include <utility>

#include "net/server.h"

namespace zvonok::net {
namespace {

using websocket::CloseCode;
using websocket::Opcode;

// A control frame or a message costs a little bookkeeping besides its bytes.
constexpr std::size_t kFrameOverheadBytes = 14;

constexpr Duration kShortestPause = milliseconds{20};

const WsOptions& ws_options(Connection& connection) {
  return connection.server().options().ws;
}

}  // namespace

WsSession::WsSession(Connection& connection, WsHandler& handler, const WsRules& rules, TimePoint now)
    : connection_{connection},
      handler_{handler},
      decoder_{websocket::Sender::Client,
               {.message_bytes_max = rules.message_bytes_max.value_or(ws_options(connection).message_bytes_max),
                .fragments_max = ws_options(connection).fragments_max}},
      messages_{
          {.burst = ws_options(connection).messages_burst, .per_second = ws_options(connection).messages_per_second},
          now},
      bytes_{{.burst = ws_options(connection).bytes_burst, .per_second = ws_options(connection).bytes_per_second}, now},
      last_heard_{now},
      next_ping_{now + ws_options(connection).ping_interval},
      binary_{rules.binary},
      heartbeat_{rules.heartbeat},
      rate_{rules.rate} {
  ++connection.server().counters().websockets;
  ++connection.server().counters().ws_opened;
}

WsSession::~WsSession() = default;

bool WsSession::queue_has_room(std::size_t bytes) {
  if (connection_.unsent_bytes() + bytes + kFrameOverheadBytes <= ws_options(connection_).send_queue_bytes_max) {
    return true;
  }
  // The peer reads too slowly. A close frame could only join the queue that it does not read.
  websocket::append_close(connection_.output(), CloseCode::SlowConsumer, "Slow consumer");
  close_sent_ = true;
  tell_end_later();
  connection_.finish(CloseReason::SlowConsumer,
                     connection_.server().now().mono + ws_options(connection_).close_timeout);
  return false;
}

bool WsSession::send(Opcode opcode, std::string_view payload) {
  if (close_sent_ || !queue_has_room(payload.size())) return false;
  websocket::append_frame(connection_.output(), opcode, payload);
  connection_.flush_later();
  NetCounters& counters = connection_.server().counters();
  ++counters.ws_messages_out;
  counters.ws_bytes_out += payload.size();
  return true;
}

MutableBytes WsSession::claim(std::size_t bytes, std::size_t unsent_max) {
  if (close_sent_) return {};
  if (connection_.unsent_bytes() > unsent_max) {
    owes_drained_ = true;
    return {};
  }
  std::string& out = connection_.output();
  websocket::append_frame_header(out, Opcode::Binary, bytes);
  const std::size_t at = out.size();
  out.resize(at + bytes);
  connection_.server().on_urgent();
  connection_.flush_later();
  NetCounters& counters = connection_.server().counters();
  ++counters.ws_messages_out;
  counters.ws_bytes_out += bytes;
  return {reinterpret_cast<std::uint8_t*>(out.data() + at), bytes};
}

void WsSession::on_drained() {
  if (close_sent_ || !std::exchange(owes_drained_, false)) return;
  handler_.on_ws_drained(connection_.id());
}

void WsSession::hold_reading() {
  if (held_ || close_sent_ || connection_.closed()) return;
  held_ = true;
  connection_.pause_reading();
}

/// What was kept is handed over in a later turn: whoever lets reading go on may be in the middle of something.
void WsSession::release_reading() {
  if (!std::exchange(held_, false) || paused_ || std::exchange(resume_posted_, true)) return;
  Server& server = connection_.server();
  server.loop().post([&server, id = connection_.id()] {
    WsSession* const session = server.find_ws(id);
    if (session == nullptr) return;
    session->resume_posted_ = false;
    if (!session->held_ && !session->paused_) session->resume();
  });
}

void WsSession::on_bytes(MutableBytes bytes) {
  last_heard_ = connection_.server().now().mono;
  if (close_sent_ && close_received_) return;
  charge(bytes.size());
  if (!decoder_.feed(bytes, *this)) {
    close_for(decoder_.failure().code, decoder_.failure().reason, CloseReason::ProtocolError);
    // Nothing after a broken frame can be understood: don't wait for the peer's close frame.
    connection_.finish(CloseReason::ProtocolError,
                       connection_.server().now().mono + ws_options(connection_).close_timeout);
  }
  slow_down();
}

void WsSession::charge(std::size_t bytes) {
  bytes_.charge(static_cast<double>(bytes), last_heard_);
}

void WsSession::on_message(Opcode opcode, std::string_view payload) {
  if (close_sent_) return;
  NetCounters& counters = connection_.server().counters();
  ++counters.ws_messages_in;
  counters.ws_bytes_in += payload.size();
  messages_.charge(1, last_heard_);
  if (opcode == Opcode::Binary && binary_ == WsBinary::AsBytes) {
    handler_.on_ws_binary(connection_.id(), payload);
    slow_down();
    return;
  }
  if (opcode == Opcode::Binary && !websocket::is_valid_utf8(payload)) {
    close_for(CloseCode::UnsupportedData, "Text only", CloseReason::ProtocolError);
    return;
  }
  handler_.on_ws_message(connection_.id(), payload);
  slow_down();
}

void WsSession::slow_down() {
  if (rate_ == WsRate::Unlimited) return;
  const Duration wait = std::max(messages_.wait(last_heard_), bytes_.wait(last_heard_));
  if (wait > Duration::zero()) pause_for(wait);
}

/// Over its rate a socket is read more slowly, which TCP tells the sender; nothing is lost.
void WsSession::pause_for(Duration wait) {
  if (paused_ || close_sent_ || connection_.closed()) return;
  paused_ = true;
  ++connection_.server().counters().ws_paused;
  connection_.pause_reading();
  Server& server = connection_.server();
  // Not for every single message: waking up less often costs less and keeps the same rate.
  const Duration pause = std::max<Duration>(wait, kShortestPause);
  server.loop().schedule(last_heard_ + pause, [&server, id = connection_.id()] {
    if (WsSession* session = server.find_ws(id)) session->resume();
  });
}

void WsSession::resume() {
  paused_ = false;
  on_bytes({});  // what the decoder kept
  if (!paused_ && !held_ && !connection_.closed()) connection_.resume_reading();
}

void WsSession::on_ping(std::string_view payload) {
  messages_.charge(1, last_heard_);
  slow_down();
  if (close_sent_ || !queue_has_room(payload.size())) return;
  websocket::append_frame(connection_.output(), Opcode::Pong, payload);
  connection_.flush_later();
}

void WsSession::on_pong(std::string_view) {
  messages_.charge(1, last_heard_);
  slow_down();
}

void WsSession::on_close(std::uint16_t code, std::string_view) {
  close_received_ = true;
  const TimePoint deadline = connection_.server().now().mono + ws_options(connection_).close_timeout;
  if (!close_sent_) {
    close_sent_ = true;
    // RFC 6455 section 5.5.1: echo the code.
    websocket::append_close(connection_.output(), static_cast<CloseCode>(code), {});
    close_reason_ = CloseReason::Finished;
  }
  connection_.finish(close_reason_, deadline);
  // Now, not when TCP has ended, too: a client that comes back at once must find its old place free.
  tell_end();
}

void WsSession::close_for(CloseCode code, std::string_view reason, CloseReason counted) {
  if (close_sent_) return;
  close_sent_ = true;
  close_reason_ = counted;
  close_deadline_ = connection_.server().now().mono + ws_options(connection_).close_timeout;
  websocket::append_close(connection_.output(), code, reason);
  connection_.flush_later();
  tell_end_later();
  // The peer's close frame must be heard even when its messages were being read slowly.
  if (paused_ || held_) connection_.resume_reading();
  paused_ = held_ = false;
}

void WsSession::on_drain(std::string_view reason) {
  close_for(CloseCode::GoingAway, reason, CloseReason::Shutdown);
}

void WsSession::on_sweep(TimePoint now) {
  const WsOptions& options = ws_options(connection_);
  if (close_sent_) {
    if (now >= close_deadline_) connection_.close(close_reason_);
    return;
  }
  if (heartbeat_ == WsHeartbeat::None) return;
  if (paused_ || held_) {
    last_heard_ = now;  // we are the ones who don't listen
    return;
  }
  if (now - last_heard_ >= options.ping_interval + options.pong_timeout) {
    connection_.close(CloseReason::PongTimeout);
    return;
  }
  if (now < next_ping_) return;
  if (now - last_heard_ < options.ping_interval) {
    next_ping_ = last_heard_ + options.ping_interval;  // it talks: no need to ask
    return;
  }
  next_ping_ = now + options.ping_interval;
  websocket::append_frame(connection_.output(), Opcode::Ping, {});
  connection_.flush_later();
}

void WsSession::on_closed(CloseReason) {
  --connection_.server().counters().websockets;
  tell_end();
}

void WsSession::tell_end() {
  if (std::exchange(end_told_, true)) return;
  handler_.on_ws_close(connection_.id());
}

/// For ends that begin while the handler is at work: it hears of them when it has finished.
void WsSession::tell_end_later() {
  if (std::exchange(end_told_, true)) return;
  connection_.server().loop().post([&handler = handler_, id = connection_.id()] { handler.on_ws_close(id); });
}

}  // namespace zvonok::net
