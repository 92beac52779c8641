// What a client that was admitted says: bytes of a connection, datagrams, or frames of many sessions.
#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_io.h"
#include "base/check.h"
#include "tunnel/tunnel.h"

namespace zvonok::tunnel {
namespace {

using vless::mux::Fault;
using vless::mux::Frame;
using vless::mux::Network;
using vless::mux::Status;

Channel* find_session(const Stream& stream, std::uint16_t session) {
  const auto found = std::ranges::find(stream.channels, session, [](const auto& channel) { return *channel->session; });
  return found == stream.channels.end() ? nullptr : found->get();
}

}  // namespace

void Tunnel::read(Stream& stream, Bytes bytes, TimePoint now) {
  if (stream.finishing) return;  // nothing that it says has anywhere to go
  if (bytes.empty()) return;
  stream.last_active = now;
  User& user = *stream.user;
  user.raw.charge(static_cast<double>(bytes.size()), now);
  if (const Duration wait = user.raw.wait(now); wait > Duration::zero()) relay_.hold(stream, now + wait, now);
  switch (stream.command) {
    case vless::Command::Tcp: return relay_.on_bytes(*stream.channels.front(), bytes, now);
    case vless::Command::Udp: return read_datagrams(stream, bytes, now);
    case vless::Command::Mux: return read_frames(stream, bytes, now);
  }
}

void Tunnel::read_datagrams(Stream& stream, Bytes bytes, TimePoint now) {
  while (!stream.gone) {
    const auto datagram = stream.datagrams.next(bytes);
    ZVONOK_CHECK(datagram.has_value());  // of any length, and empty ones are skipped
    if (!*datagram) return;
    Channel& channel = *stream.channels.front();
    relay_.on_datagram(channel, *channel.destination, **datagram, now);
  }
}

void Tunnel::read_frames(Stream& stream, Bytes bytes, TimePoint now) {
  while (!stream.gone) {
    const auto frame = stream.frames.next(bytes);
    if (!frame) return end(stream, StreamEnd::Malformed, Ending::Finish, now);
    if (!*frame) return;
    on_frame(stream, **frame, now);
  }
}

void Tunnel::on_frame(Stream& stream, const Frame& frame, TimePoint now) {
  switch (frame.status) {
    case Status::New: return on_new(stream, frame, now);
    case Status::Keep: return on_keep(stream, frame, now);
    case Status::End:
      if (Channel* const channel = find_session(stream, frame.session)) {
        relay_.close(*channel, Farewell::None, StreamEnd::ByPeer, now);
      }
      return;
    case Status::KeepAlive: return;
  }
}

/// A session of datagrams is opened even if its first target is refused: by XUDP it may name another one in any later
/// datagram, and clients that look for their way talk to several. Only what is allowed passes.
void Tunnel::on_new(Stream& stream, const Frame& frame, TimePoint now) {
  ZVONOK_CHECK(frame.destination.has_value());
  if (Channel* const old = find_session(stream, frame.session)) {
    relay_.close(*old, Farewell::None, StreamEnd::ByPeer, now);
  }
  User& user = *stream.user;
  const auto& at = frame.destination->target.at;
  const std::optional<Destination> to = at ? Relay::destination_of(user, *at) : std::nullopt;
  const bool datagrams = frame.destination->network == Network::Udp;
  if (!datagrams && !to) return refuse_session(stream, frame.session, Drop::SessionForeign, now);
  if (!make_session_place(user, now)) return refuse_session(stream, frame.session, Drop::SessionLimit, now);
  if (stream.gone) return;
  ++counters_.sessions;
  const ChannelKind kind = datagrams                  ? ChannelKind::Datagrams
                           : to->route == Route::Peer ? ChannelKind::PeerBytes
                                                      : ChannelKind::MediaBytes;
  Channel& channel = relay_.open(stream, {.kind = kind, .session = frame.session, .destination = to}, now);
  if (!frame.data || frame.data->empty() || channel.gone) return;
  if (datagrams) return session_datagram(channel, frame, now);
  relay_.on_bytes(channel, *frame.data, now);
}

void Tunnel::on_keep(Stream& stream, const Frame& frame, TimePoint now) {
  Channel* const channel = find_session(stream, frame.session);
  if (channel == nullptr) return refuse_session(stream, frame.session, Drop::UnknownSession, now);
  if (!frame.data || frame.data->empty()) return;
  if (channel->kind == ChannelKind::Datagrams) return session_datagram(*channel, frame, now);
  relay_.on_bytes(*channel, *frame.data, now);
}

/// Every datagram's address is checked, not only the session's.
void Tunnel::session_datagram(Channel& channel, const Frame& frame, TimePoint now) {
  std::optional<Destination> to = channel.destination;
  if (frame.destination) {
    const auto& at = frame.destination->target.at;
    if (!at) return counters_.count(Drop::Name);
    to = Relay::destination_of(channel.user, *at);
    if (!to) return counters_.count(Drop::Foreign);
  }
  if (!to) return counters_.count(Drop::NoTarget);
  channel.useful = true;
  relay_.on_datagram(channel, *to, *frame.data, now);
}

/// At the limit a session whose target was refused gives way: nothing has come of it.
bool Tunnel::make_session_place(User& user, TimePoint now) {
  if (user.sessions < options_.sessions_per_user_max) return true;
  for (const Stream* const stream : user.streams) {
    for (const std::unique_ptr<Channel>& channel : stream->channels) {
      if (!channel->session || channel->destination || channel->useful) continue;
      counters_.count(Drop::SessionLimit);
      relay_.close(*channel, Farewell::Fault, StreamEnd::ByPeer, now);
      return true;
    }
  }
  return false;
}

/// Tells a client that there is no such session. It may do without being told when it does not read.
void Tunnel::refuse_session(Stream& stream, std::uint16_t session, Drop reason, TimePoint now) {
  counters_.count(reason);
  std::array<std::uint8_t, vless::mux::kWrittenBytesMax> buffer;
  ByteWriter head{buffer};
  const Fault fault = reason == Drop::UnknownSession ? Fault::No : Fault::Yes;
  vless::mux::write_head(head, {.session = session, .status = Status::End, .fault = fault});
  outlet_.emit(stream, head.written(), {}, Lasting::No, now);
}

}  // namespace zvonok::tunnel
