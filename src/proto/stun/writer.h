// STUN messages written into a buffer of the caller, attribute after attribute (RFC 8489).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/address.h"
#include "base/byte_io.h"
#include "base/bytes.h"
#include "proto/stun/integrity.h"
#include "proto/stun/message.h"

namespace zvonok::stun {

/// Writes attributes in the order of the calls: MESSAGE-INTEGRITY behind all that it is to protect, FINGERPRINT last.
/// What does not fit makes finish() give 0.
class MessageWriter {
 public:
  struct Header {
    MessageClass message_class = MessageClass::Request;
    std::uint16_t method = kBinding;
    TransactionId transaction{};
    std::uint8_t padding = 0;  // the byte that fills values up to a multiple of four
  };
  MessageWriter(MutableBytes buffer, const Header& header);

  void username(std::string_view text) { attribute(Attribute::Username, as_bytes(text)); }
  void realm(std::string_view text) { attribute(Attribute::Realm, as_bytes(text)); }
  void nonce(std::string_view text) { attribute(Attribute::Nonce, as_bytes(text)); }
  void software(std::string_view text) { attribute(Attribute::Software, as_bytes(text)); }
  void priority(std::uint32_t value);
  void use_candidate() { attribute(Attribute::UseCandidate, {}); }
  void ice_controlled(std::uint64_t tie_breaker) { number(Attribute::IceControlled, tie_breaker); }
  void ice_controlling(std::uint64_t tie_breaker) { number(Attribute::IceControlling, tie_breaker); }
  void xor_mapped_address(const SocketAddress& address);
  void error(const ErrorCode& error);
  void unknown_attributes(std::span<const std::uint16_t> types);
  /// Of any type; what the calls above are made of.
  void attribute(Attribute type, Bytes value);
  void message_integrity(IntegrityKey& key);
  void fingerprint();

  /// The size of the message, or 0 when the buffer was too small.
  [[nodiscard]] std::size_t finish();

 private:
  void open(Attribute type, std::size_t bytes);
  void pad();
  void number(Attribute type, std::uint64_t value);
  /// Sets the length in the header to what it will be when `more` bytes have been written.
  void announce(std::size_t more);

  ByteWriter out_;
  TransactionId transaction_;
  std::uint8_t padding_;
};

}  // namespace zvonok::stun
