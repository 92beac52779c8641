#include "app/media/stun_server.h"

#include <utility>

#include <sys/epoll.h>

#include "proto/stun/integrity.h"
#include "proto/stun/message.h"
#include "proto/stun/writer.h"

namespace zvonok::app {
namespace {

constexpr int kBatchesPerTurn = 4;
constexpr int kBufferBytes = 256 * 1024;

}  // namespace

Result<std::unique_ptr<StunServer>, std::string> StunServer::create(net::Loop& loop, const Options& options) {
  auto socket = net::UdpSocket::open({.address = options.address,
                                      .buffers = {.receive_bytes = kBufferBytes, .send_bytes = kBufferBytes},
                                      .send_batch = net::UdpSocket::kBatch});
  if (!socket) return fail(std::move(socket.error()));
  std::unique_ptr<StunServer> made{new StunServer{loop, options, std::move(*socket)}};
  if (!loop.add(made->socket_.fd(), EPOLLIN, *made)) return fail(std::string{"the system is out of descriptors"});
  return made;
}

StunServer::StunServer(net::Loop& loop, const Options& options, net::UdpSocket socket)
    : loop_{loop},
      options_{options},
      socket_{std::move(socket)},
      addresses_{options.addresses_max},
      altogether_{options.altogether, loop.now().mono} {}

StunServer::~StunServer() {
  loop_.remove(socket_.fd());
}

void StunServer::on_ready(std::uint32_t) {
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    const auto& batch = socket_.receive();
    for (const net::UdpSocket::Datagram& datagram : batch) on_datagram(datagram);
    if (batch.size() < net::UdpSocket::kBatch) break;
  }
  socket_.flush();
}

void StunServer::on_datagram(const net::UdpSocket::Datagram& datagram) {
  ++counters_.received;
  const auto message = stun::parse(datagram.bytes);
  if (!message || (message->fingerprint_at && !stun::has_fingerprint(*message))) {
    ++counters_.malformed;
    return;
  }
  // Credentials are of no use here, and a check of ICE is at the wrong door.
  const bool plain = message->message_class == stun::MessageClass::Request && message->method == stun::kBinding &&
                     !message->username && !message->integrity_at && message->not_understood.empty();
  if (!plain || datagram.from.port == 0) {
    ++counters_.refused;
    return;
  }
  if (!may_answer(datagram.from.ip)) {
    ++counters_.limited;
    return;
  }
  stun::MessageWriter answer{socket_.claim(),
                             {.message_class = stun::MessageClass::Success, .transaction = message->transaction}};
  answer.xor_mapped_address(datagram.from);
  if (message->fingerprint_at) answer.fingerprint();
  socket_.commit(datagram.from, datagram.to, answer.finish());
  ++counters_.answered;
}

bool StunServer::may_answer(const IpAddress& address) {
  const TimePoint now = loop_.now().mono;
  const IpAddress owner = address.is_v4() ? address : IpAddress::v6(address.high(), 0);
  TokenBucket& bucket = addresses_.find_or_insert(owner, [&] { return TokenBucket{options_.per_address, now}; });
  return bucket.take(1, now) && altogether_.take(1, now);
}

}  // namespace zvonok::app
