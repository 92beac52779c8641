#include "proto/engineio/session.h"

#include <algorithm>
#include <utility>

#include "proto/engineio/hub.h"
#include "proto/websocket/frame.h"

namespace zvonok::engineio {
namespace {

// A ping that goes out so much later than it should have means that this process stood still; then patience for the
// pong counts from the ping. Below it, both deadlines are kept to the schedule, so that they don't add up their delays.
constexpr Duration kStandstill = milliseconds{50};
// After a standstill pongs may lie unread: so much time is given to read them.
constexpr Duration kSecondChance = seconds{1};

std::string_view text_of(PacketType type) {
  static constexpr std::string_view kDigits = "0123456";
  return kDigits.substr(static_cast<std::size_t>(type), 1);
}

std::int64_t whole_milliseconds(Duration duration) {
  return std::chrono::floor<milliseconds>(duration).count();
}

std::string open_packet(std::string_view sid, Transport transport, const Options& options) {
  std::string out{text_of(PacketType::Open)};
  out += R"({"sid":")";
  out += sid;
  out += transport == Transport::Polling ? R"(","upgrades":["websocket"],"pingInterval":)"
                                         : R"(","upgrades":[],"pingInterval":)";
  out += std::to_string(whole_milliseconds(options.ping_interval));
  out += R"(,"pingTimeout":)";
  out += std::to_string(whole_milliseconds(options.ping_timeout));
  out += R"(,"maxPayload":)";
  out += std::to_string(options.payload_bytes_max);
  out += '}';
  return out;
}

bool says_binary(const HttpRequest& http) {
  const std::string_view type = http.header("Content-Type").value_or("");
  return equal_ignoring_case(type.substr(0, type.find(';')), "application/octet-stream");
}

}  // namespace

Session::Session(Hub& hub, std::string sid, Handshake handshake, TimePoint now)
    : hub_{hub},
      sid_{std::move(sid)},
      handshake_{std::move(handshake)},
      posted_{{.burst = hub.options_.posted_packets_burst, .per_second = hub.options_.posted_packets_per_second}, now} {
}

Session::~Session() = default;

void Session::open_on(Transport transport, ConnectionId connection, TimePoint now) {
  transport_ = transport;
  beat_at_ = now + hub_.options_.ping_interval;
  std::string packet = open_packet(sid_, transport, hub_.options_);
  if (transport == Transport::Polling) {
    hub_.wire_.answer(connection, {.status = 200, .content = Content::Packets, .body = std::move(packet)});
    return;
  }
  websocket_ = connection;
  hub_.attach(connection, *this);
  hub_.wire_.ws_text(connection, packet);
}

// ---- polling -------------------------------------------------------------------------------------------------------

void Session::handle_poll(ConnectionId connection, TimePoint now) {
  ++hub_.counters_.polls;
  if (poll_) {
    answer(connection, RequestError::BadRequest);
    end(CloseReason::PollOverlap);
    return;
  }
  poll_ = connection;
  hub_.attach(connection, *this);
  if (state_ == State::Closing) {
    end(CloseReason::ServerClosed);
  } else if (!queue_.empty()) {
    flush_poll();
  } else if (upgrade_ && upgrade_->probed) {
    release_poll(now);
    hub_.set_timer(*this);
  }
}

void Session::handle_post_begun(ConnectionId connection) {
  if (post_) {
    end(CloseReason::PostOverlap);
    return;
  }
  post_ = connection;
  hub_.attach(connection, *this);
}

void Session::handle_post(ConnectionId connection, const HttpRequest& http, TimePoint now) {
  ++hub_.counters_.posts;
  if (post_ == connection) {
    post_.reset();
    hub_.detach(connection);
  } else if (post_) {
    answer(connection, RequestError::BadRequest);
    end(CloseReason::PostOverlap);
    return;
  }
  if (says_binary(http)) {
    answer(connection, RequestError::BadRequest);
    end(CloseReason::BadContent);
    return;
  }
  Verdict verdict = Verdict::Fine;
  if (state_ == State::Closing) {
    hub_.counters_.count(Drop::WhileClosing);
  } else if (!websocket::is_valid_utf8(http.body)) {
    verdict = bad(CloseReason::BadPacket);
  } else {
    verdict = handle_payload(http.body, now);
  }
  switch (verdict) {
    case Verdict::Fine: answer_post(connection, now); return;
    case Verdict::Bad: answer(connection, RequestError::BadRequest); return;
  }
}

