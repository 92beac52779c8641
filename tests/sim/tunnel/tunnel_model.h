// Drives a Tunnel through choices made by a seed or a fuzzer, and holds it against a plain model of what it relays: two
// calls, streams of every kind opened rightly and wrongly, everything cut into pieces anywhere, readers that are slow,
// streams that break, calls that end. What each client and the media plane gets has to be exactly what the model says.
//
// No limit but those on waiting bytes is ever reached here, so that nothing is dropped: tests/unit/tunnel has the
// limits.
#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unit/tunnel/harness.h"

namespace zvonok::test {

/// `choose(n)` gives a number below n, n at most 256.
template <class Choose>
class TunnelModel {
 public:
  explicit TunnelModel(Choose& choose) : choose_{choose}, world_{options(), 1 + choose(200)} {
    for (std::size_t i = 0; i < kUsers; ++i) {
      users_[i].key = key_of(static_cast<std::uint8_t>(1 + i));
      users_[i].peer = i % 2 == 0 ? kPeerOfAlice : kPeerOfBob;
    }
    add_call(0);
    add_call(1);
  }

  /// One step. What it broke; nothing when nothing.
  std::string step() {
    switch (choose_(16)) {
      case 0:
      case 1: open(); break;
      case 2:
      case 3:
      case 4:
      case 5: speak(); break;
      case 6:
      case 7:
      case 8:
      case 9:
      case 10: deliver(); break;
      case 11: answer(); break;
      case 12:
        if (choose_(3) == 0) drain();
        break;
      case 13: world_.pass(milliseconds{static_cast<int>(choose_(256))}); break;
      case 14:
        if (choose_(4) == 0) break_or_release();
        break;
      case 15:
        if (choose_(20) == 0) end_call();
        break;
    }
    return problem();
  }

  /// Delivers and reads all that is left, and compares.
  std::string finish() {
    for (bool more = true; more && problem_.empty();) {
      more = false;
      for (auto& stream : streams_) {
        drain(*stream);
        while (!stream->left && !stream->unsent.empty() && !stream->client.paused()) {
          deliver(*stream, stream->unsent.size());
          more = true;
        }
      }
    }
    for (auto& stream : streams_) drain(*stream);
    world_.pass(seconds{8});
    for (auto& stream : streams_) {
      const auto says_too_much = [](const Channel* channel) {
        return !channel->session && channel->pending.size() > options().pause_bytes / 2;
      };
      if (!stream->left && !stream->closed && stream->client.paused() &&
          !std::ranges::any_of(stream->channels, says_too_much)) {
        problem_ = "a stream is stopped for nothing";
      }
      if (stream->user || stream->left) continue;
      if (!stream->client.closed()) problem_ = "a stream of nobody outlived its time";
      if (!stream->client.line().messages.empty()) problem_ = "a stream of nobody was answered";
    }
    std::size_t alive = 0;
    for (auto& stream : streams_) alive += stream->user && !stream->left && !stream->closed ? 1U : 0U;
    if (world_.tunnel.stream_count() != alive) problem_ = "another number of streams is left than there should be";
    return problem();
  }
  [[nodiscard]] const tunnel::Counters& counters() const { return world_.tunnel.counters(); }

 private:
  using Network = vless::mux::Network;
  using Status = vless::mux::Status;
  static constexpr std::size_t kUsers = 4;
  static constexpr std::ptrdiff_t kStreamsMax = 12;

  enum class Kind { Datagram, PeerBytes, MediaBytes };
  enum class Route { Peer, Media, Foreign };
  enum class Farewell { None, Finish, Fault };
  struct Stream;
  struct Channel {
    Stream* stream = nullptr;
    std::optional<std::uint16_t> session = {};
    Kind kind = Kind::Datagram;
    Route route = Route::Foreign;
    Channel* partner = nullptr;
    std::string pending = {};
    bool gone = false;
    std::optional<ice::Path> path = {};
  };
  struct User {
    vless::UserKey key;
    SocketAddress peer;
    std::vector<Channel*> listeners;
    std::deque<Channel*> waiting;
    std::vector<std::string> early;
  };
  /// Something that a client says, and what becomes of it when its last byte is there. Bytes of a connection don't wait
  /// for that.
  struct Unit {
    std::size_t bytes = 0;
    std::function<void()> act;
    Channel** connection = nullptr;
  };
  struct Stream {
    Stream(World& world, vless::Command its_command, std::optional<SocketAddress> to)
        : client{world, its_command, to}, command{its_command} {}
    Client client;
    vless::Command command;
    std::size_t speaker = 0;  // whose key it shows
    std::optional<std::size_t> user;
    bool left = false;
    bool closed = false;
    std::string unsent;
    std::deque<Unit> units;
    std::vector<Channel*> channels;
    Channel* only = nullptr;  // without Mux
    Route first = Route::Foreign;
    // What its client should have got, and has.
    std::string bytes, bytes_got;
    Datagrams datagrams, datagrams_got;
    std::map<std::uint16_t, std::string> sessions, sessions_got;
    std::vector<int> ends, ends_got;
  };

