// Asks the messenger who may enter: POST {kind, roomId, userId}, see docs/protocol/room_membership.md. Use it behind a
// CachedAuthorizer.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "adapter/authorizer_http/http_poster.h"
#include "base/result.h"
#include "port/room_authorizer.h"

namespace zvonok::authorizer_http {

class HttpAuthorizer final : public port::RoomAuthorizer {
 public:
  /// Connects to nothing yet. The error is one line about the URL or the secret, without them.
  [[nodiscard]] static Result<std::unique_ptr<HttpAuthorizer>, std::string> create(HttpPosterOptions options);
  /// Blocks up to `total_timeout`.
  [[nodiscard]] port::RoomAnswer authorize(const port::RoomQuestion& question) override;

 private:
  explicit HttpAuthorizer(std::unique_ptr<HttpPoster> poster) : poster_{std::move(poster)} {}
  std::unique_ptr<HttpPoster> poster_;
};

}  // namespace zvonok::authorizer_http
