// The sound of all telephones at one UDP port: what comes goes back to where it came from, many packets at once.
#pragma once
#include <cstdint>

namespace zvonok::bench {

class Echo {
 public:
  explicit Echo(std::uint16_t port);
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  ~Echo();
  [[nodiscard]] int fd() const { return fd_; }
  void read();

 private:
  int fd_;
};

}  // namespace zvonok::bench
