// HTTP/1.1 on a connection: keep-alive, pipelining (answered strictly in order, one request at a time), deadlines.
#pragma once
#include <optional>
#include <string>

#include "net/connection.h"
#include "net/http_parser.h"
#include "net/responder.h"
#include "net/session.h"

namespace zvonok::net {

class HttpSession final : public Session {
 public:
  HttpSession(Connection& connection, TimePoint now);

  void on_bytes(MutableBytes bytes) override;
  void on_drained() override;
  void on_sweep(TimePoint now) override;
  void on_closed(CloseReason reason) override;
  void on_drain(std::string_view reason) override;
  [[nodiscard]] HttpSession* as_http() override { return this; }

  // For Responder. `request` is the number it was made with; an answer to an older request is dropped.
  void respond(std::uint64_t request, HttpResponse response);
  [[nodiscard]] bool upgrade(std::uint64_t request, WsHandler& handler, const WsRules& rules);
  void wait(std::uint64_t request, RequestWatcher& watcher);
  [[nodiscard]] bool stream(std::uint64_t request, HttpResponse header, StreamWatcher& watcher);

 private:
  enum class State {
    Idle,    // between requests
    Header,  // a request has begun
    Body,
    Handling,  // the application has it
    Done,      // nothing more is read
  };

  void parse();
  [[nodiscard]] bool begin_body();
  void hand_over();
  [[nodiscard]] bool may_read() const;
  void refuse(int status, std::string_view reason, CloseReason counted);
  void write_response(const HttpResponse& response);
  void enter(State state, Duration allowed);
  [[nodiscard]] TimePoint now() const;

  Connection& connection_;
  std::optional<HttpParser> parser_;
  std::string input_;  // what is not parsed yet
  State state_ = State::Idle;
  TimePoint deadline_;
  std::uint64_t request_number_ = 0;
  bool keep_alive_ = true;
  bool is_head_ = false;
  bool continue_sent_ = false;
  bool parsing_ = false;
  bool waiting_ = false;  // while Handling: for as long as the application likes
  RequestWatcher* watcher_ = nullptr;
  // Of the request that is being handled, for an upgrade.
  struct UpgradeOffer {
    std::string key;
    std::string version;
    bool proper = false;
  };
  std::optional<UpgradeOffer> upgrade_offer_;
};

}  // namespace zvonok::net