void Session::answer_post(ConnectionId connection, TimePoint now) {
  const Duration wait = posted_.wait(now);
  post_ = connection;
  if (state_ != State::Open || wait == Duration::zero()) {
    release_post();
    return;
  }
  ++hub_.counters_.posts_slowed;
  post_held_to_ = now + wait;
  hub_.attach(connection, *this);
  hub_.set_timer(*this);
}

void Session::release_post() {
  post_held_to_ = TimePoint::max();
  const ConnectionId connection = *post_;
  post_.reset();
  hub_.detach(connection);
  hub_.wire_.answer(connection, {.status = 200, .content = Content::Ok, .body = "ok"});
}

void Session::handle_other_method(ConnectionId connection) {
  answer(connection, RequestError::BadRequest);
}

void Session::handle_client_gone(ConnectionId connection) {
  if (poll_ == connection) {
    poll_.reset();
  } else if (post_ == connection) {
    post_.reset();
    post_held_to_ = TimePoint::max();
  } else {
    return;
  }
  hub_.detach(connection);
  end(CloseReason::TransportClosed);
}

void Session::handle_post_refused(ConnectionId connection) {
  if (post_ != connection) return;
  post_.reset();
  hub_.detach(connection);
}

void Session::flush_poll() {
  if (!poll_ || queue_.empty() || state_ == State::Closed) return;
  answer_poll(std::exchange(queue_, {}));
}

void Session::answer_poll(std::string body) {
  const ConnectionId connection = *poll_;
  poll_.reset();
  hub_.detach(connection);
  hub_.wire_.answer(connection, {.status = 200, .content = Content::Packets, .body = std::move(body)});
}

void Session::answer(ConnectionId connection, RequestError error) {
  hub_.wire_.answer(connection, hub_.refuse(error));
}

// ---- packets -------------------------------------------------------------------------------------------------------

Session::Verdict Session::handle_payload(std::string_view payload, TimePoint now) {
  PayloadReader reader{payload};
  while (const auto packet = reader.next()) {
    posted_.charge(1, now);
    if (handle_packet(*packet, now) == Verdict::Bad) return Verdict::Bad;
    if (state_ != State::Open) break;
  }
  return Verdict::Fine;
}

Session::Verdict Session::handle_packet(std::string_view text, TimePoint now) {
  const auto packet = parse_packet(text);
  if (!packet) return bad(CloseReason::BadPacket);
  switch (packet->type) {
    case PacketType::Message: return handle_message(*packet, now);
    case PacketType::Pong: handle_pong(now); return Verdict::Fine;
    case PacketType::Ping: return bad(CloseReason::BadHeartbeat);  // that direction was version 3
    case PacketType::Close: end(CloseReason::PeerClosed, LastWord::Noop); return Verdict::Fine;
    case PacketType::Open:
    case PacketType::Upgrade:
    case PacketType::Noop: hub_.counters_.count(Drop::IdlePacket); return Verdict::Fine;
  }
  return Verdict::Fine;
}

Session::Verdict Session::handle_message(const Packet& packet, TimePoint now) {
  if (packet.form == DataForm::Text) {
    ++hub_.counters_.messages_in;
    listener_->on_message(*this, packet.data, now);
    return Verdict::Fine;
  }
  const auto bytes = decode_base64(packet.data);
  if (!bytes) return bad(CloseReason::BadPacket);
  ++hub_.counters_.messages_in;
  listener_->on_binary(*this, *bytes, now);
  return Verdict::Fine;
}

Session::Verdict Session::bad(CloseReason reason) {
  end(reason);
  return Verdict::Bad;
}

// ---- WebSocket -----------------------------------------------------------------------------------------------------

void Session::handle_candidate(ConnectionId connection, TimePoint now) {
  if (state_ != State::Open || transport_ == Transport::WebSocket || upgrade_) {
    hub_.counters_.count(UpgradeEnd::Second);
    hub_.wire_.ws_close(connection);
    return;
  }
  upgrade_ = Upgrade{.connection = connection, .deadline = now + hub_.options_.upgrade_timeout};
  noop_from_ = now;
  hub_.attach(connection, *this);
  hub_.set_timer(*this);
}

