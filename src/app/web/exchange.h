// One HTTP request on its way through the server, and the one answer it gets: adds policy headers and the request id,
// and writes the access log. Move-only; dropping it unanswered answers 500.
#pragma once
#include <optional>

#include "app/web/web_policy.h"
#include "base/log.h"
#include "identity/principal.h"
#include "net/loop.h"
#include "net/responder.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::app {

class Exchange {
 public:
  struct Parts {
    const WebPolicy& policy;
    Logger& log;
    net::Loop& loop;
  };
  Exchange(Parts parts, HttpRequest request, net::Responder respond)
      : parts_{parts}, request_{std::move(request)}, respond_{std::move(respond)}, started_{parts.loop.now().mono} {}

  [[nodiscard]] const HttpRequest& request() const { return request_; }
  /// Who asks; set once the token was checked.
  std::optional<identity::Principal> principal;

  void reply(HttpResponse response) {
    parts_.policy.add_cors(request_, response);
    parts_.policy.add_security(request_, response);
    response.add_header("X-Request-Id", request_.request_id);
    log(response.status);
    respond_.send(std::move(response));
  }
  void reply(const rest::Problem& problem) { reply(rest::to_response(problem, request_.request_id)); }

  /// Turns the connection into a WebSocket; see Responder::upgrade.
  [[nodiscard]] bool upgrade(net::WsHandler& handler, const net::WsRules& rules = {}) {
    log(101);
    return respond_.upgrade(handler, rules);
  }
  /// Answers bit by bit; see Responder::stream.
  [[nodiscard]] bool stream(HttpResponse header, net::StreamWatcher& watcher) {
    parts_.policy.add_cors(request_, header);
    parts_.policy.add_security(request_, header);
    header.add_header("X-Request-Id", request_.request_id);
    log(header.status);
    return respond_.stream(std::move(header), watcher);
  }
  [[nodiscard]] ConnectionId connection() const { return respond_.connection(); }
  /// In logs in place of the path, where that holds a secret.
  void show_path(std::string path) { shown_path_ = std::move(path); }

 private:
  /// The path only: the query may hold tokens.
  void log(int status) const {
    const auto spent = std::chrono::duration_cast<microseconds>(parts_.loop.now().mono - started_);
    parts_.log.debug("request", {{"method", request_.method_text},
                                 {"path", shown_path_.empty() ? request_.path : shown_path_},
                                 {"status", status},
                                 {"microseconds", spent.count()},
                                 {"request", request_.request_id}});
  }

  Parts parts_;
  HttpRequest request_;
  net::Responder respond_;
  TimePoint started_;
  std::string shown_path_;
};

}  // namespace zvonok::app
