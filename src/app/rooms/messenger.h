// The messenger that is asked who may enter a room (ROOM_AUTHORIZER_URL): what it answered is remembered for a while,
// and it is waited for on threads of its own, so that nothing else becomes as slow as it may be.
#pragma once
#include <memory>
#include <string>

#include "adapter/authorizer_http/cached_authorizer.h"
#include "adapter/authorizer_http/http_authorizer.h"
#include "app/config/config.h"
#include "app/worker_pool.h"
#include "base/result.h"

namespace zvonok::app {

class Messenger {
 public:
  /// Null without ROOM_AUTHORIZER_URL. Connects to nothing yet. The error is one line that names the setting.
  [[nodiscard]] static Result<std::unique_ptr<Messenger>, std::string> create(const Config& config);

  [[nodiscard]] port::RoomAuthorizer& authorizer() { return cached_; }
  [[nodiscard]] WorkerPool& pool() { return pool_; }
  [[nodiscard]] const WorkerPool& pool() const { return pool_; }

 private:
  Messenger(std::unique_ptr<authorizer_http::HttpAuthorizer> http, const Config& config);

  std::unique_ptr<authorizer_http::HttpAuthorizer> http_;
  authorizer_http::CachedAuthorizer cached_;
  WorkerPool pool_;  // ends first: its tasks use the others
};

/// What asks, by the settings. The error is one line that names them.
[[nodiscard]] Result<std::unique_ptr<authorizer_http::HttpAuthorizer>, std::string> messenger_authorizer(
    const Config& config);

}  // namespace zvonok::app
