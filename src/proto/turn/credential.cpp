#include "proto/turn/credential.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/check.h"

namespace zvonok::turn {

Credential make_credential(std::string_view secret, std::string_view user, std::int64_t expires_at) {
  Credential out;
  out.username = std::to_string(expires_at) + ":" + std::string{user};
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  const Bytes text = as_bytes(out.username);
  const bool made = HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), text.data(), text.size(),
                         mac.data(), &size) != nullptr;
  ZVONOK_CHECK(made);
  out.password = base64_encode(Bytes{mac}.first(size));
  return out;
}

}  // namespace zvonok::turn
