// The embedded tunnel of calls: a VLESS server that reaches nothing but its calls. Clients come by WebSockets, which
// the edge holds; their streams begin with a key that belongs to one user of one call; and they lead to two virtual
// addresses only: that of the other side (`peer`), and that of the media plane (`sfu`). Nothing is ever dialled.
// Sans-IO: bytes, calls and time go in; bytes go to the sink, media to the door. docs/protocol/tunnel_wire.md says what
// is on the wire.
//
// What the edge does for each WebSocket at the tunnel's path:
//   - after the handshake: `open`; when that says no, close the WebSocket. Then `on_bytes` with early data, if any;
//   - `on_bytes` with each binary message, in order, at most Options::queued_bytes_max - pause_bytes long; how the
//   stream is
//     cut into messages means nothing. While reading is off, the next message waits;
//   - `on_writable` when a stream that `append` had no room on has room again;
//   - `on_closed` when it ends, unless the tunnel closed it;
//   - `handle_timeout` when `next_timeout` has come.
//
// Threads: one. Calls into the tunnel from StreamSink's methods are not allowed; from MediaDoor's they are.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/entropy.h"
#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "tunnel/counters.h"
#include "tunnel/directory.h"
#include "tunnel/options.h"
#include "tunnel/outlet.h"
#include "tunnel/relay.h"
#include "tunnel/sink.h"
#include "tunnel/stream.h"
#include "tunnel/waiting_room.h"

namespace zvonok::tunnel {

/// What happened to a user of a call.
struct UserEvent {
  enum class Kind : std::uint8_t {
    Connected,     // its first stream was admitted
    Disconnected,  // its last stream ended; it may come back
    Expired,       // it never came, and its key is good no more
  };
  CallId call;
  std::size_t user = 0;  // its place in NewCall::users
  Kind kind = Kind::Connected;
  friend bool operator==(const UserEvent&, const UserEvent&) = default;
};

class Tunnel final : private StreamHost {
 public:
  struct Parts {
    StreamSink& sink;
    MediaDoor& door;
    Entropy& entropy;
  };
  Tunnel(const Parts& parts, const Options& options);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  ~Tunnel() override = default;

  // ---- calls
  [[nodiscard]] Result<void, AddError> add_call(const NewCall& call, TimePoint now);
  using CallUsage = std::array<Usage, 2>;
  /// Cuts all of its streams with this call and forgets its keys. What was used; nothing when there is no such call.
  std::optional<CallUsage> remove_call(const CallId& id, TimePoint now);
  [[nodiscard]] std::optional<CallUsage> usage(const CallId& id) const;

  // ---- streams. Unknown ones are ignored: the tunnel may have closed them a moment ago.
  enum class Opened : std::uint8_t { Yes, TooMany };
  /// `remote` is the real address, for limits only; nobody is told.
  [[nodiscard]] Opened open(StreamId id, const IpAddress& remote, TimePoint now);
  void on_bytes(StreamId id, Bytes bytes, TimePoint now);
  void on_writable(StreamId id, TimePoint now);
  void on_closed(StreamId id, TimePoint now);

  // ---- the media plane
  /// A packet for whoever is behind that path. Dropped when nobody is any more.
  void send(const ice::Path& path, Bytes packet, TimePoint now);
  /// The media plane has no use for that path any more; a TCP connection is closed.
  void release(const ice::Path& path, TimePoint now);

  // ---- time
  [[nodiscard]] TimePoint next_timeout() const;
  void handle_timeout(TimePoint now);

  [[nodiscard]] std::vector<UserEvent> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::size_t stream_count() const { return streams_.size(); }
  [[nodiscard]] std::size_t waiting_count() const { return waiting_.size(); }
  [[nodiscard]] std::size_t call_count() const { return directory_.size(); }

 private:
  /// Of one call into the tunnel: when the outermost returns, what ended meanwhile is freed.
  class Turn;

  void end(Stream& stream, StreamEnd reason, Ending ending, TimePoint now) override;
  void wake(Stream& stream, TimePoint at) override;

  [[nodiscard]] Stream* find(StreamId id) const;
  /// The sink is not told.
  void drop(Stream& stream, StreamEnd reason, TimePoint now);

  // Until a stream is somebody's.
  void read_request(Stream& stream, Bytes& bytes, TimePoint now);
  void consider(Stream& stream, const vless::Request& request, TimePoint now);
  void admit(Stream& stream, User& user, const vless::Request& request, const std::optional<Destination>& to,
             TimePoint now);
  void make_place(User& user, TimePoint now);

  // From then on.
  void read(Stream& stream, Bytes bytes, TimePoint now);
  void read_datagrams(Stream& stream, Bytes bytes, TimePoint now);
  void read_frames(Stream& stream, Bytes bytes, TimePoint now);
  void on_frame(Stream& stream, const vless::mux::Frame& frame, TimePoint now);
  void on_new(Stream& stream, const vless::mux::Frame& frame, TimePoint now);
  void on_keep(Stream& stream, const vless::mux::Frame& frame, TimePoint now);
  [[nodiscard]] bool make_session_place(User& user, TimePoint now);
  void session_datagram(Channel& channel, const vless::mux::Frame& frame, TimePoint now);
  void refuse_session(Stream& stream, std::uint16_t session, Drop reason, TimePoint now);

  void on_timer(Stream& stream, TimePoint now);
  void expire_users(TimePoint now);
  void tell(const User& user, UserEvent::Kind kind);

  const Options options_;
  StreamSink& sink_;
  Entropy& entropy_;
  Counters counters_;
  Outlet outlet_;
  Relay relay_;
  Directory directory_;
  WaitingRoom waiting_;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  std::set<std::pair<TimePoint, StreamId>> timers_;
  std::vector<UserEvent> events_;

  int depth_ = 0;
  std::vector<std::unique_ptr<Stream>> gone_streams_;
  std::vector<std::unique_ptr<Call>> gone_calls_;
};

}  // namespace zvonok::tunnel
