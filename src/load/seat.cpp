#include "load/seat.h"

#include <utility>

#include <sys/epoll.h>

#include "net/clock.h"

namespace zvonok::load {
namespace {

/// So that one busy socket does not keep timers and other sockets waiting for long.
constexpr int kBatchesPerTurn = 8;

}  // namespace

Seat::Seat(Shared shared, ParticipantOptions options, WsConnection::Target target)
    : shared_{shared}, options_{std::move(options)}, target_{std::move(target)} {}

void Seat::enter() {
  options_.clock = net::read_clocks();
  options_.seed = (std::uint64_t{random_u32(shared_.entropy)} << 32) | random_u32(shared_.entropy);
  begun_ = options_.clock.mono;
  participant_ = std::make_unique<Participant>(options_, shared_.course, shared_.entropy, static_cast<Outlet&>(*this));
  ws_ = std::make_unique<WsConnection>(shared_.loop, static_cast<WsHandler&>(*this), target_,
                                       random_u32(shared_.entropy));
  if (!ws_->refused().empty()) participant_->fail(ws_->refused());
}

void Seat::leave() {
  if (!participant_) return;
  participant_->leave(net::read_clocks().mono);
  shared_.batches.flush();
  if (tcp_) tcp_->flush();
  drop();
}

void Seat::drop() {
  if (timer_) shared_.loop.cancel(*timer_);
  timer_.reset();
  if (udp_.valid()) {
    shared_.loop.remove(udp_.get());
    udp_.reset();
  }
  if (tcp_) {
    tcp_before_ += tcp_->traffic();
    tcp_->close();
    shared_.loop.discard(std::move(tcp_));
  }
  if (ws_) {
    ws_->close();
    shared_.loop.discard(std::move(ws_));
  }
  participant_.reset();
}

void Seat::send_text(std::string_view text) {
  if (ws_) ws_->send(text);
}

void Seat::use_server(const SocketAddress& server) {
  if (options_.carrier == Carrier::Tcp) {
    tcp_ = std::make_unique<TcpPort>(shared_.loop, static_cast<TcpHandler&>(*this), server);
    if (!tcp_->refused().empty()) participant_->fail(tcp_->refused());
    return;
  }
  auto opened = open_udp(server);
  if (!opened) return participant_->fail(std::move(opened.error()));
  udp_ = std::move(*opened);
  if (!shared_.loop.add(udp_.get(), EPOLLIN, *this)) participant_->fail("the loop takes no more sockets");
}

MutableBytes Seat::claim() {
  return claimed_ = shared_.batches.claim().first(kDatagramRoom);
}

void Seat::commit(std::size_t size) {
  if (udp_.valid()) shared_.batches.commit(udp_.get(), size);
  if (tcp_) tcp_->send(claimed_.first(size));
}

void Seat::settle() {
  shared_.batches.flush();
  if (tcp_) tcp_->flush();
  arm();
}

void Seat::on_tcp_datagram(MutableBytes datagram) {
  const TimePoint now = net::read_clocks().mono;
  if (participant_) participant_->on_datagram(now, now, datagram);
}

void Seat::on_tcp_pause() {
  settle();
}

void Seat::on_tcp_end(std::string_view why) {
  if (participant_) participant_->fail(std::string{why});
}

void Seat::on_ws_open() {
  participant_->join(net::read_clocks().mono);
}

void Seat::on_ws_text(std::string_view text) {
  if (!participant_) return;
  participant_->on_text(net::read_clocks().mono, text);
  settle();
}

void Seat::on_ws_end(std::string_view why) {
  if (participant_) participant_->fail(std::string{why});
}

void Seat::on_ready(std::uint32_t) {
  if (!participant_ || !udp_.valid()) return;
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    const auto& datagrams = shared_.batches.receive(udp_.get());
    const TimePoint now = net::read_clocks().mono;
    for (const UdpBatches::Datagram& datagram : datagrams) {
      participant_->on_datagram(now, datagram.at, datagram.bytes);
    }
    if (datagrams.size() < UdpBatches::kBatch) break;
  }
  settle();
}

void Seat::on_timer() {
  timer_.reset();
  participant_->handle_timeout(net::read_clocks().mono);
  settle();
}

void Seat::arm() {
  if (!participant_) return;
  const TimePoint next = participant_->next_timeout();
  if (timer_ && timer_->first == next) return;
  if (timer_) shared_.loop.cancel(*timer_);
  timer_.reset();
  if (next != TimePoint::max()) timer_ = shared_.loop.schedule(next, [this] { on_timer(); });
}

}  // namespace zvonok::load