  static tunnel::Options options() {
    tunnel::Options options = generous();
    options.idle_timeout = hours{1};
    options.unused_timeout = Duration::zero();
    options.waiting_per_address_max = 1000;
    options.streams_per_user_max = 1000;
    options.sessions_per_user_max = 1000;
    options.queued_datagram_bytes_max = 1U << 30;
    options.datagram_age_max = hours{1};
    options.early_bytes_max = 1U << 30;
    options.early_age_max = hours{1};
    options.pause_bytes = 400;
    options.queued_bytes_max = 10'000;
    return options;
  }
  [[nodiscard]] std::string problem() {
    if (problem_.empty() && world_.door.packets.size() != media_.size())
      problem_ = "the media plane got another number";
    for (; problem_.empty() && media_checked_ < media_.size(); ++media_checked_) {
      const auto& [path, packet] = world_.door.packets[media_checked_];
      auto& [channel, text] = media_[media_checked_];
      if (std::string{as_text(packet)} != text) problem_ = "the media plane got something else";
      if (channel->path && *channel->path != path) problem_ = "a channel has two paths";
      if (path.local != kSfu || path.remote.ip != other(*channel).peer.ip) problem_ = "a path has wrong addresses";
      channel->path = path;
    }
    return problem_;
  }

  // ---- what clients do ----------------------------------------------------------------------------------------------

  std::string text() {
    std::string made = std::to_string(++texts_) + ":";
    made.resize(made.size() + (choose_(8) == 0 ? 4 * choose_(256) : choose_(20)), 'x');
    return made;
  }
  SocketAddress address_of(const User& user, Route route) {
    switch (route) {
      case Route::Peer: return user.peer;
      case Route::Media: return kSfu;
      case Route::Foreign: break;
    }
    const SocketAddress wrong[] = {{user.peer.ip, 1},
                                   {IpAddress::v4(0x7F000001), user.peer.port},
                                   {kSfu.ip, user.peer.port},
                                   user.peer == kPeerOfAlice ? kPeerOfBob : kPeerOfAlice};
    return wrong[choose_(4)];
  }
  Route some_route() {
    const std::size_t which = choose_(10);
    return which < 6 ? Route::Peer : which < 9 ? Route::Media : Route::Foreign;
  }
  /// One that its client has not left.
  Stream* some_stream() {
    std::vector<Stream*> here;
    for (auto& stream : streams_) {
      if (!stream->left) here.push_back(stream.get());
    }
    return here.empty() ? nullptr : here[choose_(here.size())];
  }
  Channel& make_channel(const Channel& channel) { return *channels_.emplace_back(std::make_unique<Channel>(channel)); }

  void open() {
    const auto here = std::ranges::count(streams_, false, [](const auto& stream) { return stream->left; });
    if (here >= kStreamsMax) return;
    const std::size_t speaker = choose_(kUsers);
    User& user = users_[speaker];
    const auto command = static_cast<vless::Command>(1 + choose_(3));
    const Route route = some_route();
    std::optional<SocketAddress> to;
    if (command != vless::Command::Mux) to = address_of(user, route);
    Stream& stream = *streams_.emplace_back(std::make_unique<Stream>(world_, command, to));
    stream.speaker = speaker;
    stream.first = route;
    if (choose_(3) == 0) stream.client.line().room = 1 + choose_(200);
    vless::UserKey key = user.key;
    const bool good = choose_(12) != 0;
    if (!good) key.bytes[choose_(16)] ^= 0x80;
    say(stream, as_text(request_bytes(key, command, to)), [this, &stream, good] {
      const bool call_is_there = calls_[stream.speaker / 2];
      if (good && call_is_there && (stream.command == vless::Command::Mux || stream.first != Route::Foreign))
        admit(stream);
    });
  }
  void say(Stream& stream, std::string_view bytes, std::function<void()> act, Channel** connection = nullptr) {
    stream.unsent += bytes;
    stream.units.push_back({.bytes = bytes.size(), .act = std::move(act), .connection = connection});
  }

