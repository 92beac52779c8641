// Adding and removing users of an external tunnel server: what UserKeeper needs of it, and the real thing.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "adapter/tunnel_xray/grpc_channel.h"
#include "adapter/tunnel_xray/messages.h"
#include "base/result.h"

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

class UserApi {
 public:
  virtual ~UserApi() = default;
  [[nodiscard]] virtual ApiAnswer add(const TunnelUser& user) = 0;
  [[nodiscard]] virtual ApiAnswer remove(const std::string& email) = 0;
};

/// What a status means: the servers have one code for everything, and texts.
[[nodiscard]] ApiAnswer read_status(const GrpcStatus& status);

/// HandlerService of an Xray or a v2ray. Blocks; one thread.
class GrpcUserApi final : public UserApi {
 public:
  struct Options {
    Flavour flavour = Flavour::Xray;
    std::string inbound;  // its tag
  };
  GrpcUserApi(std::unique_ptr<GrpcChannel> channel, Options options)
      : channel_{std::move(channel)}, options_{std::move(options)} {}

  [[nodiscard]] ApiAnswer add(const TunnelUser& user) override;
  [[nodiscard]] ApiAnswer remove(const std::string& email) override;

 private:
  std::unique_ptr<GrpcChannel> channel_;
  const Options options_;
};

}  // namespace zvonok::tunnel_xray
