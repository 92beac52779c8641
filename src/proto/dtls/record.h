// Records of DTLS 1.2 and the fragments of handshake messages inside them, as values (RFC 6347 section 4).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_io.h"
#include "base/bytes.h"

namespace zvonok::dtls {

constexpr std::size_t kRecordHeaderBytes = 13;
constexpr std::size_t kHandshakeHeaderBytes = 12;
/// 2^14 and what a cipher may add (RFC 5246 section 6.2.3).
constexpr std::size_t kRecordBodyBytesMax = 16'384 + 2'048;

constexpr std::uint16_t kVersionDtls10 = 0xfeff;  // hellos may still carry it
constexpr std::uint16_t kVersionDtls12 = 0xfefd;

// Types of records (RFC 5246 section 6.2.1).
constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;

// Types of handshake messages (RFC 5246 section 7.4, RFC 6347 section 4.3.2).
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kServerHello = 2;
constexpr std::uint8_t kHelloVerifyRequest = 3;
constexpr std::uint8_t kCertificate = 11;
constexpr std::uint8_t kServerKeyExchange = 12;
constexpr std::uint8_t kCertificateRequest = 13;
constexpr std::uint8_t kServerHelloDone = 14;
constexpr std::uint8_t kCertificateVerify = 15;
constexpr std::uint8_t kClientKeyExchange = 16;

struct Record {
  std::uint8_t type = 0;
  std::uint16_t version = 0;
  std::uint16_t epoch = 0;
  Bytes body;
  Bytes wire;  // header and body
};

/// The next record of a datagram; nothing when what is left is not a whole record. Views into the datagram.
[[nodiscard]] inline std::optional<Record> read_record(ByteReader& reader) {
  const Bytes from = reader.rest();
  Record record;
  record.type = reader.u8();
  record.version = reader.u16();
  record.epoch = reader.u16();
  reader.skip(6);  // the sequence number
  record.body = reader.take(reader.u16());
  if (!reader.ok() || record.body.size() > kRecordBodyBytesMax) return {};
  record.wire = from.first(kRecordHeaderBytes + record.body.size());
  return record;
}

/// The datagram begins with a ClientHello, or with a piece of one, that no keys protect.
[[nodiscard]] inline bool is_client_hello(Bytes datagram) {
  ByteReader reader{datagram};
  const auto record = read_record(reader);
  return record && record->type == kHandshake && record->epoch == 0 && !record->body.empty() &&
         record->body.front() == kClientHello;
}

struct HandshakeFragment {
  std::uint8_t type = 0;
  std::uint16_t sequence = 0;  // of the message
  std::size_t message_bytes = 0;
  std::size_t offset = 0;
  Bytes body;
};

/// The next fragment of a handshake record; nothing when it is cut off or reaches beyond its message.
[[nodiscard]] inline std::optional<HandshakeFragment> read_fragment(ByteReader& reader) {
  HandshakeFragment fragment;
  fragment.type = reader.u8();
  fragment.message_bytes = reader.u24();
  fragment.sequence = reader.u16();
  fragment.offset = reader.u24();
  fragment.body = reader.take(reader.u24());
  const std::size_t end = fragment.offset + fragment.body.size();
  const bool hollow = fragment.body.empty() && fragment.message_bytes != 0;
  if (!reader.ok() || end > fragment.message_bytes || hollow) return {};
  return fragment;
}

/// Writes the 48-bit sequence number into the header of an encoded record.
inline void set_record_sequence(MutableBytes record, std::uint64_t sequence) {
  store_be16(record.data() + 5, static_cast<std::uint16_t>(sequence >> 32));
  store_be32(record.data() + 7, static_cast<std::uint32_t>(sequence));
}

}  // namespace zvonok::dtls