  void speak() {
    Stream* const stream = some_stream();
    if (stream == nullptr || stream->left || stream->unsent.size() > 3000) return;
    const std::string said = text();
    switch (stream->command) {
      case vless::Command::Udp:
        return say(*stream, as_text(framed(as_bytes(said))), [this, stream, said] {
          if (stream->only != nullptr) datagram(*stream->only, stream->first, said);
        });
      case vless::Command::Tcp:
        if (stream->first == Route::Media) {
          return say(*stream, as_text(framed(as_bytes(said))), [this, stream, said] {
            if (stream->only != nullptr) to_media(*stream->only, said);
          });
        }
        return say(*stream, said, [] {}, &stream->only);
      case vless::Command::Mux: return speak_frame(*stream, said);
    }
  }
  void speak_frame(Stream& stream, const std::string& said) {
    const auto session = static_cast<std::uint16_t>(choose_(4));
    const Route route = some_route();
    const SocketAddress to = address_of(users_[stream.speaker], route);
    switch (choose_(12)) {
      case 0:
      case 1:
      case 2: {
        const Network network = choose_(2) == 0 ? Network::Tcp : Network::Udp;
        const bool has_data = choose_(2) == 0;
        const Buffer data = network == Network::Tcp && route == Route::Media ? framed(as_bytes(said)) : bytes_of(said);
        return say(stream,
                   as_text(mux_bytes({.session = session, .status = Status::New, .network = network, .address = to},
                                     has_data ? std::optional{Bytes{data}} : std::nullopt)),
                   [this, &stream, session, network, route, said = has_data ? said : std::string{}] {
                     on_new(stream, session, network, route, said);
                   });
      }
      case 3:
        return say(stream, as_text(mux_bytes({.session = session, .status = Status::End})), [this, &stream, session] {
          if (Channel* const channel = find(stream, session)) close(*channel, Farewell::None);
        });
      case 4:
        return say(stream, as_text(mux_bytes({.session = session, .status = Status::KeepAlive}, as_bytes(said))),
                   [] {});
      default: break;
    }
    const bool addressed = choose_(3) == 0;
    // Framed as the media plane's TCP wants it: to others, that is text like any other.
    const Buffer data = framed(as_bytes(said));
    say(stream,
        as_text(mux_bytes({.session = session, .address = addressed ? std::optional{to} : std::nullopt}, Bytes{data})),
        [this, &stream, session, said, data, given = addressed ? std::optional{route} : std::nullopt] {
          on_keep(stream, session, given, said, std::string{as_text(data)});
        });
  }

