// The headers of a VLESS (version 0) stream: the request that a client begins with, and the server's answer. What
// follows them is a byte stream (Tcp), datagrams behind their lengths (Udp: the format of proto/framing), or frames of
// many sessions (Mux: proto/vless/mux.h). docs/protocol/tunnel_wire.md has the whole of it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_io.h"
#include "base/bytes.h"
#include "base/result.h"
#include "proto/vless/target.h"

namespace zvonok::vless {

inline constexpr std::size_t kUserKeyBytes = 16;

/// The sixteen bytes of the UUID that a client shows. A bearer secret: never to be logged, and it cannot be printed.
struct UserKey {
  std::array<std::uint8_t, kUserKeyBytes> bytes{};
  /// In a time that does not depend on the bytes.
  friend bool operator==(const UserKey& a, const UserKey& b) {
    std::uint8_t difference = 0;
    for (std::size_t i = 0; i < kUserKeyBytes; ++i) difference |= static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
    return difference == 0;
  }
};
/// From a UUID in its 36-character form, of either case.
[[nodiscard]] std::optional<UserKey> parse_user_key(std::string_view uuid);

enum class Command : std::uint8_t { Tcp = 1, Udp = 2, Mux = 3 };

struct Request {
  UserKey user;
  Command command = Command::Tcp;
  Target target;  // of Tcp and Udp; Mux has none
  friend bool operator==(const Request&, const Request&) = default;
};

/// Version, key, addons, command, target: each at its longest.
inline constexpr std::size_t kRequestBytesMax = 1 + kUserKeyBytes + 1 + 255 + 1 + kTargetBytesMax;

/// `Addons`: not a protobuf message, or it asks for a flow (XTLS), which WebSockets can't have. `Command`: unknown, or
/// the reverse proxy's (4).
enum class RequestError : std::uint8_t { Version, Addons, Command, AddressKind };

/// Reads one request from a stream, however it is cut.
class RequestReader {
 public:
  /// The request, when its last byte was in `chunk`; what was used is taken off the front of `chunk`. After a request
  /// or an error it must not be called again.
  [[nodiscard]] Result<std::optional<Request>, RequestError> next(Bytes& chunk);

 private:
  std::array<std::uint8_t, kRequestBytesMax> bytes_;
  std::size_t size_ = 0;
};

/// What the server sends first: the version, and that no addons follow.
inline constexpr std::array<std::uint8_t, 2> kResponse{0, 0};

/// As a client writes it, without addons. A target must be an address.
void write_request(ByteWriter& writer, const Request& request);

}  // namespace zvonok::vless
