// An answer that is sent bit by bit until one side ends it, such as server-sent events. Its end is the connection's
// (RFC 9112 section 6.3, rule 8), so what the client sends meanwhile is not read as requests.
#pragma once
#include <string_view>

#include "net/connection.h"
#include "net/responder.h"
#include "net/session.h"

namespace zvonok::net {

class StreamSession final : public Session {
 public:
  StreamSession(Connection& connection, StreamWatcher& watcher) : connection_{connection}, watcher_{watcher} {}

  /// False when the client reads too slowly: the connection is closed then.
  bool send(std::string_view bytes);
  void end(CloseReason reason);

  void on_bytes(MutableBytes) override {}
  void on_drained() override {}
  void on_sweep(TimePoint) override {}
  void on_drain(std::string_view) override { end(CloseReason::Shutdown); }
  void on_closed(CloseReason) override;
  [[nodiscard]] StreamSession* as_stream() override { return this; }

 private:
  Connection& connection_;
  StreamWatcher& watcher_;
  bool ended_ = false;
};

}  // namespace zvonok::net
