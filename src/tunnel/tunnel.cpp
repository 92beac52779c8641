#include "tunnel/tunnel.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::tunnel {
namespace {

/// Somewhere between the two, no step more likely than another.
Duration random_between(Duration least, Duration most, Entropy& entropy) {
  const auto range = std::chrono::duration_cast<milliseconds>(most - least).count();
  if (range <= 0) return least;
  const std::uint64_t scaled = (std::uint64_t{random_u32(entropy)} * static_cast<std::uint64_t>(range + 1)) >> 32;
  return least + milliseconds{static_cast<std::int64_t>(scaled)};
}

}  // namespace

class Tunnel::Turn {
 public:
  explicit Turn(Tunnel& tunnel) : tunnel_{tunnel} { ++tunnel_.depth_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (--tunnel_.depth_ > 0) return;
    tunnel_.relay_.bury();
    tunnel_.gone_streams_.clear();
    tunnel_.gone_calls_.clear();
  }

 private:
  Tunnel& tunnel_;
};

Tunnel::Tunnel(const Parts& parts, const Options& options)
    : options_{options},
      sink_{parts.sink},
      entropy_{parts.entropy},
      outlet_{parts.sink, counters_},
      relay_{{.outlet = outlet_, .door = parts.door, .host = *this, .options = options_, .counters = counters_}},
      directory_{parts.entropy, options_},
      waiting_{{.per_address_max = options_.waiting_per_address_max, .all_max = options_.waiting_max}} {
  ZVONOK_CHECK(options_.handshake_bytes_max >= vless::kRequestBytesMax);
  ZVONOK_CHECK(options_.waiting_per_address_max > 0 && options_.waiting_max > 0 && options_.streams_per_user_max > 0);
}

// ---- calls ----------------------------------------------------------------------------------------------------------

Result<void, AddError> Tunnel::add_call(const NewCall& call, TimePoint now) {
  return directory_.add(call, now);
}

std::optional<Tunnel::CallUsage> Tunnel::remove_call(const CallId& id, TimePoint now) {
  const Turn turn{*this};
  std::unique_ptr<Call> call = directory_.take(id);
  if (call == nullptr) return std::nullopt;
  call->ended = true;
  for (User& user : call->users) {
    while (!user.streams.empty()) end(*user.streams.back(), StreamEnd::CallEnded, Ending::Cut, now);
    counters_.count(Drop::Gone, user.early.size());
  }
  const CallUsage used{call->users[0].usage, call->users[1].usage};
  gone_calls_.push_back(std::move(call));
  return used;
}

std::optional<Tunnel::CallUsage> Tunnel::usage(const CallId& id) const {
  const Call* const call = directory_.find(id);
  if (call == nullptr) return std::nullopt;
  return CallUsage{call->users[0].usage, call->users[1].usage};
}

// ---- streams --------------------------------------------------------------------------------------------------------

Stream* Tunnel::find(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() || found->second->gone ? nullptr : found->second.get();
}

Tunnel::Opened Tunnel::open(StreamId id, const IpAddress& remote, TimePoint now) {
  const Turn turn{*this};
  ZVONOK_CHECK(find(id) == nullptr);
  while (const auto crowded_out = waiting_.crowded_out_by(remote)) {
    Stream* const oldest = find(*crowded_out);
    ZVONOK_CHECK(oldest != nullptr);
    end(*oldest, StreamEnd::GaveWay, Ending::Finish, now);
  }
  if (streams_.size() >= options_.streams_max) {
    ++counters_.turned_away;
    return Opened::TooMany;
  }
  ++counters_.opened;
  Stream& stream = *streams_.emplace(id, std::make_unique<Stream>(id, remote, options_)).first->second;
  stream.place = waiting_.enter(id, remote);
  stream.deadline = now + random_between(options_.handshake_least, options_.handshake_most, entropy_);
  wake(stream, stream.deadline);
  return Opened::Yes;
}

