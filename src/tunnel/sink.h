// What a tunnel asks of its surroundings: somebody who writes to WebSockets, and a media plane.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/id.h"
#include "proto/ice/path.h"

namespace zvonok::tunnel {

/// One WebSocket. The edge chooses it; it must not be used twice.
using StreamId = NumberId<struct StreamIdTag, std::uint64_t>;

enum class Reading : std::uint8_t { On, Off };
/// Finish: what was appended leaves first. Cut: now.
enum class Ending : std::uint8_t { Finish, Cut };

/// The WebSockets' other half. None of these may call the tunnel.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  /// Room for exactly `bytes` (1 or more) of one binary message on that stream, which is on its way with this call: the
  /// tunnel fills it before it calls anything else. Empty when enough waits on that stream already; the tunnel is then
  /// to be told by `on_writable`, and does not ask before. A stream that waits for nothing has room for any message.
  [[nodiscard]] virtual MutableBytes append(StreamId stream, std::size_t bytes) = 0;
  /// Whether to read from that stream. One message that was read already may still be given to the tunnel.
  virtual void set_reading(StreamId stream, Reading reading) = 0;
  /// The tunnel is done with that stream and has forgotten it.
  virtual void close(StreamId stream, Ending ending) = 0;
};

/// The media plane behind the SFU's virtual address. A path is named as ICE names one: `local` is that virtual address,
/// `remote` the virtual address of the user with a port that means nothing, `connection` a number that this tunnel
/// never uses twice (of UDP too). The real address of a user is in none of them.
class MediaDoor {
 public:
  virtual ~MediaDoor() = default;
  /// One datagram, which may be changed in place; good until the call returns. Answers may be given to Tunnel::send
  /// from within it.
  virtual void on_datagram(const ice::Path& path, MutableBytes packet) = 0;
  /// Nothing will come by that path any more. Of every path that a datagram came by, unless `Tunnel::release` named it.
  virtual void on_closed(const ice::Path& path) = 0;
};

}  // namespace zvonok::tunnel
