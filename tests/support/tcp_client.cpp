#include "support/tcp_client.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace zvonok::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error{what};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void wait_for(int fd, short events) {
  pollfd wanted{.fd = fd, .events = events, .revents = 0};
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count();
  if (::poll(&wanted, 1, static_cast<int>(patience)) == 0) give_up("the server kept silent for too long");
}

}  // namespace

struct TcpClient::Tls {
  SSL_CTX* context = nullptr;
  SSL* session = nullptr;
  ~Tls() {
    SSL_free(session);
    SSL_CTX_free(context);
  }
};

std::string HttpReply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

TcpClient::TcpClient(std::uint16_t port, ConnectOptions options) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) give_up(std::string{"socket: "} + std::strerror(errno));
  if (options.receive_buffer > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (!options.source_address.empty()) {
    ::inet_pton(AF_INET, options.source_address.c_str(), &address.sin_addr);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("bind failed");
  }
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd_);
    fd_ = -1;
    give_up("connect: " + why);
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!options.tls) return;
  tls_ = std::make_unique<Tls>();
  tls_->context = SSL_CTX_new(TLS_client_method());
  tls_->session = SSL_new(tls_->context);
  SSL_set_fd(tls_->session, fd_);
  if (SSL_connect(tls_->session) != 1) give_up("TLS handshake failed");
}

TcpClient::~TcpClient() {
  tls_.reset();
  if (fd_ >= 0) ::close(fd_);
}

TcpClient::TcpClient(TcpClient&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)}, tls_{std::move(other.tls_)}, buffer_{std::move(other.buffer_)} {}

TcpClient& TcpClient::operator=(TcpClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(tls_, other.tls_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

bool TcpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = 0;
    if (tls_) {
      sent = SSL_write(tls_->session, bytes.data(), static_cast<int>(bytes.size()));
    } else {
      wait_for(fd_, POLLOUT);
      sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) continue;
    }
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool TcpClient::fill() {
  char chunk[65536];
  ssize_t got = 0;
  if (tls_) {
    got = SSL_read(tls_->session, chunk, sizeof chunk);
  } else {
    wait_for(fd_, POLLIN);
    got = ::recv(fd_, chunk, sizeof chunk, 0);
  }
  if (got <= 0) return false;
  buffer_.append(chunk, static_cast<std::size_t>(got));
  return true;
}

std::string TcpClient::take(std::size_t count) {
  std::string out = buffer_.substr(0, count);
  buffer_.erase(0, out.size());
  return out;
}

std::string TcpClient::read_some(std::size_t most) {
  if (buffer_.empty() && !fill()) return {};
  return take(most);
}

std::string TcpClient::read_exactly(std::size_t count) {
  while (buffer_.size() < count && fill()) {
  }
  return take(count);
}

std::string TcpClient::read_all() {
  while (fill()) {
  }
  return take(buffer_.size());
}

std::optional<HttpReply> TcpClient::read_reply(bool head) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  const std::string text = take(end + 4);
  HttpReply reply;
  if (!text.starts_with("HTTP/1.1 ") || text.size() < 12) give_up("not an HTTP response: " + text.substr(0, 80));
  reply.status = std::stoi(text.substr(9, 3));
  for (std::size_t at = text.find("\r\n") + 2; at + 2 < text.size();) {
    const std::size_t line_end = text.find("\r\n", at);
    const std::size_t colon = text.find(':', at);
    if (colon < line_end) {
      reply.headers.emplace_back(lower(text.substr(at, colon - at)), text.substr(colon + 2, line_end - colon - 2));
    }
    at = line_end + 2;
  }
  const std::string length = reply.header("content-length");
  if (head || length.empty()) return reply;
  const auto wanted = static_cast<std::size_t>(std::stoull(length));
  reply.body = read_exactly(wanted);
  if (reply.body.size() != wanted) return std::nullopt;
  return reply;
}

void TcpClient::finish_sending() {
  ::shutdown(fd_, SHUT_WR);
}

void TcpClient::reset() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(fd_);
  fd_ = -1;
}

std::string TcpClient::peer_name() const {
  X509* certificate = SSL_get_peer_certificate(tls_->session);
  if (certificate == nullptr) return {};
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  X509_free(certificate);
  return name;
}

std::string request_bytes(const HttpCall& call) {
  std::string out = call.method + " " + call.target + " HTTP/1.1\r\n";
  bool has_host = false;
  for (const auto& [name, value] : call.headers) {
    has_host = has_host || lower(name) == "host";
    out += name + ": " + value + "\r\n";
  }
  if (!has_host) out += "Host: localhost\r\n";
  if (!call.token.empty()) out += "Authorization: Bearer " + call.token + "\r\n";
  if (!call.body.empty()) {
    out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(call.body.size()) + "\r\n";
  }
  return out + "\r\n" + call.body;
}

HttpReply http(std::uint16_t port, const HttpCall& call) {
  TcpClient client{port};
  client.send(request_bytes(call));
  auto reply = client.read_reply(call.method == "HEAD");
  if (!reply) give_up("no response to " + call.method + " " + call.target);
  return std::move(*reply);
}

}  // namespace zvonok::test
