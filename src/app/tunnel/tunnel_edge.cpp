#include "app/tunnel/tunnel_edge.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/media/media_ports.h"
#include "base/check.h"
#include "net/connection.h"
#include "net/ws_session.h"
#include "proto/stun/message.h"
#include "proto/stun/writer.h"
#include "proto/vless/early_data.h"
#include "proto/websocket/frame.h"
#include "proto/websocket/handshake.h"

namespace zvonok::app {
namespace {

// Between the turns of a busy loop while there are tunnels, in which media waits.
constexpr Duration kTurnGapMax = microseconds{100};
constexpr std::size_t kTurnCrowd = 8;

// Virtual (RFC 2544 benchmarking addresses, which lead nowhere): the same for every call, since a key leads to one call
// only.
constexpr SocketAddress kPeerAddress{.ip = IpAddress::v4(0xC6120001), .port = 10000};  // 198.18.0.1
// Of one stream: about as much as a socket takes at once. The tunnel's own queues lie behind it, and know what is old.
constexpr std::size_t kUnsentMax = 64 * 1024;

tunnel::StreamId stream_of(ConnectionId id) {
  return tunnel::StreamId{id.value()};
}
ConnectionId connection_of(tunnel::StreamId stream) {
  return ConnectionId{stream.value()};
}

call::TunnelTraffic traffic_of(const tunnel::Usage& usage) {
  const auto number = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
  return {.bytes_sent = number(usage.up.bytes),
          .packets_sent = number(usage.up.packets),
          .bytes_received = number(usage.down.bytes),
          .packets_received = number(usage.down.packets)};
}

}  // namespace

TunnelEdge::TunnelEdge(Parts parts, const tunnel::Options& options)
    : parts_{parts}, tunnel_{{.sink = *this, .door = *this, .entropy = parts.entropy}, options} {}

// ---- WebSockets ----------------------------------------------------------------------------------------------------

bool TunnelEdge::is_tunnel(const HttpRequest& request) {
  const auto upgrade = request.header("Upgrade");
  return request.path == "/call" && upgrade && websocket::has_token(*upgrade, "websocket");
}

void TunnelEdge::handle(const HttpRequest& request, net::Responder respond) {
  net::WsRules rules{.binary = net::WsBinary::AsBytes, .rate = net::WsRate::Unlimited};
  const tunnel::Options defaults;
  rules.message_bytes_max = defaults.queued_bytes_max - defaults.pause_bytes;
  const auto protocol = request.header("Sec-WebSocket-Protocol");
  const auto early = protocol ? vless::decode_early_data(*protocol) : std::nullopt;
  if (early) rules.protocol = *protocol;
  const auto remote = IpAddress::parse(request.remote_address);
  const ConnectionId id = respond.connection();
  if (!respond.upgrade(*this, rules)) return;
  if (tunnel_.open(stream_of(id), remote.value_or(IpAddress{}), now()) == tunnel::Tunnel::Opened::TooMany) {
    server_->ws_close(id, websocket::CloseCode::Normal, "");
    return;
  }
  if (early) tunnel_.on_bytes(stream_of(id), *early, now());
  settle();
}

void TunnelEdge::on_ws_message(ConnectionId id, std::string_view text) {
  feed(id, text);  // whatever it is, it is no VLESS client's
}

void TunnelEdge::on_ws_binary(ConnectionId id, std::string_view bytes) {
  feed(id, bytes);
}

void TunnelEdge::feed(ConnectionId id, std::string_view bytes) {
  tunnel_.on_bytes(stream_of(id), as_bytes(bytes), now());
  settle();
}

void TunnelEdge::on_ws_drained(ConnectionId id) {
  tunnel_.on_writable(stream_of(id), now());
  settle();
}

void TunnelEdge::on_ws_close(ConnectionId id) {
  tunnel_.on_closed(stream_of(id), now());
  settle();
}

MutableBytes TunnelEdge::append(tunnel::StreamId stream, std::size_t bytes) {
  net::WsSession* const session = server_->find_ws(connection_of(stream));
  return session == nullptr ? MutableBytes{} : session->claim(bytes, kUnsentMax);
}

void TunnelEdge::set_reading(tunnel::StreamId stream, tunnel::Reading reading) {
  net::WsSession* const session = server_->find_ws(connection_of(stream));
  if (session == nullptr) return;
  if (reading == tunnel::Reading::On) {
    session->release_reading();
  } else {
    session->hold_reading();
  }
}

void TunnelEdge::close(tunnel::StreamId stream, tunnel::Ending ending) {
  const ConnectionId id = connection_of(stream);
  if (ending == tunnel::Ending::Finish) {
    server_->ws_close(id, websocket::CloseCode::Normal, "");
    return;
  }
  // The tunnel may not be called from here, and a connection that ends says so at once.
  parts_.loop.post([this, id] {
    if (net::Connection* const connection = server_->find(id)) connection->close(net::CloseReason::Application);
  });
}

// ---- media ---------------------------------------------------------------------------------------------------------

// Each media thread has a port of its own at the virtual address, so a packet's own address says where it belongs.

MediaShard* TunnelEdge::shard_of(const ice::Path& path) {
  const auto index = static_cast<std::size_t>(path.local.port - kSfuInTunnel.port);
  return media_ != nullptr && index < media_->size() ? &media_->at(index) : nullptr;
}

void TunnelEdge::on_datagram(const ice::Path& path, MutableBytes packet) {
  if (answer_probe(path, packet)) return;
  if (MediaShard* const shard = shard_of(path)) shard->deliver(path, packet);
}

void TunnelEdge::on_closed(const ice::Path& path) {
  if (MediaShard* const shard = shard_of(path)) shard->close_path(path);
}

/// A client finds out whether its tunnel is up by a plain STUN request: who got here has shown a key of the call. With
/// a user name it is a check of ICE, and for media.
bool TunnelEdge::answer_probe(const ice::Path& path, Bytes packet) {
  if (!stun::looks_like_stun(packet)) return false;
  const auto message = stun::parse(packet);
  if (!message || message->message_class != stun::MessageClass::Request || message->method != stun::kBinding ||
      message->username || message->integrity_at || !message->not_understood.empty()) {
    return false;
  }
  std::array<std::uint8_t, 64> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
  stun::MessageWriter answer{buffer,
                             {.message_class = stun::MessageClass::Success, .transaction = message->transaction}};
  answer.xor_mapped_address(path.remote);
  if (message->fingerprint_at) answer.fingerprint();
  tunnel_.send(path, Bytes{buffer}.first(answer.finish()), now());
  return true;
}

void TunnelEdge::send_to_tunnel(const ice::Path& path, Bytes packet) {
  tunnel_.send(path, packet, now());
}

void TunnelEdge::release_in_tunnel(const ice::Path& path) {
  tunnel_.release(path, now());
}

void TunnelEdge::end_of_batch() {
  settle();
}

// ---- calls ---------------------------------------------------------------------------------------------------------

void TunnelEdge::open(const CallId& call, Opened done) {
  tunnel::NewCall fresh{.id = call, .users = {}, .sfu = std::nullopt};
  std::string sfu;
  if (media_ != nullptr) {
    fresh.sfu = kSfuInTunnel;
    fresh.sfu_ports = static_cast<std::uint16_t>(media_->size());
    sfu = kSfuInTunnel.to_text();
  }
  port::TunnelAccesses accesses;
  for (std::size_t i = 0; i < accesses.size(); ++i) {
    const std::string uuid = make_uuid(parts_.entropy);
    const auto key = vless::parse_user_key(uuid);
    ZVONOK_CHECK(key);
    fresh.users[i] = {.key = *key, .peer = kPeerAddress};
    accesses[i] = {.user = Private<std::string>{uuid}, .peer_endpoint = kPeerAddress.to_text(), .sfu_endpoint = sfu};
  }
  const auto added = tunnel_.add_call(fresh, now());
  settle();
  if (added) {
    done(std::move(accesses));
  } else {
    done(fail(
        std::string{added.error() == tunnel::AddError::Full ? "too many calls" : "the call's id or key is taken"}));
  }
}

void TunnelEdge::close(const CallId& call, Used used) {
  const auto usage = tunnel_.remove_call(call, now());
  settle();
  if (!usage) return used(std::nullopt);
  std::array<call::TunnelTraffic, 2> sides;
  std::ranges::transform(*usage, sides.begin(), traffic_of);
  parts_.log.info("tunnel closed", {{"call", call},
                                    {"caller_sent_bytes", (*usage)[0].up.bytes},
                                    {"caller_sent_packets", (*usage)[0].up.packets},
                                    {"callee_sent_bytes", (*usage)[1].up.bytes},
                                    {"callee_sent_packets", (*usage)[1].up.packets}});
  used(sides);
}

/// After everything that may have moved the tunnel's deadlines.
/// A busy loop may hold messages back for longer than media should be.
void TunnelEdge::moderate() {
  const bool carries = tunnel_.stream_count() > 0;
  if (std::exchange(carries_, carries) == carries) return;
  if (carries) {
    parts_.loop.moderate_turns(kTurnGapMax, kTurnCrowd);
  } else {
    parts_.loop.moderate_server_turns();
  }
}

void TunnelEdge::settle() {
  moderate();
  for (const tunnel::UserEvent& event : tunnel_.take_events()) {
    if (event.kind != tunnel::UserEvent::Kind::Expired) continue;
    parts_.log.info("a tunnel was not used in time",
                    {{"call", event.call}, {"side", event.user == 0 ? "caller" : "callee"}});
  }
  const TimePoint next = tunnel_.next_timeout();
  if (timer_ && timer_->first <= next) return;
  if (timer_) parts_.loop.cancel(*timer_);
  timer_.reset();
  if (next == TimePoint::max()) return;
  timer_ = parts_.loop.schedule(next, [this] {
    timer_.reset();
    tunnel_.handle_timeout(now());
    settle();
  });
}

}  // namespace zvonok::app
