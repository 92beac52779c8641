// Users of an external tunnel server, and what they have used: what UserKeeper needs of it, and the real thing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapter/tunnel_xray/grpc_channel.h"
#include "adapter/tunnel_xray/messages.h"
#include "adapter/tunnel_xray/stats_messages.h"
#include "base/result.h"
#include "base/time.h"

namespace zvonok::tunnel_xray {

enum class ApiStatus : std::uint8_t {
  Done,
  AlreadyExists,  // of `add`: a user of that email is there, maybe with another id
  NotFound,       // of `remove`
  Unavailable,    // nobody answers; it may have been done, or not
  Refused,        // the server is there and says no: a wrong inbound, another flavour
};

struct ApiAnswer {
  ApiStatus status = ApiStatus::Unavailable;
  std::string detail;  // one line for logs; no secret in it
};

struct TrafficAnswer {
  ApiStatus status = ApiStatus::Unavailable;  // Done, Unavailable, or Refused: statistics are not to be had there
  std::string detail;
  std::vector<TrafficCounter> counters;
};

class UserApi {
 public:
  virtual ~UserApi() = default;
  [[nodiscard]] virtual ApiAnswer add(const TunnelUser& user) = 0;
  [[nodiscard]] virtual ApiAnswer remove(const std::string& email) = 0;
  /// What users have sent and got whose emails begin so, and maybe others. Users without connections so far are
  /// missing.
  [[nodiscard]] virtual TrafficAnswer traffic(const std::string& email_prefix, Reset reset) = 0;
};

/// What a status means: the servers have one code for everything, and texts.
[[nodiscard]] ApiAnswer read_status(const GrpcStatus& status);

/// Likewise of statistics.
[[nodiscard]] ApiAnswer read_stats_status(const GrpcStatus& status);

/// HandlerService and StatsService of an Xray or a v2ray. Blocks; one thread.
class GrpcUserApi final : public UserApi {
 public:
  struct Options {
    Flavour flavour = Flavour::Xray;
    std::string inbound;  // its tag
    /// Calls wait for users, and nothing waits for statistics: users must not wait behind them for long.
    milliseconds stats_timeout{700};
    std::size_t stats_bytes_max = std::size_t{32} << 20;  // about 240 for each call
  };
  GrpcUserApi(std::unique_ptr<GrpcChannel> channel, Options options)
      : channel_{std::move(channel)}, options_{std::move(options)} {}

  [[nodiscard]] ApiAnswer add(const TunnelUser& user) override;
  [[nodiscard]] ApiAnswer remove(const std::string& email) override;
  [[nodiscard]] TrafficAnswer traffic(const std::string& email_prefix, Reset reset) override;

 private:
  std::unique_ptr<GrpcChannel> channel_;
  const Options options_;
};

}  // namespace zvonok::tunnel_xray