void Session::handle_ws_text(ConnectionId connection, std::string_view text, TimePoint now) {
  if (websocket_ == connection) {
    static_cast<void>(handle_packet(text, now));  // a bad one has ended the session
  } else if (upgrade_ && upgrade_->connection == connection) {
    handle_upgrade_packet(text, now);
  }
}

void Session::handle_ws_binary(ConnectionId connection, std::string_view bytes, TimePoint now) {
  if (websocket_ == connection) {
    ++hub_.counters_.messages_in;
    listener_->on_binary(*this, bytes, now);
  } else if (upgrade_ && upgrade_->connection == connection) {
    drop_upgrade(UpgradeEnd::WrongPacket);
  }
}

void Session::handle_ws_closed(ConnectionId connection) {
  if (websocket_ == connection) {
    websocket_.reset();
    hub_.detach(connection);
    end(CloseReason::TransportClosed);
  } else if (upgrade_ && upgrade_->connection == connection) {
    drop_upgrade(UpgradeEnd::Lost);
  }
}

/// Until the upgrade packet polling still is the transport; the new WebSocket may only probe.
void Session::handle_upgrade_packet(std::string_view text, TimePoint now) {
  const auto packet = parse_packet(text);
  if (packet && packet->type == PacketType::Ping && packet->data == "probe") {
    hub_.wire_.ws_text(upgrade_->connection, "3probe");
    upgrade_->probed = true;
    if (poll_) release_poll(now);
  } else if (packet && packet->type == PacketType::Upgrade) {
    finish_upgrade();
  } else {
    drop_upgrade(UpgradeEnd::WrongPacket);
  }
  hub_.set_timer(*this);
}

/// The client may begin another poll before it has handled the answer to its probe, so that every poll is released and
/// not only the first.
void Session::release_poll(TimePoint now) {
  if (!poll_ || now < noop_from_) return;  // its time comes with the timer
  noop_from_ = now + hub_.options_.noop_spacing;
  ++hub_.counters_.noops;
  answer_poll(std::string{text_of(PacketType::Noop)});
}

void Session::finish_upgrade() {
  hub_.counters_.count(UpgradeEnd::Done);
  websocket_ = upgrade_->connection;
  upgrade_.reset();
  transport_ = Transport::WebSocket;
  if (poll_) answer_poll(std::string{text_of(PacketType::Noop)});
  flush_to_websocket();
}

void Session::flush_to_websocket() {
  if (queue_.empty()) return;
  const std::string payload = std::exchange(queue_, {});
  PayloadReader reader{payload};
  while (const auto packet = reader.next()) {
    if (packet->front() != kBinaryMark) {
      hub_.wire_.ws_text(*websocket_, *packet);
    } else if (const auto bytes = decode_base64(packet->substr(1))) {
      hub_.wire_.ws_binary(*websocket_, *bytes);
    }
  }
}

void Session::drop_upgrade(UpgradeEnd how) {
  hub_.counters_.count(how);
  const ConnectionId connection = upgrade_->connection;
  upgrade_.reset();
  hub_.detach(connection);
  if (how != UpgradeEnd::Lost) hub_.wire_.ws_close(connection);
}

// ---- time ----------------------------------------------------------------------------------------------------------

TimePoint Session::next_timeout() const {
  if (state_ == State::Closing) return linger_end_;
  TimePoint next = std::min(beat_at_, listener_ ? listener_->next_timeout() : TimePoint::max());
  next = std::min(next, post_held_to_);
  if (upgrade_) next = std::min(next, upgrade_->deadline);
  if (upgrade_ && upgrade_->probed && poll_) next = std::min(next, noop_from_);
  return next;
}

void Session::handle_timeout(TimePoint now) {
  if (state_ == State::Closing) {
    if (now >= linger_end_) end(CloseReason::ServerClosed);
    return;
  }
  if (now >= post_held_to_) release_post();
  if (upgrade_ && now >= upgrade_->deadline) drop_upgrade(UpgradeEnd::TimedOut);
  if (upgrade_ && upgrade_->probed) release_poll(now);
  if (now >= listener_->next_timeout()) listener_->handle_timeout(*this, now);
  if (state_ == State::Open && now >= beat_at_) beat(now);
}

