// A plain blocking client for tests: raw bytes, HTTP/1.1 responses, optionally TLS. Shares no code with the server.
// Every wait ends after kPatience, which is a failure, never a way to let time pass.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zvonok::test {

constexpr std::chrono::seconds kPatience{20};

struct HttpReply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  [[nodiscard]] std::string header(std::string_view lower_case_name) const;
};

struct ConnectOptions {
  bool tls = false;
  /// 127.0.0.x to come from; empty: the system chooses.
  std::string source_address;
  /// Receive buffer of the socket in bytes; 0: the system's. Small for slow readers.
  int receive_buffer = 0;
};

class TcpClient {
 public:
  /// Throws std::runtime_error when nobody listens.
  explicit TcpClient(std::uint16_t port, ConnectOptions options = {});
  ~TcpClient();
  TcpClient(TcpClient&& other) noexcept;
  TcpClient& operator=(TcpClient&& other) noexcept;

  /// False when the peer closed before everything was taken.
  bool send(std::string_view bytes);
  /// At most `most` more bytes; empty at the end of the stream. Throws when kPatience passes.
  std::string read_some(std::size_t most = 65536);
  /// Exactly `count` bytes, or fewer at the end of the stream.
  std::string read_exactly(std::size_t count);
  /// Everything up to the end of the stream.
  std::string read_all();
  /// Nothing when the connection ended before a whole response. `head`: the request was HEAD.
  std::optional<HttpReply> read_reply(bool head = false);
  /// Half-close: no more bytes from here.
  void finish_sending();
  /// Ends with RST instead of FIN.
  void reset();
  /// Subject common name of the peer's certificate (TLS only).
  [[nodiscard]] std::string peer_name() const;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  struct Tls;
  bool fill();
  std::string take(std::size_t count);

  int fd_ = -1;
  std::unique_ptr<Tls> tls_;
  std::string buffer_;
};

struct HttpCall {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string token;  // sent as a bearer
};

/// One request on a connection of its own. Throws when there is no response.
HttpReply http(std::uint16_t port, const HttpCall& call);
/// The bytes of a request, with Host and Content-Length.
std::string request_bytes(const HttpCall& call);

}  // namespace zvonok::test
