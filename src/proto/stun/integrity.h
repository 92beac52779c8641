// What shows that a STUN message is whole and from whom it claims: FINGERPRINT (RFC 8489 section 14.7) and
// MESSAGE-INTEGRITY (section 14.5, HMAC-SHA1).
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "proto/stun/message.h"

struct evp_mac_ctx_st;

namespace zvonok::stun {

using Integrity = std::array<std::uint8_t, kIntegrityBytes>;

/// The key of one credential, with its HMAC prepared. Make it once and keep it. One thread at a time.
class IntegrityKey {
 public:
  /// Short-term: `password` as it stands in the session description, which is ASCII.
  explicit IntegrityKey(std::string_view password);
  struct LongTerm {
    std::string_view username;
    std::string_view realm;
    std::string_view password;
  };
  /// Long-term (RFC 8489 section 9.2.2, MD5). The texts are prepared (RFC 8265) by the caller.
  explicit IntegrityKey(const LongTerm& credential);

  /// Of the two one after the other.
  [[nodiscard]] Integrity sign(Bytes head, Bytes rest);

 private:
  struct FreeContext {
    void operator()(evp_mac_ctx_st* context) const;
  };
  void prepare(Bytes key);
  std::unique_ptr<evp_mac_ctx_st, FreeContext> context_;
};

/// False as well when there is no MESSAGE-INTEGRITY. Takes the same time wherever the bytes differ.
[[nodiscard]] bool has_integrity(const Message& message, IntegrityKey& key);
/// False as well when there is no FINGERPRINT.
[[nodiscard]] bool has_fingerprint(const Message& message);

/// CRC-32 (ISO 3309) of `bytes`.
[[nodiscard]] std::uint32_t crc32(Bytes bytes);
inline constexpr std::uint32_t kFingerprintMask = 0x5354554E;

}  // namespace zvonok::stun
