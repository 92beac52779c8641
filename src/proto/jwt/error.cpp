#include "proto/jwt/error.h"

#include <cstdlib>

namespace zvonok::jwt {

std::string_view to_text(JwtError error) {
  switch (error) {
    case JwtError::TooLong: return "too-long";
    case JwtError::Malformed: return "malformed";
    case JwtError::BadEncoding: return "bad-encoding";
    case JwtError::BadJson: return "bad-json";
    case JwtError::BadHeader: return "bad-header";
    case JwtError::UnsupportedAlgorithm: return "unsupported-algorithm";
    case JwtError::WrongType: return "wrong-type";
    case JwtError::CriticalHeader: return "critical-header";
    case JwtError::UnknownKey: return "unknown-key";
    case JwtError::BadSignature: return "bad-signature";
    case JwtError::BadClaim: return "bad-claim";
    case JwtError::NoUser: return "no-user";
    case JwtError::BadUser: return "bad-user";
    case JwtError::NoExpiry: return "no-expiry";
    case JwtError::Expired: return "expired";
    case JwtError::NotYetValid: return "not-yet-valid";
    case JwtError::IssuedInFuture: return "issued-in-future";
    case JwtError::WrongIssuer: return "wrong-issuer";
    case JwtError::WrongAudience: return "wrong-audience";
  }
  std::abort();
}

}  // namespace zvonok::jwt
