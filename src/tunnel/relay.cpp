#include "tunnel/relay.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::tunnel {
namespace {

// Bytes of a TCP connection in one message. Clients cut what is longer; of a Mux session, others wait for less time.
constexpr std::size_t kPieceBytesMax = 64 * 1024;
constexpr std::size_t kSessionPieceBytesMax = 16 * 1024;

// Room for a frame's head and the length of a packet in it.
constexpr std::size_t kHeadBytesMax = vless::mux::kWrittenBytesMax + framing::kHeaderBytes;

bool is_for_peer(const Channel& channel) {
  return channel.kind == ChannelKind::PeerBytes;
}

}  // namespace

std::optional<Destination> Relay::destination_of(const User& user, const SocketAddress& at) {
  if (at == user.peer) return Destination{.route = Route::Peer, .at = at};
  if (user.call.media.holds(at)) return Destination{.route = Route::Media, .at = at};
  return std::nullopt;
}

// ---- opening and closing --------------------------------------------------------------------------------------------

Channel& Relay::open(Stream& stream, const Opening& opening, TimePoint now) {
  ZVONOK_CHECK(stream.user != nullptr);
  Channel& channel = *stream.channels.emplace_back(std::make_unique<Channel>(stream, *stream.user, opening.kind));
  channel.session = opening.session;
  channel.destination = opening.destination;
  if (channel.session) ++channel.user.sessions;
  switch (opening.kind) {
    case ChannelKind::Datagrams:
      if (opening.destination && opening.destination->route == Route::Peer) listen(channel, now);
      break;
    case ChannelKind::PeerBytes: join(channel, now); break;
    case ChannelKind::MediaBytes: break;
  }
  return channel;
}

void Relay::close(Channel& channel, Farewell farewell, StreamEnd reason, TimePoint now) {
  if (channel.gone) return;
  channel.gone = true;
  User& user = channel.user;
  std::erase(user.listeners, &channel);
  std::erase(user.waiting, &channel);
  if (channel.session) --user.sessions;
  forget_paths(channel);
  Stream& stream = channel.stream;
  const auto own = std::ranges::find(stream.channels, &channel, &std::unique_ptr<Channel>::get);
  ZVONOK_CHECK(own != stream.channels.end());
  gone_.push_back(std::move(*own));
  stream.channels.erase(own);
  if (Channel* const partner = std::exchange(channel.partner, nullptr)) {
    partner->partner = nullptr;
    close(*partner, farewell == Farewell::Fault ? Farewell::Fault : Farewell::Finish, StreamEnd::PartnerGone, now);
  }
  say_farewell(channel, farewell, reason, now);
  update_reading(stream, now);
}

void Relay::say_farewell(Channel& channel, Farewell farewell, StreamEnd reason, TimePoint now) {
  Stream& stream = channel.stream;
  if (stream.gone || farewell == Farewell::None) return;
  if (channel.session) {
    std::array<std::uint8_t, kHeadBytesMax> buffer;
    ByteWriter head{buffer};
    vless::mux::write_head(head,
                           {.session = *channel.session,
                            .status = vless::mux::Status::End,
                            .fault = farewell == Farewell::Fault ? vless::mux::Fault::Yes : vless::mux::Fault::No});
    parts_.outlet.emit(stream, head.written(), {}, Lasting::Yes, now);
  } else if (farewell == Farewell::Fault || stream.outbox.empty()) {
    parts_.host.end(stream, reason, Ending::Finish, now);
  } else {
    stream.finishing = reason;
  }
}

void Relay::close_all(Stream& stream, TimePoint now) {
  while (!stream.channels.empty()) close(*stream.channels.back(), Farewell::None, StreamEnd::ByPeer, now);
}

// ---- datagrams ------------------------------------------------------------------------------------------------------

void Relay::on_datagram(Channel& channel, const Destination& to, Bytes datagram, TimePoint now) {
  User& user = channel.user;
  if (!user.up.take(static_cast<double>(datagram.size()), now)) {
    parts_.counters.count(Drop::Bandwidth);
    return;
  }
  switch (to.route) {
    case Route::Peer:
      note_up(user, datagram.size(), 1);
      listen(channel, now);
      to_peer(*user.other, datagram, now);
      return;
    case Route::Media: to_media(channel, to.at, datagram); return;
  }
}

/// From now on that channel is the one that hears the other side.
void Relay::listen(Channel& channel, TimePoint now) {
  User& user = channel.user;
  if (!user.listeners.empty() && user.listeners.back() == &channel) return;
  std::erase(user.listeners, &channel);
  user.listeners.push_back(&channel);
  while (!user.early.empty()) {
    parts_.counters.count(Drop::EarlyStale, user.early.drop_stale(now));
    if (user.early.empty()) return;
    deliver(channel, user.peer, user.early.front(), now);
    user.early.pop();
  }
}

