#include "load/tcp_port.h"

#include <array>

namespace zvonok::load {
namespace {

constexpr std::size_t kDatagramBytesMax = 4096;

}  // namespace

TcpPort::TcpPort(net::Loop& loop, TcpHandler& handler, const SocketAddress& server)
    : net::TcpClient{loop, server, "media over TCP"},
      handler_{handler},
      deframer_{{.frame_bytes_max = kDatagramBytesMax}} {}

void TcpPort::on_bytes(MutableBytes bytes) {
  static thread_local std::array<std::uint8_t, kDatagramBytesMax> datagram;
  Bytes chunk = bytes;
  while (!is_ended()) {
    const auto next = deframer_.next(chunk);
    if (!next) return end("the server broke the framing of media over TCP");
    if (!*next) return;
    ++traffic_.received;
    copy_bytes(**next, datagram);
    handler_.on_tcp_datagram(MutableBytes{datagram}.first((*next)->size()));
  }
}

void TcpPort::send(Bytes datagram) {
  if (is_ended()) return;
  if (waiting() + datagram.size() > kWaitingBytesMax) {
    ++traffic_.not_sent;
    return;
  }
  ++traffic_.sent;
  append(as_text(framing::frame_header(datagram.size())));
  append(as_text(datagram));
}

}  // namespace zvonok::load