void Tunnel::on_bytes(StreamId id, Bytes bytes, TimePoint now) {
  const Turn turn{*this};
  Stream* const stream = find(id);
  if (stream == nullptr) return;
  if (stream->user == nullptr) read_request(*stream, bytes, now);
  if (stream->user != nullptr && !stream->gone) read(*stream, bytes, now);
}

void Tunnel::on_writable(StreamId id, TimePoint now) {
  const Turn turn{*this};
  Stream* const stream = find(id);
  if (stream == nullptr) return;
  outlet_.flush(*stream, now);
  relay_.update_feeders(*stream, now);
  if (stream->finishing && stream->outbox.empty()) end(*stream, *stream->finishing, Ending::Finish, now);
}

void Tunnel::on_closed(StreamId id, TimePoint now) {
  const Turn turn{*this};
  if (Stream* const stream = find(id)) drop(*stream, StreamEnd::ByPeer, now);
}

void Tunnel::end(Stream& stream, StreamEnd reason, Ending ending, TimePoint now) {
  if (stream.gone) return;
  // One that ends because another of its call is being cut is cut itself.
  const bool cut = stream.user != nullptr && stream.user->call.ended;
  drop(stream, cut ? StreamEnd::CallEnded : reason, now);
  sink_.close(stream.id, cut ? Ending::Cut : ending);
}

void Tunnel::drop(Stream& stream, StreamEnd reason, TimePoint now) {
  stream.gone = true;
  counters_.count(reason);
  counters_.count(Drop::Gone, stream.outbox.size());
  if (stream.armed != TimePoint::max()) timers_.erase({stream.armed, stream.id});
  if (stream.user == nullptr) {
    waiting_.leave(stream.place, stream.remote);
    if (!stream.refusal) counters_.count(Refusal::Silence);
  } else {
    std::erase(stream.user->streams, &stream);
    if (stream.user->streams.empty() && !stream.user->call.ended) tell(*stream.user, UserEvent::Kind::Disconnected);
  }
  relay_.close_all(stream, now);
  const auto own = streams_.find(stream.id);
  gone_streams_.push_back(std::move(own->second));
  streams_.erase(own);
}

// ---- the media plane ------------------------------------------------------------------------------------------------

void Tunnel::send(const ice::Path& path, Bytes packet, TimePoint now) {
  const Turn turn{*this};
  relay_.send(path, packet, now);
}

void Tunnel::release(const ice::Path& path, TimePoint now) {
  const Turn turn{*this};
  relay_.release(path, now);
}

// ---- until a stream is somebody's -----------------------------------------------------------------------------------

// Whatever is wrong with a stream, nothing is answered and it goes on being read, until the moment that was drawn when
// it was opened, or until it has sent more than any request could need. So all that is wrong looks alike.
void Tunnel::read_request(Stream& stream, Bytes& bytes, TimePoint now) {
  stream.waiting_bytes += bytes.size();
  if (!stream.refusal) {
    const auto request = stream.request->next(bytes);
    if (request && *request) consider(stream, **request, now);
    if (stream.user != nullptr) return;
    if (!request) {
      switch (request.error()) {
        case vless::RequestError::Version: stream.refusal = Refusal::Version; break;
        case vless::RequestError::Addons: stream.refusal = Refusal::Addons; break;
        case vless::RequestError::Command: stream.refusal = Refusal::Command; break;
        case vless::RequestError::AddressKind: stream.refusal = Refusal::AddressKind; break;
      }
    }
    if (stream.refusal) counters_.count(*stream.refusal);
  }
  if (stream.waiting_bytes > options_.handshake_bytes_max) end(stream, StreamEnd::TooMuch, Ending::Finish, now);
}

