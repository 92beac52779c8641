#include "proto/socks5/client.h"

#include <algorithm>
#include <utility>

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::socks5 {
namespace {

constexpr std::uint8_t kVersion = 5;
constexpr std::uint8_t kIpv4 = 1;
constexpr std::uint8_t kName = 3;
constexpr std::uint8_t kIpv6 = 4;

void write_address(ByteWriter& out, const SocketAddress& address) {
  if (address.ip.is_v4()) {
    out.u8(kIpv4);
    out.u32(address.ip.v4_value());
  } else {
    out.u8(kIpv6);
    out.append(address.ip.v6_bytes());
  }
  out.u16(address.port);
}

/// Of the two kinds that are addresses; 0 for others.
std::size_t address_bytes(std::uint8_t kind) {
  return kind == kIpv4 ? 4 : kind == kIpv6 ? 16 : 0;
}

}  // namespace

std::string_view to_text(Error error) {
  switch (error) {
    case Error::NotSocks5: return "the proxy does not speak SOCKS 5";
    case Error::WantsAuthentication: return "the proxy wants a name and a password";
    case Error::Refused: return "the proxy refused";
    case Error::NamedAddress: return "the proxy named its relay instead of giving an address";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

std::string Opening::request() const {
  std::array<std::uint8_t, 22> bytes{};
  ByteWriter out{bytes};
  out.u8(kVersion);
  out.u8(static_cast<std::uint8_t>(command_));
  out.u8(0);
  write_address(out, target_);
  return std::string{as_text(out.written())};
}

bool Opening::gather(Bytes& chunk, std::size_t size) {
  const std::size_t take = std::min(chunk.size(), size - std::min(size, answer_.size()));
  answer_.insert(answer_.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(take));
  chunk = chunk.subspan(take);
  return answer_.size() >= size;
}

bool Opening::wants_request() {
  return std::exchange(wants_request_, false);
}

Result<std::optional<SocketAddress>, Error> Opening::feed(Bytes& chunk) {
  constexpr std::optional<SocketAddress> kNotYet;
  if (state_ == State::Greeting) {
    if (!gather(chunk, 2)) return kNotYet;
    if (answer_[0] != kVersion) return fail(Error::NotSocks5);
    if (answer_[1] != 0) return fail(Error::WantsAuthentication);
    answer_.clear();
    state_ = State::Requesting;
    wants_request_ = true;
  }
  if (state_ == State::Done || !gather(chunk, 4)) return kNotYet;
  if (answer_[0] != kVersion) return fail(Error::NotSocks5);
  if (answer_[1] != 0) return fail(Error::Refused);
  if (answer_[3] == kName) return fail(Error::NamedAddress);
  const std::size_t size = address_bytes(answer_[3]);
  if (size == 0) return fail(Error::NotSocks5);
  if (!gather(chunk, 4 + size + 2)) return kNotYet;
  state_ = State::Done;
  ByteReader reader{Bytes{answer_}.subspan(4)};
  const auto ip = IpAddress::from_bytes(reader.take(size));
  return SocketAddress{.ip = *ip, .port = reader.u16()};
}

std::size_t write_datagram(MutableBytes buffer, const SocketAddress& to, Bytes payload) {
  ByteWriter out{buffer};
  out.u16(0);
  out.u8(0);
  write_address(out, to);
  out.append(payload);
  return out.ok() ? out.size() : 0;
}

std::optional<Datagram> parse_datagram(Bytes wire) {
  ByteReader reader{wire};
  reader.skip(2);
  const std::uint8_t fragment = reader.u8();
  const std::size_t size = address_bytes(reader.u8());
  const Bytes address = reader.take(size);
  const std::uint16_t port = reader.u16();
  if (!reader.ok() || fragment != 0 || size == 0) return std::nullopt;
  return Datagram{.from = {.ip = *IpAddress::from_bytes(address), .port = port}, .payload = reader.rest()};
}

}  // namespace zvonok::socks5
