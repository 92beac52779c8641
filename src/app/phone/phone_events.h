// Server-sent events of phone calls: `GET /api/calls/{id}/events` for one call, until it is over, and
// `GET /api/calls/events` for all of a user's. Every event tells the whole call, so that one who comes back needs
// nothing of what was missed. Belongs to the loop's thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "app/web/exchange.h"
#include "base/id.h"
#include "call/phone_words.h"
#include "net/loop.h"
#include "net/responder.h"
#include "net/server.h"
#include "rest/phone_api.h"

namespace zvonok::app {

class PhoneEvents final : public net::StreamWatcher {
 public:
  static constexpr std::size_t kStreamsPerUserMax = 32;
  static constexpr Duration kKeepAlive = seconds{15};

  explicit PhoneEvents(net::Loop& loop) : loop_{loop} {}
  /// Before any stream.
  void attach(net::Server& server) { server_ = &server; }

  /// Opens a stream that begins with these calls. `call`: only of that one, and the stream ends with it.
  void open(Exchange exchange, const std::optional<CallId>& call, const std::vector<rest::PhoneCallRow>& now);
  void publish(const call::phone::Changed& change, const std::string& sdp_offer);
  /// That was pressed at the telephone.
  void publish_digit(const call::phone::CallView& view, char digit);
  void close_session(const std::string& session_id);
  /// Ends the streams of tokens that have ended; at each kKeepAlive, too.
  void end_expired();
  /// To all of the user's calls: a device that can be rung.
  [[nodiscard]] bool listens(const UserId& user) const;
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }

  void on_stream_end(ConnectionId id) override;

 private:
  struct Stream {
    UserId user;
    std::string session_id;
    std::optional<CallId> call;
    /// Of a token that belongs to no login session, whose end would end the stream.
    std::optional<WallTime> token_ends;
  };
  [[nodiscard]] std::string event_text(const rest::PhoneCallRow& row, std::string_view cause);
  enum class Then : std::uint8_t { GoOn, End };
  /// To who listens to that call; of those who listen to it alone, the stream ends with it.
  void tell(const call::phone::CallView& view, const std::string& text, Then then);
  void keep_alive();

  net::Loop& loop_;
  net::Server* server_ = nullptr;
  std::unordered_map<ConnectionId, Stream> streams_;
  std::unordered_map<UserId, std::unordered_set<ConnectionId>> by_user_;  // no empty set
  std::uint64_t next_event_ = 1;
  bool keeping_alive_ = false;
};

}  // namespace zvonok::app