  void deliver() {
    Stream* const stream = some_stream();
    if (stream == nullptr || stream->left || stream->unsent.empty() || stream->client.paused()) return;
    static constexpr std::size_t kSizes[] = {1, 3, 20, 100, 1000, 4000};
    deliver(*stream, std::min(stream->unsent.size(), kSizes[choose_(6)]));
  }
  void deliver(Stream& stream, std::size_t bytes) {
    if (!stream.user && stream.client.closed()) {  // it took too long
      stream.left = true;
      return;
    }
    const std::string chunk = stream.unsent.substr(0, bytes);
    stream.unsent.erase(0, bytes);
    world_.send(stream.client.id(), as_bytes(chunk));
    std::string_view rest = chunk;
    while (!rest.empty()) {
      Unit& unit = stream.units.front();
      const std::string_view part = rest.substr(0, unit.bytes);
      rest.remove_prefix(part.size());
      unit.bytes -= part.size();
      if (unit.connection != nullptr && *unit.connection != nullptr) bytes_of_connection(**unit.connection, part);
      if (unit.bytes > 0) return;
      const auto act = std::move(unit.act);
      stream.units.pop_front();
      if (!stream.closed) act();
    }
  }
  void answer() {
    if (media_.empty()) return;
    const std::size_t which = media_.size() - 1 - choose_(std::min<std::size_t>(media_.size(), 256));
    Channel& channel = *media_[which].first;
    const ice::Path path = world_.door.packets[which].first;
    const std::string said = text();
    world_.tunnel.send(path, as_bytes(said), world_.now);
    if (channel.gone || channel.path != path) return;
    if (channel.kind == Kind::Datagram) return give(channel, {.from = kSfu.to_text(), .text = said});
    give_bytes(channel, as_text(framed(as_bytes(said))));
  }
  void break_or_release() {
    Stream* const stream = some_stream();
    if (stream == nullptr || stream->left) return;
    if (!media_.empty() && choose_(2) == 0) {
      const std::size_t which = media_.size() - 1 - choose_(std::min<std::size_t>(media_.size(), 256));
      Channel& channel = *media_[which].first;
      if (channel.kind == Kind::Datagram) return;
      world_.tunnel.release(world_.door.packets[which].first, world_.now);
      if (!channel.gone) close(channel, Farewell::Finish);
      return;
    }
    stream->client.leave();
    stream->left = true;
    close_all(*stream);
  }
  void add_call(std::size_t which) {
    const tunnel::NewCall call{call_of(std::to_string(which), users_[which * 2].key, users_[which * 2 + 1].key)};
    ZVONOK_CHECK(world_.tunnel.add_call(call, world_.now).has_value());
    calls_[which] = true;
  }
  void end_call() {
    const std::size_t which = choose_(2);
    world_.tunnel.remove_call(CallId{std::to_string(which)}, world_.now);
    for (auto& stream : streams_) {
      if (!stream->user || *stream->user / 2 != which || stream->left) continue;
      if (!stream->client.closed()) problem_ = "a stream outlived its call";
      stream->left = true;  // what was on its way to it does not matter
      stream->closed = true;
    }
    for (auto& stream : streams_) {
      if (stream->user && *stream->user / 2 == which) close_all(*stream);
    }
    for (std::size_t i = which * 2; i < which * 2 + 2; ++i) users_[i].early.clear();
    calls_[which] = false;
    if (choose_(4) != 0) add_call(which);
  }

  // ---- the model ----------------------------------------------------------------------------------------------------

