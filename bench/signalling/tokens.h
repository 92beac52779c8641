// Users of the benchmark and their tokens.
#pragma once
#include <string>
#include <string_view>

#include "proto/jwt/key.h"

namespace zvonok::bench {

/// Both servers get it as JWT_SECRET.
constexpr std::string_view kSecret = "only-for-the-benchmark-0123456789abcdef";

class Tokens {
 public:
  Tokens();
  /// A token as a messenger would make it: sub, iat, exp in an hour.
  [[nodiscard]] std::string make(std::string_view user) const;

 private:
  jwt::Key key_;
};

}  // namespace zvonok::bench
