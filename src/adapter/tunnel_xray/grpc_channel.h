// Unary gRPC calls to one server, over HTTP/2 without TLS. grpc_channel.cpp is the only unit here that sees the HTTP
// library.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace zvonok::tunnel_xray {

/// The status codes of gRPC that matter here.
enum class GrpcCode : int { Ok = 0, Unknown = 2, Unimplemented = 12, Unavailable = 14 };

struct GrpcStatus {
  GrpcCode code = GrpcCode::Unavailable;  // also codes that have no name here
  std::string message;
  bool tried_again = false;  // after an attempt whose answer was lost: the server may have done it already then
};

struct GrpcAnswer {
  GrpcStatus status;
  std::string body;  // when the status is Ok: the message in its frame, as it came
};

/// A connection for each call: on loopback that costs less than a millisecond. One thread at a time.
class GrpcChannel {
 public:
  struct Options {
    std::string address;  // host:port
    milliseconds connect_timeout{1000};
    milliseconds total_timeout{2000};
  };
  /// The error is one line.
  [[nodiscard]] static Result<std::unique_ptr<GrpcChannel>, std::string> create(Options options);
  ~GrpcChannel();
  GrpcChannel(const GrpcChannel&) = delete;
  GrpcChannel& operator=(const GrpcChannel&) = delete;

  /// Blocks up to `total_timeout`. What the answer holds is not looked at: the status says all. A server that can't be
  /// reached, does not answer in time or speaks no gRPC is Unavailable.
  [[nodiscard]] GrpcStatus call(std::string_view path, std::string_view message);

  struct Limits {
    milliseconds timeout;
    std::size_t bytes_max = 0;
  };
  /// Likewise, where the answer matters. One that is longer than the limit is Unavailable.
  [[nodiscard]] GrpcAnswer ask(std::string_view path, std::string_view message, const Limits& limits);

 private:
  struct Handle;
  explicit GrpcChannel(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
};

}  // namespace zvonok::tunnel_xray
