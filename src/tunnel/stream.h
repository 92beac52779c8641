// The inner objects of a tunnel, and who points at whom. A call has two users, a user has streams, a stream has
// channels: one, or with Mux one for each session. All of them belong to the tunnel's thread; what has ended (`gone`)
// stays in memory until the outermost call into the tunnel returns.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/id.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "proto/framing/framing.h"
#include "proto/ice/path.h"
#include "proto/vless/mux.h"
#include "proto/vless/request.h"
#include "tunnel/counters.h"
#include "tunnel/options.h"
#include "tunnel/outbox.h"
#include "tunnel/sink.h"
#include "tunnel/waiting_room.h"

namespace zvonok::tunnel {

struct Call;
struct Channel;
struct Stream;

/// The two places that a user may send to.
enum class Route : std::uint8_t { Peer, Media };

/// One of them, and under which address.
struct Destination {
  Route route = Route::Peer;
  SocketAddress at;
};

/// The virtual addresses of the media plane: one port, or several in a row.
struct MediaPlace {
  std::optional<SocketAddress> first;
  std::uint16_t ports = 1;
  [[nodiscard]] bool holds(const SocketAddress& at) const {
    return first && at.ip == first->ip && at.port >= first->port && at.port - first->port < ports;
  }
};

struct User {
  User(Call& its_call, std::size_t its_index, const Options& options, TimePoint now)
      : call{its_call},
        index{its_index},
        up{options.up, now},
        down{options.down, now},
        raw{options.raw, now},
        early{{.datagram_bytes_max = options.early_bytes_max, .datagram_age_max = options.early_age_max}} {}

  Call& call;
  std::size_t index;  // 0 or 1
  vless::UserKey key;
  SocketAddress peer;     // where it finds the other
  User* other = nullptr;  // never null after construction of the call
  bool used = false;      // a stream has shown its key

  TokenBucket up;
  TokenBucket down;
  TokenBucket raw;
  Usage usage;

  std::vector<Stream*> streams;
  std::size_t sessions = 0;  // of Mux, on all of them
  /// Channels of datagrams that have spoken to `peer`, in order of when they last did.
  std::vector<Channel*> listeners;
  /// TCP connections to `peer` that wait for one of the other side, in order of opening.
  std::deque<Channel*> waiting;
  /// Datagrams for it, while it has no listeners.
  Outbox early;
};

struct Call {
  Call(CallId its_id, const MediaPlace& its_media, const Options& options, TimePoint now)
      : id{std::move(its_id)}, media{its_media}, users{User{*this, 0, options, now}, User{*this, 1, options, now}} {
    users[0].other = &users[1];
    users[1].other = &users[0];
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  CallId id;
  std::uint64_t serial = 0;  // never used twice, unlike the id
  bool ended = false;        // its streams are being cut
  MediaPlace media;
  std::array<User, 2> users;
};

enum class ChannelKind : std::uint8_t {
  Datagrams,   // to the peer, to the media plane or, by XUDP, to both
  PeerBytes,   // half of a TCP connection with the other side
  MediaBytes,  // ICE-TCP: packets behind their lengths
};

/// One conversation of a client with an address.
struct Channel {
  Channel(Stream& its_stream, User& its_user, ChannelKind its_kind)
      : stream{its_stream}, user{its_user}, kind{its_kind} {}

  Stream& stream;
  User& user;
  ChannelKind kind;
  bool gone = false;
  std::optional<std::uint16_t> session;  // of Mux
  /// Where datagrams without an address of their own go; nothing when that was refused.
  std::optional<Destination> destination;
  bool useful = false;  // of datagrams: one was for an address that is allowed

  Channel* partner = nullptr;         // of PeerBytes, when joined
  std::vector<std::uint8_t> pending;  // of PeerBytes: what came before it was

  framing::Deframer deframer{{.frame_bytes_max = kMediaDatagramBytesMax}};  // of MediaBytes
  /// As the media plane knows it: one for each of its ports that a datagram went to.
  std::vector<ice::Path> paths;
};

struct Stream {
  Stream(StreamId its_id, const IpAddress& its_remote, const Options& options)
      : id{its_id},
        remote{its_remote},
        outbox{
            {.datagram_bytes_max = options.queued_datagram_bytes_max, .datagram_age_max = options.datagram_age_max}} {}

  StreamId id;
  IpAddress remote;  // the real one: for limits only
  bool gone = false;

  // Until it is somebody's.
  WaitingRoom::Place place = 0;
  std::unique_ptr<vless::RequestReader> request = std::make_unique<vless::RequestReader>();
  std::optional<Refusal> refusal;
  std::size_t waiting_bytes = 0;
  TimePoint deadline;

  // From then on.
  User* user = nullptr;
  vless::Command command = vless::Command::Tcp;
  framing::Deframer datagrams{{.frame_bytes_max = framing::kFrameBytesMax}};  // of Udp
  vless::mux::Reader frames;                                                  // of Mux
  std::vector<std::unique_ptr<Channel>> channels;
  Outbox outbox;
  bool blocked = false;                // the sink had no room, and will tell when it has
  bool paused = false;                 // nothing is read
  std::optional<StreamEnd> finishing;  // to be closed when the outbox is empty
  TimePoint last_active;
  TimePoint resume_at;                 // until then its user has used up its share
  TimePoint armed = TimePoint::max();  // when its timer goes off
};

/// What channels ask of whoever owns the streams.
class StreamHost {
 public:
  virtual ~StreamHost() = default;
  virtual void end(Stream& stream, StreamEnd reason, Ending ending, TimePoint now) = 0;
  /// Its timer is to go off then, or earlier.
  virtual void wake(Stream& stream, TimePoint at) = 0;
};

}  // namespace zvonok::tunnel
