// STUN messages (RFC 8489) read into a value. Only what ICE checks (RFC 8445), address discovery and the long-term
// mechanism use is understood; every other attribute is skipped, or listed when it may not be ignored.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"

namespace zvonok::stun {

inline constexpr std::size_t kHeaderBytes = 20;
inline constexpr std::uint32_t kMagicCookie = 0x2112A442;
inline constexpr std::uint16_t kBinding = 0x001;  // method
inline constexpr std::size_t kUsernameBytesMax = 508;
inline constexpr std::size_t kTextBytesMax = 763;  // REALM, NONCE, SOFTWARE and reason phrases
inline constexpr std::size_t kIntegrityBytes = 20;

enum class MessageClass : std::uint8_t { Request, Indication, Success, Error };

using TransactionId = std::array<std::uint8_t, 12>;

/// RFC 8489 section 18.3, RFC 8445 section 20.1. Below 0x8000 a receiver must understand it or refuse the request.
enum class Attribute : std::uint16_t {
  MappedAddress = 0x0001,
  Username = 0x0006,
  MessageIntegrity = 0x0008,
  ErrorCode = 0x0009,
  UnknownAttributes = 0x000A,
  Realm = 0x0014,
  Nonce = 0x0015,
  XorMappedAddress = 0x0020,
  Priority = 0x0024,
  UseCandidate = 0x0025,
  Software = 0x8022,
  Fingerprint = 0x8028,
  IceControlled = 0x8029,
  IceControlling = 0x802A,
};

/// Attribute types; those past the eighth are not kept, `add` ignores them.
class AttributeTypes {
 public:
  static constexpr std::size_t kMax = 8;
  void add(std::uint16_t type) {
    if (count_ < kMax) types_[count_++] = type;
  }
  [[nodiscard]] std::span<const std::uint16_t> types() const { return std::span{types_}.first(count_); }
  [[nodiscard]] bool empty() const { return count_ == 0; }

 private:
  std::array<std::uint16_t, kMax> types_{};
  std::size_t count_ = 0;
};

struct ErrorCode {
  std::uint16_t code = 0;  // 300 to 699
  std::string_view reason;
};

/// Views are into the bytes that were parsed and live as long as those. Nothing in here is to be believed before
/// the integrity is checked. Attributes behind MESSAGE-INTEGRITY are not protected by it and so are not in here.
struct Message {
  Bytes wire;
  MessageClass message_class = MessageClass::Request;
  std::uint16_t method = 0;  // below 0x100: RFC 7983 leaves the first byte 0 to 3
  TransactionId transaction{};

  std::optional<std::string_view> username;
  std::optional<std::string_view> realm;
  std::optional<std::string_view> nonce;
  std::optional<std::string_view> software;
  /// XOR-MAPPED-ADDRESS, or the MAPPED-ADDRESS of an old server that sends no other.
  std::optional<SocketAddress> mapped_address;
  std::optional<std::uint32_t> priority;
  std::optional<std::uint64_t> ice_controlled;
  std::optional<std::uint64_t> ice_controlling;
  bool use_candidate = false;
  std::optional<ErrorCode> error;
  /// What an error response 420 did not understand.
  AttributeTypes unknown_attributes;
  /// Attributes of this message that must be understood and are not.
  AttributeTypes not_understood;

  /// Where the attribute starts in `wire`.
  std::optional<std::size_t> integrity_at;
  std::optional<std::size_t> fingerprint_at;
};

enum class ParseError : std::uint8_t {
  TooShort,
  NotStun,           // first bits, magic cookie
  BadLength,         // of the message or of an attribute
  BadAttribute,      // of a known type, with a value it can't have
  AfterFingerprint,  // which must be the last
};

/// Whether these bytes claim to be STUN: the first byte as RFC 7983 divides them, a whole header, the magic cookie.
[[nodiscard]] bool looks_like_stun(Bytes bytes);

[[nodiscard]] Result<Message, ParseError> parse(Bytes wire);

}  // namespace zvonok::stun
