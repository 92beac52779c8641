#include "caller/socks_stream.h"

#include <string>

namespace zvonok::caller {

SocksStream::SocksStream(net::Loop& loop, SocksHandler& handler, const SocketAddress& proxy, socks5::Command command,
                         const SocketAddress& target)
    : net::TcpClient{loop, proxy, "the connection to the proxy"}, handler_{handler}, opening_{command, target} {}

void SocksStream::on_bytes(MutableBytes bytes) {
  Bytes chunk = bytes;
  if (!is_granted_) {
    const auto answer = opening_.feed(chunk);
    if (!answer) return end(std::string{socks5::to_text(answer.error())});
    if (opening_.wants_request()) {
      append(opening_.request());
      flush();
    }
    if (!*answer) return;
    is_granted_ = true;
    handler_.on_socks_open(*this, **answer);
  }
  if (is_open() && !chunk.empty()) handler_.on_socks_bytes(*this, chunk);
}

bool SocksStream::send(Bytes bytes) {
  if (!is_open() || waiting() + bytes.size() > kWaitingBytesMax) return false;
  append(as_text(bytes));
  flush();
  return true;
}

}  // namespace zvonok::caller
