// The server that a run is against, and how its users prove who they are.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/private.h"
#include "base/result.h"
#include "base/time.h"
#include "net/tls.h"
#include "proto/jwt/jwt.h"

namespace zvonok::load {

struct Target {
  SocketAddress server;                       // of signalling
  std::string host;                           // as in the Host header
  std::string name;                           // of it, without the port
  std::shared_ptr<const net::TlsClient> tls;  // null: plain
  /// Of HS256, to make a token for everybody; or tokens, which participants take in turn.
  Private<std::string> secret;
  std::vector<std::string> tokens;
  int pid = 0;  // 0: nothing is told of the server's process
};

/// Gives everybody a token.
class TokenMaker {
 public:
  /// The error is one line: the secret is none. `target` outlives it.
  [[nodiscard]] static Result<TokenMaker, std::string> create(const Target& target);
  /// `place` counts participants from 0 on.
  [[nodiscard]] std::string token(const std::string& user, std::size_t place, WallTime now) const;

 private:
  TokenMaker(const Target& target, std::optional<jwt::Key> key) : target_{&target}, key_{std::move(key)} {}

  const Target* target_;
  std::optional<jwt::Key> key_;
};

}  // namespace zvonok::load
