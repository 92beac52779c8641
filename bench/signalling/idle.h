// Many authenticated WebSockets that do nothing: what each of them costs in memory.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "signalling/hub.h"
#include "signalling/server_process.h"
#include "signalling/tokens.h"
#include "signalling/ws_client.h"

namespace zvonok::bench {

struct IdleOptions {
  std::size_t connections = 10'000;  // each of a user of its own
  std::size_t at_once = 64;          // connections under way
  std::int64_t settle_ns = 0;
};

struct IdleResult {
  double bytes_per_connection = 0;  // growth of resident memory
  double resident_before = 0;       // bytes, after a few connections have come and gone
  double resident_after = 0;
};

class IdleBench final : public WsClientHandler {
 public:
  IdleBench(Hub& hub, const ServerProcess& server, const Tokens& tokens, const IdleOptions& options);

  [[nodiscard]] IdleResult run();

 private:
  void on_open(WsClient& client) override;
  void on_text(WsClient& client, std::string_view text) override;
  void on_end(WsClient& client, std::string_view why) override;
  void connect(std::size_t count);
  void settle();

  Hub& hub_;
  const ServerProcess& server_;
  const Tokens& tokens_;
  const IdleOptions options_;
  std::vector<std::unique_ptr<WsClient>> clients_;
  std::size_t greeted_ = 0;
};

}  // namespace zvonok::bench
