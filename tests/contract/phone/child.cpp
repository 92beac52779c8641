// See child.h.
#include "contract/phone/child.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace zvonok::test {
namespace {

bool can_bind(int type, std::uint16_t port) {
  const net::Fd fd{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Numbers that are this process's for as long as it lives, below those that the system chooses by itself.
class PortBlock {
 public:
  static constexpr int kGroups = 50;
  static constexpr std::uint16_t kGroup = 8;
  static constexpr std::uint16_t kUsed = 6;

  PortBlock() {
    constexpr int kBlocks = 20;
    for (int i = 0; i < kBlocks; ++i) {
      const int block = (::getpid() + i) % kBlocks;
      first_ = static_cast<std::uint16_t>(10000 + block * kGroups * kGroup);
      if (take(block)) return;
    }
    ADD_FAILURE() << "all blocks of ports are taken";
  }
  std::uint16_t next() {
    const int group = next_++ % kGroups;
    return static_cast<std::uint16_t>(first_ + group * kGroup);
  }

 private:
  /// By a name that one process can have at a time, and has until it ends.
  bool take(int block) {
    lock_ = net::Fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "zvonok-test-ports-" + std::to_string(block);
    std::copy(text.begin(), text.end(), name.sun_path + 1);  // the empty first byte: no file
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    return ::bind(lock_.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0;
  }

  net::Fd lock_;
  std::uint16_t first_ = 0;
  int next_ = 0;
};

}  // namespace

Child::Child(std::vector<std::string> command, const std::string& output) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const char* to = output.empty() ? "/dev/null" : output.c_str();
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, to, O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  EXPECT_EQ(::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ), 0)
      << command[0] << " is not installed (scripts/deps.sh test)";
  posix_spawn_file_actions_destroy(&actions);
  ended_ = net::Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  EXPECT_TRUE(ended_.valid());
}

Child::~Child() {
  stop();
}

void Child::stop(int patience_ms) {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  if (!await_end(patience_ms)) ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool Child::await_end(int milliseconds) const {
  pollfd ended{.fd = ended_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, milliseconds) > 0;
}

bool Child::is_running() const {
  return pid_ > 0 && !await_end(0);
}

bool Child::wait_until(const std::function<bool()>& holds) const {
  constexpr int kAskAgainMs = 5;
  for (int waited = 0; waited < 10'000; waited += kAskAgainMs) {
    if (holds()) return true;
    if (pid_ <= 0 || await_end(kAskAgainMs)) return false;
  }
  return false;
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "zvonok-phone-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream{path(name)} << text;
  return path(name);
}

std::string Folder::read(const std::string& name) const {
  std::stringstream text;
  text << std::ifstream{path(name)}.rdbuf();
  return text.str();
}

std::uint16_t free_port() {
  static PortBlock block;
  for (int i = 0; i < PortBlock::kGroups; ++i) {
    const std::uint16_t port = block.next();
    bool good = true;
    for (std::uint16_t j = 0; j < PortBlock::kUsed; ++j) {
      const auto candidate = static_cast<std::uint16_t>(port + j);
      good = good && can_bind(SOCK_DGRAM, candidate) && can_bind(SOCK_STREAM, candidate);
    }
    if (good) return port;
  }
  ADD_FAILURE() << "no port is free";
  return 0;
}

bool is_bound(std::uint16_t port, int type) {
  return !can_bind(type, port);
}

}  // namespace zvonok::test