void Relay::to_peer(User& to, Bytes datagram, TimePoint now) {
  if (!to.listeners.empty()) return deliver(*to.listeners.back(), to.peer, datagram, now);
  parts_.counters.count(Drop::EarlyStale, to.early.drop_stale(now));
  parts_.counters.count(Drop::NoListener, to.early.push({}, datagram, Lasting::No, now));
}

void Relay::deliver(Channel& channel, const SocketAddress& source, Bytes datagram, TimePoint now) {
  std::array<std::uint8_t, kHeadBytesMax> buffer;
  ByteWriter head{buffer};
  if (channel.session) {
    vless::mux::write_head(head, {.session = *channel.session,
                                  .status = vless::mux::Status::Keep,
                                  .network = vless::mux::Network::Udp,
                                  .address = source,
                                  .data_bytes = datagram.size()});
  } else {
    head.u16(static_cast<std::uint16_t>(datagram.size()));
  }
  note_down(channel.user, datagram.size(), 1);
  parts_.outlet.emit(channel.stream, head.written(), datagram, Lasting::No, now);
}

// ---- TCP connections between the two sides --------------------------------------------------------------------------

void Relay::join(Channel& channel, TimePoint now) {
  User& other = *channel.user.other;
  if (other.waiting.empty()) {
    channel.user.waiting.push_back(&channel);
    return;
  }
  Channel& partner = *other.waiting.front();
  other.waiting.pop_front();
  channel.partner = &partner;
  partner.partner = &channel;
  ++parts_.counters.joined;
  const std::vector<std::uint8_t> pending = std::exchange(partner.pending, {});
  pass(channel, pending, now);
  update_reading(partner.stream, now);
}

void Relay::on_bytes(Channel& channel, Bytes bytes, TimePoint now) {
  User& user = channel.user;
  user.up.charge(static_cast<double>(bytes.size()), now);
  if (const Duration wait = user.up.wait(now); wait > Duration::zero()) hold(channel.stream, now + wait, now);
  if (!is_for_peer(channel)) return take_packets(channel, bytes, now);
  note_up(user, bytes.size(), 0);
  if (channel.partner == nullptr) return hold_back(channel, bytes, now);
  pass(*channel.partner, bytes, now);
}

/// Bytes of a connection that has no other end yet. A session can't be stopped without stopping all of its stream, so
/// it may only say so much.
void Relay::hold_back(Channel& channel, Bytes bytes, TimePoint now) {
  channel.pending.insert(channel.pending.end(), bytes.begin(), bytes.end());
  if (channel.session && channel.pending.size() > parts_.options.pause_bytes) {
    parts_.counters.count(Drop::SessionOverrun);
    return close(channel, Farewell::Fault, StreamEnd::Overrun, now);
  }
  if (channel.pending.size() > parts_.options.queued_bytes_max) {
    return parts_.host.end(channel.stream, StreamEnd::Overrun, Ending::Cut, now);
  }
  update_reading(channel.stream, now);
}

void Relay::pass(Channel& to, Bytes bytes, TimePoint now) {
  note_down(to.user, bytes.size(), 0);
  const std::size_t piece_max = to.session ? kSessionPieceBytesMax : kPieceBytesMax;
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(bytes.size(), piece_max));
    bytes = bytes.subspan(piece.size());
    std::array<std::uint8_t, kHeadBytesMax> buffer;
    ByteWriter head{buffer};
    if (to.session) {
      vless::mux::write_head(head,
                             {.session = *to.session, .status = vless::mux::Status::Keep, .data_bytes = piece.size()});
    }
    parts_.outlet.emit(to.stream, head.written(), piece, Lasting::Yes, now);
  }
  if (to.stream.outbox.lasting_bytes() > parts_.options.queued_bytes_max) {
    return parts_.host.end(to.stream, StreamEnd::Overrun, Ending::Cut, now);
  }
  if (!to.stream.outbox.empty()) update_feeders(to.stream, now);
}

// ---- the media plane ------------------------------------------------------------------------------------------------

void Relay::take_packets(Channel& channel, Bytes bytes, TimePoint now) {
  while (!channel.gone) {
    const auto packet = channel.deframer.next(bytes);
    if (!packet) return close(channel, Farewell::Fault, StreamEnd::Malformed, now);
    if (!*packet) return;
    to_media(channel, channel.destination->at, **packet);
  }
}

void Relay::to_media(Channel& channel, const SocketAddress& at, Bytes packet) {
  std::array<std::uint8_t, kMediaDatagramBytesMax> copy;  // what comes in is not ours to change
  if (packet.size() > copy.size()) {
    parts_.counters.count(Drop::TooLong);
    return;
  }
  note_up(channel.user, packet.size(), 1);
  copy_bytes(packet, copy);
  const ice::Path path = path_of(channel, at);  // it may be released meanwhile
  parts_.door.on_datagram(path, MutableBytes{copy}.first(packet.size()));
}