  User& user_of(const Channel& channel) { return users_[*channel.stream->user]; }
  User& other(const Channel& channel) { return users_[*channel.stream->user ^ 1U]; }
  Channel* find(Stream& stream, std::uint16_t session) {
    for (Channel* const channel : stream.channels) {
      if (channel->session == session) return channel;
    }
    return nullptr;
  }
  void admit(Stream& stream) {
    stream.user = stream.speaker;
    if (stream.command == vless::Command::Mux) return;
    const Kind kind = stream.command == vless::Command::Udp ? Kind::Datagram
                      : stream.first == Route::Peer         ? Kind::PeerBytes
                                                            : Kind::MediaBytes;
    stream.only = &open_channel(stream, {.stream = &stream, .kind = kind, .route = stream.first});
  }
  Channel& open_channel(Stream& stream, const Channel& made) {
    Channel& channel = make_channel(made);
    stream.channels.push_back(&channel);
    if (channel.kind == Kind::Datagram && channel.route == Route::Peer) listen(channel);
    if (channel.kind != Kind::PeerBytes) return channel;
    User& there = other(channel);
    if (there.waiting.empty()) {
      user_of(channel).waiting.push_back(&channel);
      return channel;
    }
    Channel& partner = *there.waiting.front();
    there.waiting.pop_front();
    partner.partner = &channel;
    channel.partner = &partner;
    give_bytes(channel, std::exchange(partner.pending, {}));
    return channel;
  }
  void on_new(Stream& stream, std::uint16_t session, Network network, Route route, const std::string& said) {
    if (!stream.user) return;
    if (Channel* const old = find(stream, session)) close(*old, Farewell::None);
    if (network == Network::Tcp && route == Route::Foreign) {
      stream.ends.push_back(-session);
      return;
    }
    const Kind kind = network == Network::Udp ? Kind::Datagram
                      : route == Route::Peer  ? Kind::PeerBytes
                                              : Kind::MediaBytes;
    Channel& channel = open_channel(stream, {.stream = &stream, .session = session, .kind = kind, .route = route});
    if (said.empty()) return;
    switch (kind) {
      case Kind::Datagram: return datagram(channel, route, said);
      case Kind::PeerBytes: return bytes_of_connection(channel, said);
      case Kind::MediaBytes: return to_media(channel, said);
    }
  }
  void on_keep(Stream& stream, std::uint16_t session, std::optional<Route> given, const std::string& said,
               const std::string& data) {
    if (!stream.user) return;
    Channel* const channel = find(stream, session);
    if (channel == nullptr) {
      stream.ends.push_back(session);
      return;
    }
    switch (channel->kind) {
      case Kind::Datagram: return datagram(*channel, given.value_or(channel->route), data);
      case Kind::PeerBytes: return bytes_of_connection(*channel, data);
      case Kind::MediaBytes: return to_media(*channel, said);
    }
  }
  void listen(Channel& channel) {
    User& user = user_of(channel);
    std::erase(user.listeners, &channel);
    user.listeners.push_back(&channel);
    for (const std::string& early : std::exchange(user.early, {})) give(channel, {user.peer.to_text(), early});
  }
  void datagram(Channel& channel, Route route, const std::string& said) {
    if (channel.gone || route == Route::Foreign) return;
    if (route == Route::Media) return to_media(channel, said);
    listen(channel);
    User& there = other(channel);
    if (there.listeners.empty()) {
      there.early.push_back(said);
    } else {
      give(*there.listeners.back(), {there.peer.to_text(), said});
    }
  }
  void to_media(Channel& channel, const std::string& said) {
    if (!channel.gone) media_.emplace_back(&channel, said);
  }
  void bytes_of_connection(Channel& channel, std::string_view said) {
    if (channel.gone) return;
    if (channel.partner != nullptr) return give_bytes(*channel.partner, said);
    channel.pending += said;
    if (channel.session && channel.pending.size() > options().pause_bytes) close(channel, Farewell::Fault);
  }
  void give(Channel& channel, const Client::Datagram& datagram) { channel.stream->datagrams.push_back(datagram); }
  void give_bytes(Channel& channel, std::string_view said) {
    (channel.session ? channel.stream->sessions[*channel.session] : channel.stream->bytes) += said;
  }
  void close(Channel& channel, Farewell farewell) {
    if (channel.gone) return;
    channel.gone = true;
    std::erase(user_of(channel).listeners, &channel);
    std::erase(user_of(channel).waiting, &channel);
    std::erase(channel.stream->channels, &channel);
    if (Channel* const partner = std::exchange(channel.partner, nullptr)) {
      partner->partner = nullptr;
      close(*partner, farewell == Farewell::Fault ? Farewell::Fault : Farewell::Finish);
    }
    Stream& stream = *channel.stream;
    if (stream.left || farewell == Farewell::None) return;
    if (channel.session) {
      stream.ends.push_back(farewell == Farewell::Fault ? -*channel.session : *channel.session);
    } else {
      stream.closed = true;
    }
  }
  void close_all(Stream& stream) {
    while (!stream.channels.empty()) close(*stream.channels.back(), Farewell::None);
  }

  // ---- comparing ----------------------------------------------------------------------------------------------------

  void drain() {
    if (Stream* const stream = some_stream()) drain(*stream);
  }
  template <class List>
  static void append(List& to, List from) {
    to.insert(to.end(), from.begin(), from.end());
  }
  void drain(Stream& stream) {
    if (stream.left || !stream.user || !problem_.empty()) return;
    const std::size_t room = stream.client.line().room;
    stream.client.drain();
    if (!stream.client.answered()) problem_ = "a good request was not answered";
    if (stream.command == vless::Command::Tcp) {
      stream.bytes_got += stream.client.take_bytes();
    } else {
      append(stream.datagrams_got, stream.client.take_datagrams());
      append(stream.ends_got, stream.client.take_ends());
      for (std::uint16_t i = 0; i < 4; ++i) stream.sessions_got[i] += stream.client.take_session(i);
    }
    stream.client.line().room = room;
    if (stream.bytes_got != stream.bytes) problem_ = "a connection got other bytes";
    if (stream.datagrams_got != stream.datagrams) problem_ = "a stream got other datagrams";
    if (stream.ends_got != stream.ends) problem_ = "other sessions were ended";
    for (std::uint16_t i = 0; i < 4; ++i) {
      if (stream.sessions_got[i] != stream.sessions[i]) problem_ = "a session got other bytes";
    }
    if (stream.client.closed() != stream.closed)
      problem_ = "a stream is closed, or is not, otherwise than it should be";
  }

  Choose& choose_;
  World world_;
  std::array<User, kUsers> users_;
  std::array<bool, 2> calls_{};
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::pair<Channel*, std::string>> media_;
  std::size_t media_checked_ = 0;
  std::uint64_t texts_ = 0;
  std::string problem_;
};

}  // namespace zvonok::test
