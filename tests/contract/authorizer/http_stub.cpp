// See http_stub.h.
#include "contract/authorizer/http_stub.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/self_signed.h"

namespace zvonok::test {
namespace {

/// A socket on 127.0.0.1 at a port that the system chooses.
int bound_socket(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error{"no port"};
  }
  port = ntohs(address.sin_port);
  return fd;
}

std::size_t content_length(const std::string& head) {
  const std::string name = "Content-Length: ";
  const std::size_t at = head.find(name);
  return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + name.size(), nullptr, 10);
}

}  // namespace

struct HttpStub::Tls {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
};

namespace {

/// One connection, plain or TLS.
class Wire {
 public:
  Wire(int fd, int ended, SSL_CTX* context) : fd_{fd}, ended_{ended} {
    if (context == nullptr) return;
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    broken_ = SSL_accept(ssl_) != 1;
  }
  ~Wire() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    ::close(fd_);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// nullopt when the peer or the stub has ended.
  std::optional<StubRequest> read_request() {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return std::nullopt;
    }
    StubRequest request{.head = buffer_.substr(0, end + 2), .body = {}};
    buffer_.erase(0, end + 4);
    const std::size_t length = content_length(request.head);
    while (buffer_.size() < length) {
      if (!fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
  }
  void write(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size() && !broken_;) {
      const std::size_t left = std::min<std::size_t>(bytes.size() - at, 16'384);
      const auto count = ssl_ != nullptr ? SSL_write(ssl_, bytes.data() + at, static_cast<int>(left))
                                         : static_cast<int>(::send(fd_, bytes.data() + at, left, MSG_NOSIGNAL));
      if (count <= 0) {
        broken_ = true;
      } else {
        at += static_cast<std::size_t>(count);
      }
    }
  }
  void wait_for_the_end() const {
    pollfd end{.fd = ended_, .events = POLLIN, .revents = 0};
    (void)::poll(&end, 1, -1);
  }

 private:
  bool fill() {
    if (broken_) return false;
    std::array<pollfd, 2> either{pollfd{.fd = fd_, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = ended_, .events = POLLIN, .revents = 0}};
    const bool waits = ssl_ == nullptr || SSL_pending(ssl_) == 0;
    if (waits && (::poll(either.data(), either.size(), -1) < 0 || either[1].revents != 0)) return false;
    std::array<char, 4096> bytes{};
    const auto count = ssl_ != nullptr ? SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                       : static_cast<int>(::recv(fd_, bytes.data(), bytes.size(), 0));
    if (count <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(count));
    return true;
  }

  int fd_;
  int ended_;
  SSL* ssl_ = nullptr;
  bool broken_ = false;
  std::string buffer_;
};

}  // namespace

std::string http_response(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Some Words\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::uint16_t closed_port() {
  std::uint16_t port = 0;
  ::close(bound_socket(port));
  return port;
}

HttpStub::HttpStub(Answer answer) : HttpStub{std::move(answer), nullptr, {}} {}

std::unique_ptr<HttpStub> HttpStub::with_tls(Answer answer, const std::string& folder) {
  const std::string certificate = folder + "/certificate.pem";
  const std::string key = folder + "/key.pem";
  write_self_signed("localhost", certificate, key);
  auto tls = std::make_unique<Tls>();
  if (SSL_CTX_use_certificate_chain_file(tls->context.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls->context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error{"no certificate"};
  }
  return std::unique_ptr<HttpStub>{new HttpStub{std::move(answer), std::move(tls), certificate}};
}

HttpStub::HttpStub(Answer answer, std::unique_ptr<Tls> tls, std::string certificate)
    : answer_{std::move(answer)}, tls_{std::move(tls)}, certificate_{std::move(certificate)} {
  std::signal(SIGPIPE, SIG_IGN);  // as the program does: a client may hang up under TLS
  listener_ = bound_socket(port_);
  ended_ = ::eventfd(0, EFD_CLOEXEC);
  if (::listen(listener_, 64) != 0 || ended_ < 0) throw std::runtime_error{"cannot listen"};
  accepting_ = std::thread{[this] { accept_all(); }};
}

HttpStub::~HttpStub() {
  const std::uint64_t one = 1;
  (void)!::write(ended_, &one, sizeof one);
  accepting_.join();
  for (std::thread& thread : serving_) thread.join();
  ::close(listener_);
  ::close(ended_);
}

std::string HttpStub::url() const {
  return (tls_ ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port_) + "/may-enter";
}

std::vector<StubRequest> HttpStub::requests() const {
  const std::lock_guard lock{mutex_};
  return requests_;
}

void HttpStub::accept_all() {
  for (;;) {
    std::array<pollfd, 2> either{pollfd{.fd = listener_, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = ended_, .events = POLLIN, .revents = 0}};
    if (::poll(either.data(), either.size(), -1) < 0 || either[1].revents != 0) return;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    serving_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpStub::serve(int fd) {
  Wire wire{fd, ended_, tls_ ? tls_->context.get() : nullptr};
  while (auto request = wire.read_request()) {
    {
      const std::lock_guard lock{mutex_};
      requests_.push_back(*request);
    }
    const StubReply reply = answer_(*request);
    wire.write(reply.bytes);
    switch (reply.afterwards) {
      case Afterwards::KeepOpen: break;
      case Afterwards::Close: return;
      case Afterwards::Hang: wire.wait_for_the_end(); return;
    }
  }
}

}  // namespace zvonok::test
