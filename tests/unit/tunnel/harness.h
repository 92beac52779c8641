// A tunnel between an edge and a media plane made of vectors, in virtual time, and clients that speak VLESS to it.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_io.h"
#include "base/check.h"
#include "proto/vless/mux.h"
#include "proto/vless/request.h"
#include "support/seeded_entropy.h"
#include "tunnel/tunnel.h"

namespace zvonok::test {

using Buffer = std::vector<std::uint8_t>;

inline Buffer bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}
inline void add(Buffer& to, Bytes bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// Keeps what was sent. A stream has room for any message while less than `room` is unread.
class FakeEdge final : public tunnel::StreamSink {
 public:
  struct Line {
    std::vector<Buffer> messages;
    std::size_t unread = 0;
    std::size_t room = SIZE_MAX;
    bool asked = false;  // it was told that there is no room
    tunnel::Reading reading = tunnel::Reading::On;
    std::optional<tunnel::Ending> closed;
  };
  MutableBytes append(tunnel::StreamId stream, std::size_t bytes) override {
    Line& line = lines[stream];
    ZVONOK_CHECK(bytes > 0 && !line.closed);
    ZVONOK_CHECK(!line.asked);  // a stream without room is not asked again
    if (line.unread >= line.room) {
      line.asked = true;
      return {};
    }
    line.unread += bytes;
    return line.messages.emplace_back(bytes);
  }
  void set_reading(tunnel::StreamId stream, tunnel::Reading reading) override {
    Line& line = lines[stream];
    ZVONOK_CHECK(!line.closed && line.reading != reading);
    line.reading = reading;
  }
  void close(tunnel::StreamId stream, tunnel::Ending ending) override {
    Line& line = lines[stream];
    ZVONOK_CHECK(!line.closed);
    line.closed = ending;
  }
  std::map<tunnel::StreamId, Line> lines;
};

/// Keeps what came, and may answer.
class FakeDoor final : public tunnel::MediaDoor {
 public:
  void on_datagram(const ice::Path& path, MutableBytes packet) override {
    packets.emplace_back(path, Buffer{packet.begin(), packet.end()});
    if (answer) answer(path, packet);
    std::ranges::fill(packet, std::uint8_t{0xEE});  // it is ours to change
  }
  void on_closed(const ice::Path& path) override { closed.push_back(path); }

  std::vector<std::pair<ice::Path, Buffer>> packets;
  std::vector<ice::Path> closed;
  std::function<void(const ice::Path&, Bytes)> answer;
};

inline const SocketAddress kPeerOfAlice = *SocketAddress::parse("198.18.0.2:40000");
inline const SocketAddress kPeerOfBob = *SocketAddress::parse("198.18.0.3:40001");
inline const SocketAddress kSfu = *SocketAddress::parse("198.18.0.1:10000");

inline vless::UserKey key_of(std::uint8_t number) {
  vless::UserKey key;
  key.bytes.fill(number);
  return key;
}
inline const vless::UserKey kAlice = key_of(0xA1);
inline const vless::UserKey kBob = key_of(0xB0);

/// Options without limits on bandwidth, for tests of something else.
inline tunnel::Options generous() {
  tunnel::Options options;
  for (TokenBucketOptions* const bucket : {&options.up, &options.down, &options.raw}) {
    *bucket = {.burst = 1e12, .per_second = 1e12};
  }
  return options;
}

inline tunnel::NewCall call_of(const std::string& id, const vless::UserKey& alice, const vless::UserKey& bob) {
  return {.id = CallId{id},
          .users = {{{.key = alice, .peer = kPeerOfAlice}, {.key = bob, .peer = kPeerOfBob}}},
          .sfu = kSfu};
}

struct World {
  explicit World(const tunnel::Options& options = generous(), std::uint64_t seed = 1)
      : entropy{seed}, tunnel{{.sink = edge, .door = door, .entropy = entropy}, options} {}

  /// A call of Alice and Bob.
  void add_call() { ZVONOK_CHECK(tunnel.add_call(call_of("call", kAlice, kBob), now).has_value()); }
  /// Lets time pass, with every timer at its moment.
  void pass(Duration time) {
    const TimePoint until = now + time;
    while (tunnel.next_timeout() <= until) {
      now = std::max(now, tunnel.next_timeout());
      tunnel.handle_timeout(now);
    }
    now = until;
  }
  [[nodiscard]] tunnel::StreamId open(std::string_view from = "192.0.2.1") {
    const tunnel::StreamId id{++streams};
    edge.lines[id];
    opened = tunnel.open(id, *IpAddress::parse(from), now);
    return id;
  }
  void send(tunnel::StreamId id, Bytes bytes) { tunnel.on_bytes(id, bytes, now); }
  [[nodiscard]] std::uint64_t dropped(tunnel::Drop reason) const { return tunnel.counters().of(reason); }
  [[nodiscard]] std::uint64_t refused(tunnel::Refusal reason) const { return tunnel.counters().of(reason); }
  [[nodiscard]] std::uint64_t ended(tunnel::StreamEnd reason) const { return tunnel.counters().of(reason); }

  TimePoint now{seconds{1000}};
  FakeEdge edge;
  FakeDoor door;
  SeededEntropy entropy;
  tunnel::Tunnel tunnel;
  std::uint64_t streams = 0;
  tunnel::Tunnel::Opened opened = tunnel::Tunnel::Opened::Yes;
};

inline Buffer request_bytes(const vless::UserKey& key, vless::Command command,
                            std::optional<SocketAddress> to = std::nullopt) {
  Buffer buffer(vless::kRequestBytesMax);
  ByteWriter writer{buffer};
  vless::write_request(writer, {.user = key, .command = command, .target = {to}});
  buffer.resize(writer.size());
  return buffer;
}

inline Buffer framed(Bytes datagram) {
  Buffer buffer;
  add(buffer, framing::frame_header(datagram.size()));
  add(buffer, datagram);
  return buffer;
}

inline Buffer mux_bytes(vless::mux::Head head, std::optional<Bytes> data = std::nullopt) {
  Buffer buffer(vless::mux::kWrittenBytesMax);
  ByteWriter writer{buffer};
  if (data) head.data_bytes = data->size();
  vless::mux::write_head(writer, head);
  buffer.resize(writer.size());
  if (data) add(buffer, *data);
  return buffer;
}

/// A stream of a client: what it gets, decoded.
class Client {
 public:
  /// A datagram or some bytes of a session; the session of streams without Mux is 0.
  struct Datagram {
    std::string from;
    std::string text;
    friend bool operator==(const Datagram&, const Datagram&) = default;
  };

  /// One that has said nothing yet.
  Client(World& world, vless::Command command, std::optional<SocketAddress> to = {})
      : world_{world}, command_{command}, target_{to}, id_{world.open()} {}
  Client(World& world, const vless::UserKey& key, vless::Command command, std::optional<SocketAddress> to = {})
      : world_{world}, command_{command}, target_{to}, id_{world.open()} {
    world_.send(id_, request_bytes(key, command, to));
  }

  [[nodiscard]] tunnel::StreamId id() const { return id_; }
  [[nodiscard]] FakeEdge::Line& line() { return world_.edge.lines[id_]; }
  [[nodiscard]] bool closed() { return line().closed.has_value(); }
  [[nodiscard]] bool paused() { return line().reading == tunnel::Reading::Off; }

  void bytes(std::string_view text) { world_.send(id_, as_bytes(text)); }
  void datagram(std::string_view text) { world_.send(id_, framed(as_bytes(text))); }
  void mux(const vless::mux::Head& head, std::optional<std::string_view> text = std::nullopt) {
    world_.send(id_, mux_bytes(head, text ? std::optional{as_bytes(*text)} : std::nullopt));
  }
  void open_session(std::uint16_t session, vless::mux::Network network, const SocketAddress& to,
                    std::optional<std::string_view> text = std::nullopt) {
    mux({.session = session, .status = vless::mux::Status::New, .network = network, .address = to}, text);
  }
  void keep(std::uint16_t session, std::string_view text, std::optional<SocketAddress> to = std::nullopt) {
    mux({.session = session, .address = to}, text);
  }
  void end_session(std::uint16_t session) { mux({.session = session, .status = vless::mux::Status::End}); }
  /// The connection breaks.
  void leave() { world_.tunnel.on_closed(id_, world_.now); }

  /// All bytes since the last call, after the server's header.
  [[nodiscard]] std::string take_bytes() {
    read();
    return std::exchange(stream_, {});
  }
  [[nodiscard]] std::vector<Datagram> take_datagrams() {
    decode();
    return std::exchange(datagrams_, {});
  }
  /// Of a TCP session of Mux.
  [[nodiscard]] std::string take_session(std::uint16_t session) {
    decode();
    return std::exchange(sessions_[session], {});
  }
  /// Sessions that the server ended since the last call; those by a fault are negative.
  [[nodiscard]] std::vector<int> take_ends() {
    decode();
    return std::exchange(ends_, {});
  }
  /// There is room on the stream again, for so many bytes.
  void drain(std::size_t room = SIZE_MAX) {
    line().unread = 0;
    line().room = room;
    line().asked = false;
    world_.tunnel.on_writable(id_, world_.now);
  }
  [[nodiscard]] bool answered() {
    read();
    return header_.size() == vless::kResponse.size();
  }

 private:
  void read() {
    for (const Buffer& message : std::exchange(line().messages, {})) {
      Bytes bytes{message};
      const std::size_t missing = std::min(vless::kResponse.size() - header_.size(), bytes.size());
      add(header_, bytes.first(missing));
      stream_ += as_text(bytes.subspan(missing));
    }
    if (line().room == SIZE_MAX) line().unread = 0;
    ZVONOK_CHECK(std::ranges::equal(header_, Bytes{vless::kResponse}.first(header_.size())));
  }
  void decode() {
    const std::string text = take_bytes();
    Bytes bytes = as_bytes(text);
    if (command_ != vless::Command::Mux) {
      for (auto got = deframer_.next(bytes); got && *got; got = deframer_.next(bytes)) {
        datagrams_.push_back({.from = target_->to_text(), .text = std::string{as_text(**got)}});
      }
      return;
    }
    for (;;) {
      const auto got = reader_.next(bytes);
      ZVONOK_CHECK(got.has_value());
      if (!*got) return;
      const vless::mux::Frame& frame = **got;
      switch (frame.status) {
        case vless::mux::Status::New:
        case vless::mux::Status::KeepAlive: ZVONOK_CHECK(false); break;
        case vless::mux::Status::End:
          ends_.push_back(frame.fault == vless::mux::Fault::Yes ? -frame.session : frame.session);
          break;
        case vless::mux::Status::Keep:
          ZVONOK_CHECK(frame.data.has_value());
          if (!frame.destination) {
            sessions_[frame.session] += as_text(*frame.data);
            break;
          }
          datagrams_.push_back(
              {.from = frame.destination->target.at->to_text(), .text = std::string{as_text(*frame.data)}});
          break;
      }
    }
  }

  World& world_;
  vless::Command command_;
  std::optional<SocketAddress> target_;
  tunnel::StreamId id_;
  Buffer header_;
  std::string stream_;
  framing::Deframer deframer_{{.frame_bytes_max = framing::kFrameBytesMax}};
  vless::mux::Reader reader_;
  std::vector<Datagram> datagrams_;
  std::map<std::uint16_t, std::string> sessions_;
  std::vector<int> ends_;
};

using Datagrams = std::vector<Client::Datagram>;

inline std::ostream& operator<<(std::ostream& out, const Client::Datagram& datagram) {
  return out << datagram.from << ": " << datagram.text.substr(0, 40);
}

}  // namespace zvonok::test