/// Each port of the media plane that a channel speaks to is another path.
const ice::Path& Relay::path_of(Channel& channel, const SocketAddress& at) {
  const auto known = std::ranges::find(channel.paths, at, &ice::Path::local);
  if (known != channel.paths.end()) return *known;
  const std::uint64_t connection = next_connection_++;
  constexpr std::uint64_t kFirstPort = 1024;
  const auto port = static_cast<std::uint16_t>(kFirstPort + connection % (65536 - kFirstPort));
  const bool is_stream = channel.kind == ChannelKind::MediaBytes;
  paths_.emplace(connection, &channel);
  return channel.paths.emplace_back(ice::Path{.protocol = is_stream ? ice::Protocol::Tcp : ice::Protocol::Udp,
                                              .local = at,
                                              .remote = {.ip = channel.user.other->peer.ip, .port = port},
                                              .connection = connection});
}

void Relay::send(const ice::Path& path, Bytes packet, TimePoint now) {
  const auto found = paths_.find(path.connection);
  if (found == paths_.end() || packet.empty() || packet.size() > framing::kFrameBytesMax - framing::kHeaderBytes) {
    parts_.counters.count(found == paths_.end() ? Drop::UnknownPath : Drop::TooLong);
    return;
  }
  Channel& channel = *found->second;
  if (!channel.user.down.take(static_cast<double>(packet.size()), now)) {
    parts_.counters.count(Drop::Bandwidth);
    return;
  }
  if (channel.kind == ChannelKind::Datagrams) return deliver(channel, path.local, packet, now);
  std::array<std::uint8_t, kHeadBytesMax> buffer;
  ByteWriter head{buffer};
  if (channel.session) {
    vless::mux::write_head(head, {.session = *channel.session,
                                  .status = vless::mux::Status::Keep,
                                  .data_bytes = framing::kHeaderBytes + packet.size()});
  }
  head.append(framing::frame_header(packet.size()));
  note_down(channel.user, packet.size(), 1);
  parts_.outlet.emit(channel.stream, head.written(), packet, Lasting::No, now);
}

void Relay::release(const ice::Path& path, TimePoint now) {
  const auto found = paths_.find(path.connection);
  if (found == paths_.end()) return;
  Channel& channel = *found->second;
  std::erase_if(channel.paths, [&](const ice::Path& known) { return known.connection == path.connection; });
  paths_.erase(found);  // whoever released it need not be told
  if (channel.kind == ChannelKind::MediaBytes) close(channel, Farewell::Finish, StreamEnd::MediaReleased, now);
}

void Relay::forget_paths(Channel& channel) {
  for (const ice::Path& path : std::exchange(channel.paths, {})) {
    paths_.erase(path.connection);
    parts_.door.on_closed(path);
  }
}

// ---- who is read, and what it comes to ------------------------------------------------------------------------------

void Relay::hold(Stream& stream, TimePoint until, TimePoint now) {
  stream.resume_at = std::max(stream.resume_at, until);
  parts_.host.wake(stream, stream.resume_at);
  update_reading(stream, now);
}

void Relay::update_reading(Stream& stream, TimePoint now) {
  // Resumed at half of what it was stopped at, so that not every message does either.
  const std::size_t mark = stream.paused ? parts_.options.pause_bytes / 2 : parts_.options.pause_bytes;
  const bool stuck = std::ranges::any_of(stream.channels, [&](const std::unique_ptr<Channel>& channel) {
    if (!is_for_peer(*channel)) return false;
    if (channel->partner != nullptr) return channel->partner->stream.outbox.lasting_bytes() > mark;
    return !channel->session && channel->pending.size() > mark;  // a session is ended instead
  });
  parts_.outlet.set_reading(stream, stuck || stream.resume_at > now ? Reading::Off : Reading::On);
}

void Relay::update_feeders(const Stream& stream, TimePoint now) {
  for (const std::unique_ptr<Channel>& channel : stream.channels) {
    if (channel->partner != nullptr) update_reading(channel->partner->stream, now);
  }
}

void Relay::note_up(User& user, std::size_t bytes, std::size_t packets) {
  for (Traffic* const way : {&user.usage.up, &parts_.counters.traffic.up}) {
    way->bytes += bytes;
    way->packets += packets;
  }
}

void Relay::note_down(User& user, std::size_t bytes, std::size_t packets) {
  for (Traffic* const way : {&user.usage.down, &parts_.counters.traffic.down}) {
    way->bytes += bytes;
    way->packets += packets;
  }
}

}  // namespace zvonok::tunnel
