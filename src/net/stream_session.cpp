#include "net/stream_session.h"

#include "net/server.h"

namespace zvonok::net {
namespace {
constexpr std::size_t kUnsentBytesMax = 256 * 1024;
}  // namespace

bool StreamSession::send(std::string_view bytes) {
  if (ended_) return false;
  if (connection_.unsent_bytes() + bytes.size() > kUnsentBytesMax) {
    end(CloseReason::SlowConsumer);
    return false;
  }
  connection_.output() += bytes;
  connection_.flush_later();
  return true;
}

void StreamSession::end(CloseReason reason) {
  if (ended_) return;
  ended_ = true;
  const Server& server = connection_.server();
  connection_.finish(reason, connection_.server().now().mono + server.options().http.linger_timeout);
}

void StreamSession::on_closed(CloseReason) {
  ended_ = true;
  watcher_.on_stream_end(connection_.id());
}

}  // namespace zvonok::net
