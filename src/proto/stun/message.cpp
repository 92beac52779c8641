#include "proto/stun/message.h"


#include "base/byte_io.h"

namespace zvonok::stun {
namespace {

constexpr std::uint8_t kFamilyV4 = 1;
constexpr std::uint8_t kFamilyV6 = 2;
constexpr std::uint16_t kFirstOptional = 0x8000;

MessageClass class_of(std::uint16_t type) {
  return static_cast<MessageClass>(((type >> 4) & 1) | ((type >> 7) & 2));
}
std::uint16_t method_of(std::uint16_t type) {
  return static_cast<std::uint16_t>((type & 0x000F) | ((type & 0x00E0) >> 1) | ((type & 0x3E00) >> 2));
}

/// RFC 8489 section 14.1.
std::optional<SocketAddress> parse_address(Bytes value) {
  ByteReader reader{value};
  reader.skip(1);
  const std::uint8_t family = reader.u8();
  SocketAddress address;
  address.port = reader.u16();
  const std::size_t bytes = family == kFamilyV4 ? 4 : family == kFamilyV6 ? 16 : 0;
  if (!reader.ok() || bytes == 0 || reader.left() != bytes) return std::nullopt;
  address.ip = *IpAddress::from_bytes(reader.rest());
  return address;
}

/// RFC 8489 section 14.2. The mask of an IPv6 address is the cookie and the transaction, which is what follows the
/// first four bytes of the message.
std::optional<SocketAddress> parse_xor_address(Bytes value, Bytes wire) {
  std::array<std::uint8_t, 20> plain{};
  if (value.size() > plain.size()) return std::nullopt;
  copy_bytes(value, plain);
  const Bytes mask = wire.subspan(4, 16);
  for (std::size_t i = 4; i < value.size(); ++i) plain[i] ^= mask[i - 4];
  if (value.size() >= 4) {
    plain[2] ^= mask[0];
    plain[3] ^= mask[1];
  }
  return parse_address(Bytes{plain}.first(value.size()));
}

/// RFC 8489 section 14.8.
std::optional<ErrorCode> parse_error_code(Bytes value) {
  ByteReader reader{value};
  reader.skip(2);
  const unsigned hundreds = reader.u8() & 7U;
  const unsigned rest = reader.u8();
  const bool valid = reader.ok() && hundreds >= 3 && hundreds <= 6 && rest <= 99 && reader.left() <= kTextBytesMax;
  if (!valid) return std::nullopt;
  return ErrorCode{static_cast<std::uint16_t>(hundreds * 100 + rest), as_text(reader.rest())};
}

class Parser {
 public:
  explicit Parser(Bytes wire) { message_.wire = wire; }

  Result<Message, ParseError> run() {
    ByteReader reader{message_.wire};
    if (message_.wire.size() < kHeaderBytes) return fail(ParseError::TooShort);
    if (!looks_like_stun(message_.wire)) return fail(ParseError::NotStun);
    const std::uint16_t type = reader.u16();
    message_.message_class = class_of(type);
    message_.method = method_of(type);
    const std::size_t length = reader.u16();
    reader.skip(4);
    copy_bytes(reader.take(message_.transaction.size()), message_.transaction);
    if (length != reader.left() || length % 4 != 0) return fail(ParseError::BadLength);
    while (!reader.empty()) {
      if (message_.fingerprint_at) return fail(ParseError::AfterFingerprint);
      const std::size_t at = message_.wire.size() - reader.left();
      const std::uint16_t attribute = reader.u16();
      const std::size_t bytes = reader.u16();
      const Bytes value = reader.take(bytes);
      reader.skip((4 - bytes % 4) % 4);
      if (!reader.ok()) return fail(ParseError::BadLength);
      if (!accept(attribute, value, at)) return fail(ParseError::BadAttribute);
    }
    return message_;
  }

 private:
  /// False when the value is not one that the attribute can have.
  bool accept(std::uint16_t type, Bytes value, std::size_t at) {
    const auto attribute = static_cast<Attribute>(type);
    if (attribute == Attribute::Fingerprint) {
      message_.fingerprint_at = at;
      return value.size() == 4;
    }
    if (message_.integrity_at) return true;  // not protected: ignored (RFC 8489 section 14.5)
    switch (attribute) {
      case Attribute::Username: return text(message_.username, value, kUsernameBytesMax);
      case Attribute::Realm: return text(message_.realm, value, kTextBytesMax);
      case Attribute::Nonce: return text(message_.nonce, value, kTextBytesMax);
      case Attribute::Software: return text(message_.software, value, kTextBytesMax);
      case Attribute::MessageIntegrity: message_.integrity_at = at; return value.size() == kIntegrityBytes;
      case Attribute::MappedAddress: return mapped_address(parse_address(value));
      case Attribute::XorMappedAddress: return xor_mapped_address(value);
      case Attribute::Priority: return number(message_.priority, value);
      case Attribute::IceControlled: return number(message_.ice_controlled, value);
      case Attribute::IceControlling: return number(message_.ice_controlling, value);
      case Attribute::UseCandidate: message_.use_candidate = true; return value.empty();
      case Attribute::ErrorCode:
        if (!message_.error) message_.error = parse_error_code(value);
        return message_.error.has_value();
      case Attribute::UnknownAttributes: return unknown_attributes(value);
      case Attribute::Fingerprint: break;
    }
    if (type < kFirstOptional) message_.not_understood.add(type);
    return true;
  }

  // Of an attribute that comes twice the first counts (RFC 8489 section 14).
  static bool text(std::optional<std::string_view>& field, Bytes value, std::size_t bytes_max) {
    if (!field) field = as_text(value);
    return value.size() <= bytes_max;
  }
  template <class Number>
  static bool number(std::optional<Number>& field, Bytes value) {
    ByteReader reader{value};
    if (!field) field = static_cast<Number>(sizeof(Number) == 8 ? reader.u64() : reader.u32());
    return value.size() == sizeof(Number);
  }
  bool mapped_address(const std::optional<SocketAddress>& address) {
    if (!message_.mapped_address) message_.mapped_address = address;
    return address.has_value();
  }
  bool xor_mapped_address(Bytes value) {
    const auto address = parse_xor_address(value, message_.wire);
    if (!xor_seen_) message_.mapped_address = address;
    xor_seen_ = true;
    return address.has_value();
  }
  bool unknown_attributes(Bytes value) {
    ByteReader reader{value};
    while (reader.left() >= 2) message_.unknown_attributes.add(reader.u16());
    return reader.empty();
  }

  Message message_;
  bool xor_seen_ = false;
};

}  // namespace

bool looks_like_stun(Bytes bytes) {
  constexpr std::uint8_t kFirstByteMax = 3;  // RFC 7983 section 7
  return bytes.size() >= kHeaderBytes && bytes[0] <= kFirstByteMax && load_be32(bytes.data() + 4) == kMagicCookie;
}

Result<Message, ParseError> parse(Bytes wire) {
  return Parser{wire}.run();
}

}  // namespace zvonok::stun
