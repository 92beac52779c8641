// Frames of Mux.Cool, by which one VLESS stream carries many sessions, with what XUDP adds to it: a session of
// datagrams may name another target in each of them. A frame is the length of its head, the head, and, if the head says
// so, the length of its data and the data:
//
//   u16 head bytes (4 to 512) | u16 session | u8 status | u8 options | [u8 network | target] | [8 bytes global id]
//   [u16 data bytes | data]
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_io.h"
#include "base/bytes.h"
#include "base/result.h"
#include "proto/vless/target.h"

namespace zvonok::vless::mux {

/// New: only clients send it. KeepAlive: says nothing, and what data it has is padding.
enum class Status : std::uint8_t { New = 1, Keep = 2, End = 3, KeepAlive = 4 };
enum class Network : std::uint8_t { Tcp = 1, Udp = 2 };
enum class Fault : std::uint8_t { No, Yes };

/// What makes a client's session of datagrams the same one on another stream.
using GlobalId = std::array<std::uint8_t, 8>;

inline constexpr std::size_t kHeadBytesMin = 4;
inline constexpr std::size_t kHeadBytesMax = 512;
inline constexpr std::size_t kDataBytesMax = 65535;
inline constexpr std::size_t kFrameBytesMax = 2 + kHeadBytesMax + 2 + kDataBytesMax;
/// Of the frames that we write, without their data.
inline constexpr std::size_t kWrittenBytesMax = 2 + kHeadBytesMin + 1 + kAddressTargetBytesMax + 8 + 2;

struct Destination {
  Network network = Network::Udp;
  Target target;
  friend bool operator==(const Destination&, const Destination&) = default;
};

struct Frame {
  std::uint16_t session = 0;
  Status status = Status::Keep;
  Fault fault = Fault::No;                 // of End: the session broke
  std::optional<Destination> destination;  // always of New; of Keep when the datagram has its own
  std::optional<GlobalId> global_id;       // of New with datagrams, when there is one that is not all zeros
  std::optional<Bytes> data;               // good as long as the frame is
};

/// After any of them the stream is of no more use.
enum class Error : std::uint8_t { HeadLength, Status, Network, AddressKind, HeadTooShort };

/// Cuts a stream into frames. Keeps at most one frame.
class Reader {
 public:
  /// The next frame of the stream that `chunk` continues; what was used of `chunk` is taken off its front. Call it
  /// until it gives no frame; then `chunk` is empty. What it gives lives until the next call and as long as the bytes
  /// of `chunk`. After an error there is only that error.
  [[nodiscard]] Result<std::optional<Frame>, Error> next(Bytes& chunk);

  /// Bytes kept of a frame that is not whole yet.
  [[nodiscard]] std::size_t buffered_bytes() const { return given_ ? 0 : partial_.size(); }

 private:
  /// The bytes of one frame.
  [[nodiscard]] Result<std::optional<Bytes>, Error> gather(Bytes& chunk);

  std::vector<std::uint8_t> partial_;
  bool given_ = false;  // `partial_` is the frame given last
  std::optional<Error> failed_;
};

/// All of a frame but its data.
struct Head {
  std::uint16_t session = 0;
  Status status = Status::Keep;
  Fault fault = Fault::No;
  Network network = Network::Udp;              // goes with `address`
  std::optional<SocketAddress> address = {};   // of the source in what a server sends
  std::optional<GlobalId> global_id = {};      // goes with `address`
  std::optional<std::size_t> data_bytes = {};  // how many follow, at most kDataBytesMax; nothing: no data
};
/// At most kWrittenBytesMax bytes.
void write_head(ByteWriter& writer, const Head& head);

}  // namespace zvonok::vless::mux
