// Where the media plane puts the datagrams it makes. The edge owns the buffers, so a packet is sealed where it will be
// sent from.
#pragma once
#include <cstddef>

#include "base/bytes.h"
#include "proto/ice/path.h"

namespace zvonok::media {

class PacketSink {
 public:
  virtual ~PacketSink() = default;
  /// Room for one datagram on that path, at least kDatagramRoom bytes, good until the next call of any of these. It may
  /// be left unused.
  [[nodiscard]] virtual MutableBytes claim(const ice::Path& path) = 0;
  /// Sends the first `size` bytes of what was claimed last, on the same path.
  virtual void commit(const ice::Path& path, std::size_t size) = 0;

  /// The next packets are for somebody else: what was committed may leave now. Nothing is claimed and uncommitted.
  /// Without it all leaves when the turn ends.
  virtual void between_receivers() {}

  /// Nobody has use for that path any more: a connection may be closed. What was committed may still leave.
  virtual void release(const ice::Path& path) { static_cast<void>(path); }

  static constexpr std::size_t kDatagramRoom = 1700;
};

}  // namespace zvonok::media
