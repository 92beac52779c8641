// Tunnels of calls by an external Xray or v2ray: each side of a call becomes a VLESS user of its inbound. The server is
// told over its gRPC API from a thread of this provider.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapter/tunnel_xray/user_keeper.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/result.h"
#include "port/tunnel_provider.h"

namespace zvonok::tunnel_xray {

class XrayProvider final : public port::TunnelProvider {
 public:
  struct Options {
    GrpcChannel::Options channel;
    GrpcUserApi::Options api;
    KeeperOptions keeper;
    std::string media_endpoint;  // "ip:port", told to both sides: what the tunnel server lets through
  };
  /// Runs something on the control thread, later. Thread-safe.
  using Post = std::function<void(std::move_only_function<void()>)>;
  struct Parts {
    Post post;
    Entropy& entropy;  // of the control thread
    Logger& log;
  };

  /// The error is one line that says what is wrong with the settings. Whether the server is there shows later.
  [[nodiscard]] static Result<std::unique_ptr<XrayProvider>, std::string> create(Options options, Parts parts);
  /// Takes the users away, when the server is there; up to a few seconds. What was posted may run later.
  ~XrayProvider() override;

  void open(const CallId& call, Opened done) override;
  /// Connections that are there live on until the server's `connIdle`: RemoveUser does not cut them. What was used is
  /// told when the server's statistics have told it, in bytes; packets are not counted there.
  void close(const CallId& call, Used used) override;

  /// Of any thread.
  [[nodiscard]] KeeperCounters counters() const;

 private:
  using Task = std::move_only_function<void(UserKeeper&, TimePoint)>;

  XrayProvider(Options options, Parts parts, std::unique_ptr<GrpcChannel> channel);
  void submit(Task task);
  void work();

  const Options options_;
  const Parts parts_;
  GrpcUserApi api_;
  UserKeeper keeper_;  // of the thread
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> tasks_;
  KeeperCounters counters_;
  bool ending_ = false;
  std::jthread thread_;
};

}  // namespace zvonok::tunnel_xray
