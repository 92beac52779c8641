#include "http.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

namespace zvonok::bench {

Http::Http(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
  const sockaddr_in address = loopback(port);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("no server");
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Http::~Http() {
  ::close(fd_);
}

boost::json::object Http::post(const std::string& path, const boost::json::object& body) {
  return boost::json::parse(ask("POST", path, boost::json::serialize(body))).as_object();
}

double Http::metric(const std::string& name) {
  std::istringstream lines{ask("GET", "/metrics", "")};
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name) || line.find_first_of(" {") != name.size()) continue;
    sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
  }
  return sum;
}

std::string Http::ask(const std::string& method, const std::string& path, const std::string& body) {
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    give_up("the server does not listen");
  }
  std::string got;
  std::array<char, 16384> buffer;
  for (;;) {
    const std::size_t head = got.find("\r\n\r\n");
    if (head != std::string::npos) {
      std::size_t length = 0;
      for (std::size_t at = 0; at < head; at = got.find("\r\n", at) + 2) {
        if (::strncasecmp(got.c_str() + at, "content-length:", 15) == 0) length = std::stoul(got.substr(at + 15));
      }
      if (got.size() >= head + 4 + length) {
        const std::string answer = got.substr(head + 4, length);
        if (got.compare(9, 1, "2") != 0) give_up(path + ": " + got.substr(0, 200) + answer);
        return answer;
      }
    }
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) give_up("the server hung up");
    got.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace zvonok::bench
