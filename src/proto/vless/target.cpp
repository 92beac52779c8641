#include "proto/vless/target.h"

namespace zvonok::vless {

std::optional<Target> read_target(ByteReader& reader) {
  const std::uint16_t port = reader.u16();
  switch (reader.u8()) {
    case static_cast<std::uint8_t>(AddressKind::V4): return Target{SocketAddress{IpAddress::v4(reader.u32()), port}};
    case static_cast<std::uint8_t>(AddressKind::V6): {
      const std::uint64_t high = reader.u64();
      return Target{SocketAddress{IpAddress::v6(high, reader.u64()), port}};
    }
    case static_cast<std::uint8_t>(AddressKind::Name): reader.skip(reader.u8()); return Target{};
    default: return std::nullopt;
  }
}

void write_target(ByteWriter& writer, const SocketAddress& at) {
  writer.u16(at.port);
  if (at.ip.is_v4()) {
    writer.u8(static_cast<std::uint8_t>(AddressKind::V4));
    writer.u32(at.ip.v4_value());
    return;
  }
  writer.u8(static_cast<std::uint8_t>(AddressKind::V6));
  writer.u64(at.ip.high());
  writer.u64(at.ip.low());
}

}  // namespace zvonok::vless
