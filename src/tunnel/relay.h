// What passes between the two sides of a call, and between them and the media plane.
//
// A datagram for the other side goes to the one of its channels that spoke last to its own `peer`; until it has any,
// the youngest are kept for a moment. TCP connections to the other side are joined in pairs, in order of opening. What
// is for the media plane goes to the door under a path of its own, and comes back by it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "tunnel/outlet.h"
#include "tunnel/stream.h"

namespace zvonok::tunnel {

/// What the client is told when a channel closes. Nothing: it knows, or the whole stream ends.
enum class Farewell : std::uint8_t { None, Finish, Fault };

class Relay {
 public:
  struct Parts {
    Outlet& outlet;
    MediaDoor& door;
    StreamHost& host;
    const Options& options;
    Counters& counters;
  };
  explicit Relay(const Parts& parts) : parts_{parts} {}

  /// Where an address leads for that user; nothing when nowhere. The only gate there is.
  [[nodiscard]] static std::optional<Destination> destination_of(const User& user, const SocketAddress& at);

  struct Opening {
    ChannelKind kind = ChannelKind::Datagrams;
    std::optional<std::uint16_t> session;
    std::optional<Destination> destination;
  };
  Channel& open(Stream& stream, const Opening& opening, TimePoint now);
  /// `reason` is why the stream ends, where it has no other channel.
  void close(Channel& channel, Farewell farewell, StreamEnd reason, TimePoint now);
  /// Of a stream that has ended.
  void close_all(Stream& stream, TimePoint now);

  // From a client.
  void on_datagram(Channel& channel, const Destination& to, Bytes datagram, TimePoint now);
  void on_bytes(Channel& channel, Bytes bytes, TimePoint now);

  // From the media plane.
  void send(const ice::Path& path, Bytes packet, TimePoint now);
  void release(const ice::Path& path, TimePoint now);

  /// Nothing of that stream is read before `until`.
  void hold(Stream& stream, TimePoint until, TimePoint now);
  /// Whether a stream may be read depends on where its bytes go.
  void update_reading(Stream& stream, TimePoint now);
  /// ... after something left the outbox of this one.
  void update_feeders(const Stream& stream, TimePoint now);

  /// Frees what was closed. Nobody may be in the middle of anything.
  void bury() { gone_.clear(); }

 private:
  void listen(Channel& channel, TimePoint now);
  void to_peer(User& to, Bytes datagram, TimePoint now);
  void to_media(Channel& channel, const SocketAddress& at, Bytes packet);
  [[nodiscard]] const ice::Path& path_of(Channel& channel, const SocketAddress& at);
  /// Writes one datagram to a client, as coming from `source`.
  void deliver(Channel& channel, const SocketAddress& source, Bytes datagram, TimePoint now);
  void join(Channel& channel, TimePoint now);
  void hold_back(Channel& channel, Bytes bytes, TimePoint now);
  void pass(Channel& to, Bytes bytes, TimePoint now);
  void take_packets(Channel& channel, Bytes bytes, TimePoint now);
  void say_farewell(Channel& channel, Farewell farewell, StreamEnd reason, TimePoint now);
  void forget_paths(Channel& channel);
  void note_up(User& user, std::size_t bytes, std::size_t packets);
  void note_down(User& user, std::size_t bytes, std::size_t packets);

  Parts parts_;
  std::unordered_map<std::uint64_t, Channel*> paths_;  // by the path's `connection`
  std::uint64_t next_connection_ = 1;
  std::vector<std::unique_ptr<Channel>> gone_;
};

}  // namespace zvonok::tunnel
