#include "signalling/tokens.h"

#include <ctime>

#include "proto/jwt/jwt.h"
#include "signalling/failure.h"

namespace zvonok::bench {
namespace {

constexpr std::time_t kLifetimeSeconds = 3600;

jwt::Key make_key() {
  auto key = jwt::Key::hs256(kSecret);
  if (!key) throw Failure{"the secret makes no key"};
  return std::move(*key);
}

}  // namespace

Tokens::Tokens() : key_{make_key()} {}

std::string Tokens::make(std::string_view user) const {
  const std::time_t now = std::time(nullptr);
  return jwt::sign_hs256("{\"sub\":\"" + std::string{user} + "\",\"iat\":" + std::to_string(now) +
                             ",\"exp\":" + std::to_string(now + kLifetimeSeconds) + "}",
                         key_);
}

}  // namespace zvonok::bench
