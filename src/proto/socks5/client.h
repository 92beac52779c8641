// The client's end of SOCKS 5 (RFC 1928) without authentication, to addresses: opening a stream (CONNECT), a way for
// datagrams (UDP ASSOCIATE), and the header of each datagram.
//
// Sans-IO. A local proxy says little, and late: v2ray grants a connection before it knows whether there is one.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"

namespace zvonok::socks5 {

enum class Command : std::uint8_t { Connect = 1, UdpAssociate = 3 };

/// What the proxy answers (section 6), and what is no answer.
enum class Error : std::uint8_t {
  NotSocks5,
  WantsAuthentication,
  Refused,       // section 6, any code but 0
  NamedAddress,  // of the relay: nothing here resolves names
};
[[nodiscard]] std::string_view to_text(Error error);

/// The opening of one connection to the proxy. Send `greeting()`; feed what comes until there is an answer, and send
/// `request()` when `wants_request` says so.
class Opening {
 public:
  Opening(Command command, const SocketAddress& target) : command_{command}, target_{target} {}

  [[nodiscard]] static std::string greeting() { return {"\x05\x01\x00", 3}; }
  [[nodiscard]] std::string request() const;

  /// Takes what it needs off the front of `chunk`; what is left belongs to the stream. The answer is the address that
  /// the proxy bound: where datagrams go.
  [[nodiscard]] Result<std::optional<SocketAddress>, Error> feed(Bytes& chunk);
  /// True once: the proxy has greeted back.
  [[nodiscard]] bool wants_request();

 private:
  enum class State : std::uint8_t { Greeting, Requesting, Done };
  [[nodiscard]] bool gather(Bytes& chunk, std::size_t size);

  Command command_;
  SocketAddress target_;
  State state_ = State::Greeting;
  bool wants_request_ = false;
  std::vector<std::uint8_t> answer_;  // at most 22 bytes
};

/// Section 7: RSV, FRAG, the address.
inline constexpr std::size_t kDatagramHeaderBytesMax = 22;
/// The size of what was written, 0 when the buffer is too small.
[[nodiscard]] std::size_t write_datagram(MutableBytes buffer, const SocketAddress& to, Bytes payload);

struct Datagram {
  SocketAddress from;
  Bytes payload;
};
/// Nothing for what is none: too short, a fragment, from a name.
[[nodiscard]] std::optional<Datagram> parse_datagram(Bytes wire);

}  // namespace zvonok::socks5