void Tunnel::consider(Stream& stream, const vless::Request& request, TimePoint now) {
  User* const user = directory_.find(request.user);
  if (user == nullptr) {
    stream.refusal = Refusal::UnknownUser;
    return;
  }
  if (request.command == vless::Command::Mux) return admit(stream, *user, request, std::nullopt, now);
  if (!request.target.at) {
    stream.refusal = Refusal::Name;
    return;
  }
  const auto to = Relay::destination_of(*user, *request.target.at);
  if (!to) {
    stream.refusal = Refusal::Foreign;
    return;
  }
  admit(stream, *user, request, to, now);
}

void Tunnel::admit(Stream& stream, User& user, const vless::Request& request, const std::optional<Destination>& to,
                   TimePoint now) {
  ++counters_.admitted;
  waiting_.leave(stream.place, stream.remote);
  stream.request.reset();
  make_place(user, now);
  stream.user = &user;
  stream.command = request.command;
  stream.last_active = now;
  user.used = true;
  user.streams.push_back(&stream);
  if (user.streams.size() == 1) tell(user, UserEvent::Kind::Connected);
  wake(stream, now + options_.idle_timeout);
  // At once: a client that waits to be spoken to must not have to wait for this.
  outlet_.emit(stream, vless::kResponse, {}, Lasting::Yes, now);
  switch (request.command) {
    case vless::Command::Tcp: {
      const auto kind = to->route == Route::Peer ? ChannelKind::PeerBytes : ChannelKind::MediaBytes;
      relay_.open(stream, {.kind = kind, .session = std::nullopt, .destination = to}, now);
      return;
    }
    case vless::Command::Udp:
      relay_.open(stream, {.kind = ChannelKind::Datagrams, .session = std::nullopt, .destination = to}, now);
      return;
    case vless::Command::Mux: return;
  }
}

/// A user who changed networks leaves streams behind that nobody has told of their end: the silent give way.
void Tunnel::make_place(User& user, TimePoint now) {
  while (user.streams.size() >= options_.streams_per_user_max) {
    Stream* const silent = *std::ranges::min_element(user.streams, {}, &Stream::last_active);
    end(*silent, StreamEnd::Superseded, Ending::Finish, now);
  }
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Tunnel::wake(Stream& stream, TimePoint at) {
  if (stream.gone || at >= stream.armed) return;
  if (stream.armed != TimePoint::max()) timers_.erase({stream.armed, stream.id});
  stream.armed = at;
  timers_.emplace(at, stream.id);
}

TimePoint Tunnel::next_timeout() const {
  const TimePoint streams = timers_.empty() ? TimePoint::max() : timers_.begin()->first;
  return std::min(streams, directory_.next_expiry());
}

void Tunnel::handle_timeout(TimePoint now) {
  const Turn turn{*this};
  expire_users(now);
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Stream* const stream = find(timers_.begin()->second);
    timers_.erase(timers_.begin());
    ZVONOK_CHECK(stream != nullptr);
    stream->armed = TimePoint::max();
    on_timer(*stream, now);
  }
}

/// A timer goes off at what was the nearest moment when it was armed; what has moved since is armed again.
void Tunnel::on_timer(Stream& stream, TimePoint now) {
  if (stream.user == nullptr) {
    if (stream.deadline <= now) return end(stream, StreamEnd::NotAdmitted, Ending::Finish, now);
    return wake(stream, stream.deadline);
  }
  if (stream.last_active + options_.idle_timeout <= now) return end(stream, StreamEnd::Idle, Ending::Finish, now);
  relay_.update_reading(stream, now);
  const TimePoint idle_at = stream.last_active + options_.idle_timeout;
  wake(stream, stream.resume_at > now ? std::min(stream.resume_at, idle_at) : idle_at);
}

void Tunnel::expire_users(TimePoint now) {
  for (const User* const user : directory_.expire(now)) {
    ++counters_.expired_users;
    tell(*user, UserEvent::Kind::Expired);
  }
}

void Tunnel::tell(const User& user, UserEvent::Kind kind) {
  events_.push_back({.call = user.call.id, .user = user.index, .kind = kind});
}

}  // namespace zvonok::tunnel
