// See child.h.
#include "contract/phone/child.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/fd.h"

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
}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 100; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Child::is_running() {
  if (pid_ <= 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
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
  // From a place that another process of this test is not at; the system's own choices are above.
  static std::uint16_t next = static_cast<std::uint16_t>(10000 + ::getpid() % 2000 * 4);
  for (int i = 0; i < 1000; ++i) {
    const std::uint16_t port = next;
    next = static_cast<std::uint16_t>(next >= 18000 ? 10000 : next + 4);
    bool good = true;
    for (std::uint16_t j = 0; j < 4; ++j) {
      const auto candidate = static_cast<std::uint16_t>(port + j);
      good = good && can_bind(SOCK_DGRAM, candidate) && can_bind(SOCK_STREAM, candidate);
    }
    if (good) return port;
  }
  return 0;
}

bool is_bound(std::uint16_t port, int type) {
  return !can_bind(type, port);
}

}  // namespace zvonok::test
