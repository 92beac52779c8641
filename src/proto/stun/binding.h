// The Binding transaction (RFC 8489 section 3): what a client asks (for its public address, or as an ICE check of
// RFC 8445 section 7.1) and what a server answers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "base/entropy.h"
#include "proto/stun/integrity.h"
#include "proto/stun/message.h"

namespace zvonok::stun {

/// Enough for every message of this header with a USERNAME of kUsernameBytesMax.
inline constexpr std::size_t kBindingBytesMax = 640;

[[nodiscard]] TransactionId make_transaction(Entropy& entropy);

enum class Nominate : std::uint8_t { No, Yes };

/// An empty one asks for the sender's public address. For an ICE check set all but one of the roles.
struct BindingRequest {
  TransactionId transaction{};
  std::string_view username = {};  // "<ufrag of the receiver>:<ufrag of the sender>"; left out when empty
  std::optional<std::uint32_t> priority = std::nullopt;
  std::optional<std::uint64_t> ice_controlling = std::nullopt;
  std::optional<std::uint64_t> ice_controlled = std::nullopt;
  Nominate nominate = Nominate::No;  // USE-CANDIDATE
};

// Each of these gives the size of the message, 0 when the buffer is too small. With no key there is no
// MESSAGE-INTEGRITY; FINGERPRINT is always there.

/// `key` of the receiver's password.
[[nodiscard]] std::size_t write_binding_request(MutableBytes buffer, const BindingRequest& request, IntegrityKey* key);
/// Tells the sender of `transaction` that it was seen at `mapped`.
struct BindingSuccess {
  TransactionId transaction{};
  SocketAddress mapped;
};
[[nodiscard]] std::size_t write_binding_success(MutableBytes buffer, const BindingSuccess& success, IntegrityKey* key);

struct BindingError {
  TransactionId transaction{};
  ErrorCode error;
  std::span<const std::uint16_t> unknown_attributes = {};  // of error 420
};
[[nodiscard]] std::size_t write_binding_error(MutableBytes buffer, const BindingError& error, IntegrityKey* key);

}  // namespace zvonok::stun
