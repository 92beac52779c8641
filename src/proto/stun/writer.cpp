#include "proto/stun/writer.h"

#include "base/check.h"

namespace zvonok::stun {
namespace {

constexpr std::uint8_t kFamilyV4 = 1;
constexpr std::uint8_t kFamilyV6 = 2;

/// RFC 8489 section 5: the two bits of the class stand between those of the method.
std::uint16_t message_type(MessageClass message_class, std::uint16_t method) {
  const unsigned kind = static_cast<unsigned>(message_class);
  return static_cast<std::uint16_t>((method & 0x000FU) | ((method & 0x0070U) << 1) | ((method & 0x0F80U) << 2) |
                                    ((kind & 1U) << 4) | ((kind & 2U) << 7));
}

}  // namespace

MessageWriter::MessageWriter(MutableBytes buffer, const Header& header)
    : out_{buffer}, transaction_{header.transaction}, padding_{header.padding} {
  out_.u16(message_type(header.message_class, header.method));
  out_.u16(0);
  out_.u32(kMagicCookie);
  out_.append(transaction_);
}

void MessageWriter::open(Attribute type, std::size_t bytes) {
  ZVONOK_CHECK(bytes <= 0xFFFF);
  out_.u16(static_cast<std::uint16_t>(type));
  out_.u16(static_cast<std::uint16_t>(bytes));
}

void MessageWriter::pad() {
  out_.fill((4 - out_.size() % 4) % 4, padding_);
}

void MessageWriter::announce(std::size_t more) {
  if (!out_.ok()) return;
  const std::size_t length = out_.size() + more - kHeaderBytes;
  ZVONOK_CHECK(length <= 0xFFFF);
  store_be16(out_.written().data() + 2, static_cast<std::uint16_t>(length));
}

void MessageWriter::attribute(Attribute type, Bytes value) {
  open(type, value.size());
  out_.append(value);
  pad();
}

void MessageWriter::number(Attribute type, std::uint64_t value) {
  open(type, 8);
  out_.u64(value);
}

void MessageWriter::priority(std::uint32_t value) {
  open(Attribute::Priority, 4);
  out_.u32(value);
}

void MessageWriter::xor_mapped_address(const SocketAddress& address) {
  const bool v4 = address.ip.is_v4();
  open(Attribute::XorMappedAddress, v4 ? 8 : 20);
  out_.u8(0);
  out_.u8(v4 ? kFamilyV4 : kFamilyV6);
  out_.u16(static_cast<std::uint16_t>(address.port ^ (kMagicCookie >> 16)));
  if (v4) {
    out_.u32(address.ip.v4_value() ^ kMagicCookie);
    return;
  }
  out_.u64(address.ip.high() ^ ((std::uint64_t{kMagicCookie} << 32) | load_be32(transaction_.data())));
  out_.u64(address.ip.low() ^
           ((std::uint64_t{load_be32(transaction_.data() + 4)} << 32) | load_be32(transaction_.data() + 8)));
}

void MessageWriter::error(const ErrorCode& error) {
  open(Attribute::ErrorCode, 4 + error.reason.size());
  out_.u16(0);
  out_.u8(static_cast<std::uint8_t>(error.code / 100));
  out_.u8(static_cast<std::uint8_t>(error.code % 100));
  out_.append(as_bytes(error.reason));
  pad();
}

void MessageWriter::unknown_attributes(std::span<const std::uint16_t> types) {
  open(Attribute::UnknownAttributes, 2 * types.size());
  for (const std::uint16_t type : types) out_.u16(type);
  pad();
}

void MessageWriter::message_integrity(IntegrityKey& key) {
  announce(4 + kIntegrityBytes);
  if (!out_.ok()) return;
  const Bytes signed_part = out_.written();
  const Integrity integrity = key.sign(signed_part.first(4), signed_part.subspan(4));
  attribute(Attribute::MessageIntegrity, integrity);
}

void MessageWriter::fingerprint() {
  announce(4 + 4);
  const std::uint32_t crc = crc32(out_.written());
  open(Attribute::Fingerprint, 4);
  out_.u32(crc ^ kFingerprintMask);
}

std::size_t MessageWriter::finish() {
  announce(0);
  return out_.ok() ? out_.size() : 0;
}

}  // namespace zvonok::stun
