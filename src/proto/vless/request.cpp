#include "proto/vless/request.h"

#include <algorithm>

#include "base/check.h"

namespace zvonok::vless {
namespace {

constexpr std::uint8_t kVersion = 0;
constexpr std::size_t kAddonsAt = 1 + kUserKeyBytes;

// Protobuf's wire types, and the field of the addons that names a flow.
constexpr std::uint64_t kVarint = 0;
constexpr std::uint64_t kFixed64 = 1;
constexpr std::uint64_t kLengthDelimited = 2;
constexpr std::uint64_t kFixed32 = 5;
constexpr std::uint64_t kFlowField = 1;

/// How many bytes a request that begins with `have` needs for the next thing to be known; all of them are there when
/// that is not more than there are.
Result<std::size_t, RequestError> bytes_wanted(Bytes have) {
  if (have.empty()) return 1;
  if (have[0] != kVersion) return fail(RequestError::Version);
  if (have.size() <= kAddonsAt) return kAddonsAt + 1;
  const std::size_t command_at = kAddonsAt + 1 + have[kAddonsAt];
  if (have.size() <= command_at) return command_at + 1;
  switch (have[command_at]) {
    case static_cast<std::uint8_t>(Command::Tcp):
    case static_cast<std::uint8_t>(Command::Udp): break;
    case static_cast<std::uint8_t>(Command::Mux): return command_at + 1;
    default: return fail(RequestError::Command);
  }
  const std::size_t kind_at = command_at + 3;
  if (have.size() <= kind_at) return kind_at + 1;
  switch (have[kind_at]) {
    case static_cast<std::uint8_t>(AddressKind::V4): return kind_at + 1 + 4;
    case static_cast<std::uint8_t>(AddressKind::V6): return kind_at + 1 + 16;
    case static_cast<std::uint8_t>(AddressKind::Name):
      return have.size() <= kind_at + 1 ? kind_at + 2 : kind_at + 2 + have[kind_at + 1];
    default: return fail(RequestError::AddressKind);
  }
}

/// A protobuf number; the reader tells of one that is cut short.
std::uint64_t read_varint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = reader.u8();
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  reader.skip(reader.left() + 1);  // longer than any number
  return 0;
}

/// Whether addons (`message { string Flow = 1; bytes Seed = 2; }`) ask for nothing that we would have to do.
bool are_acceptable(Bytes addons) {
  ByteReader reader{addons};
  while (reader.ok() && !reader.empty()) {
    const std::uint64_t tag = read_varint(reader);
    std::uint64_t bytes = 0;
    switch (tag & 7) {
      case kVarint: static_cast<void>(read_varint(reader)); break;
      case kFixed64: bytes = 8; break;
      case kLengthDelimited: bytes = read_varint(reader); break;
      case kFixed32: bytes = 4; break;
      default: return false;
    }
    if (tag >> 3 == kFlowField && bytes != 0) return false;
    reader.skip(static_cast<std::size_t>(bytes));
  }
  return reader.ok();
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

std::optional<UserKey> parse_user_key(std::string_view uuid) {
  UserKey key;
  std::size_t at = 0;
  for (std::size_t i = 0; i < kUserKeyBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      if (at >= uuid.size() || uuid[at] != '-') return std::nullopt;
      ++at;
    }
    if (at + 2 > uuid.size()) return std::nullopt;
    const auto high = hex_digit(uuid[at]);
    const auto low = hex_digit(uuid[at + 1]);
    if (!high || !low) return std::nullopt;
    key.bytes[i] = static_cast<std::uint8_t>(*high * 16 + *low);
    at += 2;
  }
  if (at != uuid.size()) return std::nullopt;
  return key;
}

Result<std::optional<Request>, RequestError> RequestReader::next(Bytes& chunk) {
  for (;;) {
    const auto wanted = bytes_wanted(Bytes{bytes_}.first(size_));
    if (!wanted) return fail(wanted.error());
    if (*wanted <= size_) break;
    if (chunk.empty()) return std::optional<Request>{};
    const std::size_t taken = std::min(*wanted - size_, chunk.size());
    copy_bytes(chunk.first(taken), MutableBytes{bytes_}.subspan(size_));
    size_ += taken;
    chunk = chunk.subspan(taken);
  }
  ByteReader reader{Bytes{bytes_}.first(size_)};
  Request request;
  reader.skip(1);
  copy_bytes(reader.take(kUserKeyBytes), request.user.bytes);
  if (!are_acceptable(reader.take(reader.u8()))) return fail(RequestError::Addons);
  request.command = static_cast<Command>(reader.u8());
  if (request.command != Command::Mux) {
    const auto target = read_target(reader);
    ZVONOK_CHECK(target.has_value());
    request.target = *target;
  }
  ZVONOK_CHECK(reader.ok() && reader.empty());
  return std::optional{request};
}

void write_request(ByteWriter& writer, const Request& request) {
  writer.u8(kVersion);
  writer.append(request.user.bytes);
  writer.u8(0);
  writer.u8(static_cast<std::uint8_t>(request.command));
  if (request.command == Command::Mux) return;
  ZVONOK_CHECK(request.target.at.has_value());
  write_target(writer, *request.target.at);
}

}  // namespace zvonok::vless
