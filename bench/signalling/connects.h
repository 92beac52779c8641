// Clients that connect with a token, are greeted, and go: how fast a server lets people in.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signalling/hub.h"
#include "signalling/server_process.h"
#include "signalling/tokens.h"
#include "signalling/ws_client.h"

namespace zvonok::bench {

struct ConnectOptions {
  std::size_t users = 2000;
  std::size_t at_once = 64;  // connections under way
  std::int64_t measured_ns = 0;
};

struct ConnectResult {
  double first_per_second = 0;  // every user once; the server has not seen them before
  double per_second = 0;        // the same users again and again
  double per_cpu_second = 0;
  double server_core_share = 0;
  double generator_core_share = 0;
};

class ConnectBench final : public WsClientHandler {
 public:
  ConnectBench(Hub& hub, const ServerProcess& server, const Tokens& tokens, const ConnectOptions& options);

  /// TCP connect, upgrade with the token, `client:hello` and its answer, then a reset.
  [[nodiscard]] ConnectResult run();

 private:
  void on_open(WsClient& client) override;
  void on_text(WsClient& client, std::string_view text) override;
  void on_end(WsClient& client, std::string_view why) override;
  void open_next(WsClient& client);
  void pass(std::uint64_t greeted_max, std::int64_t end_ns);

  Hub& hub_;
  const ServerProcess& server_;
  const ConnectOptions options_;
  std::vector<std::size_t> users_;   // who each client is at present
  std::vector<std::string> tokens_;  // by user
  std::vector<std::unique_ptr<WsClient>> clients_;
  std::vector<WsClient*> idle_;  // greeted, to be opened again after the turn
  std::uint64_t opened_ = 0;
  std::uint64_t greeted_ = 0;
};

/// One of the source addresses that connections are spread over, so that none runs out of ports.
[[nodiscard]] std::uint32_t source_address(std::uint64_t connection);
/// Whether `text` is the server's answer to `client:hello` for that user.
[[nodiscard]] bool is_greeting(std::string_view text, std::string_view user);

}  // namespace zvonok::bench