void Session::beat(TimePoint now) {
  const bool stood_still = now - beat_at_ > kStandstill;
  switch (heartbeat_) {
    case Heartbeat::Resting:
      beat_at_ = (stood_still ? now : beat_at_) + hub_.options_.ping_timeout;
      heartbeat_ = Heartbeat::AwaitingPong;
      forgiven_ = false;
      ++hub_.counters_.pings;
      send_control(PacketType::Ping);
      return;
    case Heartbeat::AwaitingPong:
      if (stood_still && !std::exchange(forgiven_, true)) {
        beat_at_ = now + std::min(kSecondChance, hub_.options_.ping_timeout);
      } else {
        end(CloseReason::PingTimeout);
      }
      return;
  }
}

void Session::handle_pong(TimePoint now) {
  if (heartbeat_ != Heartbeat::AwaitingPong) {
    hub_.counters_.count(Drop::UnsolicitedPong);
    return;
  }
  heartbeat_ = Heartbeat::Resting;
  beat_at_ = now + hub_.options_.ping_interval;
  hub_.set_timer(*this);
  listener_->on_pong(*this);
}

// ---- sending and ending --------------------------------------------------------------------------------------------

bool Session::send(std::string_view packet) {
  if (state_ != State::Open) {
    hub_.counters_.count(Drop::AfterClose);
    return false;
  }
  if (transport_ == Transport::WebSocket) {
    ++hub_.counters_.messages_out;
    return hub_.wire_.ws_text(*websocket_, packet);
  }
  if (packet.find(kSeparator) != std::string_view::npos) {
    hub_.counters_.count(Drop::Unsendable);
    return false;
  }
  ++hub_.counters_.messages_out;
  append_to_payload(queue_, packet);
  return check_queue();
}

bool Session::send_binary(std::string_view bytes) {
  if (state_ != State::Open) {
    hub_.counters_.count(Drop::AfterClose);
    return false;
  }
  ++hub_.counters_.messages_out;
  if (transport_ == Transport::WebSocket) return hub_.wire_.ws_binary(*websocket_, bytes);
  append_binary_to_payload(queue_, bytes);
  return check_queue();
}

void Session::send_control(PacketType type) {
  if (transport_ == Transport::WebSocket) {
    hub_.wire_.ws_text(*websocket_, text_of(type));
    return;
  }
  append_to_payload(queue_, text_of(type));
  static_cast<void>(check_queue());
}

bool Session::check_queue() {
  if (queue_.size() > hub_.options_.queue_bytes_max) {
    queue_ = {};
    end(CloseReason::QueueFull);
    return false;
  }
  if (poll_) hub_.flush_later(*this);
  return true;
}

void Session::close(TimePoint now) {
  if (state_ != State::Open) return;
  hub_.now_ = now;
  if (transport_ == Transport::WebSocket || poll_) {
    end(CloseReason::ServerClosed);
    return;
  }
  state_ = State::Closing;
  linger_end_ = now + hub_.options_.close_linger;
  if (post_held_to_ != TimePoint::max()) release_post();
  if (upgrade_) drop_upgrade(UpgradeEnd::SessionEnded);
  hub_.set_timer(*this);
  tell_listener(CloseReason::ServerClosed);
  hub_.arm(hub_.next_timeout());  // the acceptor may have a deadline now
}

void Session::shut_down() {
  end(CloseReason::Shutdown);
}

void Session::tell_listener(CloseReason reason) {
  // It stays alive with the session: it may be on the call stack.
  if (listener_) listener_->on_close(*this, reason, hub_.now_);
}

void Session::end(CloseReason reason, LastWord word) {
  if (state_ == State::Closed) return;
  const bool told = state_ == State::Closing;
  state_ = State::Closed;
  if (poll_) {
    append_to_payload(queue_, text_of(word == LastWord::Close ? PacketType::Close : PacketType::Noop));
    answer_poll(std::exchange(queue_, {}));
  }
  if (post_held_to_ != TimePoint::max()) release_post();
  if (post_) hub_.detach(*post_);
  if (upgrade_) drop_upgrade(UpgradeEnd::SessionEnded);
  if (websocket_) {
    hub_.detach(*websocket_);
    hub_.wire_.ws_close(*websocket_);
    websocket_.reset();
  }
  hub_.on_ended(*this, reason);
  if (!told) tell_listener(reason);
}

}  // namespace zvonok::engineio
