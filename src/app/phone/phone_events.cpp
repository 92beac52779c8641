#include "app/phone/phone_events.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace zvonok::app {
namespace {

HttpResponse stream_header() {
  HttpResponse header;
  header.add_header("Content-Type", "text/event-stream");
  header.add_header("Cache-Control", "no-store");
  header.add_header("X-Accel-Buffering", "no");  // nginx would hold events back
  return header;
}

}  // namespace

std::string PhoneEvents::event_text(const rest::PhoneCallRow& row, std::string_view cause) {
  boost::json::object data = rest::phone_call_json(row);
  if (!cause.empty()) data["cause"] = cause;
  // JSON of ours has no line break, so it is one line of the event.
  return "id: " + std::to_string(next_event_++) + "\nevent: status\ndata: " + boost::json::serialize(data) + "\n\n";
}

void PhoneEvents::open(Exchange exchange, const std::optional<CallId>& call,
                       const std::vector<rest::PhoneCallRow>& now) {
  const UserId user = exchange.principal->user;
  const auto own = by_user_.find(user);
  if (own != by_user_.end() && own->second.size() >= kStreamsPerUserMax) {
    exchange.reply(rest::too_many_requests(seconds{5}));
    return;
  }
  const ConnectionId id = exchange.connection();
  Stream stream{.user = user, .session_id = exchange.principal->session_id, .call = call, .token_ends = {}};
  if (stream.session_id.empty()) stream.token_ends = exchange.principal->expires_at;
  if (!exchange.stream(stream_header(), *this)) return;
  streams_.emplace(id, std::move(stream));
  by_user_[user].insert(id);
  std::string text = "retry: 2000\n\n";
  bool over = false;
  for (const rest::PhoneCallRow& row : now) {
    text += event_text(row, "");
    over = over || !row.live;
  }
  (void)server_->stream_send(id, text);
  if (call && over) server_->stream_end(id);
  if (!std::exchange(keeping_alive_, true)) {
    loop_.schedule(loop_.now().mono + kKeepAlive, [this] { keep_alive(); });
  }
}

void PhoneEvents::publish(const call::phone::Changed& change, const std::string& sdp_offer) {
  if (!by_user_.contains(change.view.user())) return;
  tell(change.view, event_text(rest::row_of(change.view, sdp_offer), call::phone::to_text(change.cause)),
       call::phone::is_over(change.view.status) ? Then::End : Then::GoOn);
}

void PhoneEvents::publish_digit(const call::phone::CallView& view, char digit) {
  if (!by_user_.contains(view.user())) return;
  const boost::json::object data{{"call_id", view.record.id.value()}, {"digit", std::string_view{&digit, 1}}};
  tell(view, "id: " + std::to_string(next_event_++) + "\nevent: digit\ndata: " + boost::json::serialize(data) + "\n\n",
       Then::GoOn);
}

void PhoneEvents::tell(const call::phone::CallView& view, const std::string& text, Then then) {
  const auto own = by_user_.find(view.user());
  if (own == by_user_.end()) return;
  const WallTime now = loop_.now().wall;
  // Copied: a stream that is ended leaves the set, be it now or later.
  const std::vector<ConnectionId> listeners{own->second.begin(), own->second.end()};
  for (const ConnectionId id : listeners) {
    const Stream& stream = streams_.at(id);
    if (stream.call && *stream.call != view.record.id) continue;
    if (stream.token_ends && *stream.token_ends <= now) {
      server_->stream_end(id);
      continue;
    }
    const bool ends = then == Then::End && stream.call.has_value();
    (void)server_->stream_send(id, text);
    if (ends) server_->stream_end(id);
  }
}

bool PhoneEvents::listens(const UserId& user) const {
  const auto own = by_user_.find(user);
  if (own == by_user_.end()) return false;
  return std::ranges::any_of(own->second, [this](const ConnectionId id) { return !streams_.at(id).call; });
}

void PhoneEvents::close_session(const std::string& session_id) {
  if (session_id.empty()) return;
  std::vector<ConnectionId> ended;
  for (const auto& [id, stream] : streams_) {
    if (stream.session_id == session_id) ended.push_back(id);
  }
  for (const ConnectionId id : ended) server_->stream_end(id);
}

void PhoneEvents::end_expired() {
  const WallTime now = loop_.now().wall;
  std::vector<ConnectionId> ended;
  for (const auto& [id, stream] : streams_) {
    if (stream.token_ends && *stream.token_ends <= now) ended.push_back(id);
  }
  for (const ConnectionId id : ended) server_->stream_end(id);
}

void PhoneEvents::on_stream_end(ConnectionId id) {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return;
  const auto own = by_user_.find(stream->second.user);
  own->second.erase(id);
  if (own->second.empty()) by_user_.erase(own);
  streams_.erase(stream);
}

/// So that proxies don't end silent connections, and clients notice dead ones.
void PhoneEvents::keep_alive() {
  end_expired();
  std::vector<ConnectionId> all;
  for (const auto& [id, stream] : streams_) all.push_back(id);
  for (const ConnectionId id : all) (void)server_->stream_send(id, ": \n\n");
  keeping_alive_ = !streams_.empty();
  if (keeping_alive_) loop_.schedule(loop_.now().mono + kKeepAlive, [this] { keep_alive(); });
}

}  // namespace zvonok::app
