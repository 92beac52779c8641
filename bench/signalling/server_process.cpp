#include "signalling/server_process.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalling/clock.h"
#include "signalling/failure.h"

namespace zvonok::bench {
namespace {

constexpr int kStartAttempts = 5;
constexpr std::int64_t kStartNsMax = 20 * kSecondNs;
constexpr std::int64_t kStopNsMax = 15 * kSecondNs;
constexpr std::chrono::milliseconds kPollInterval{20};
constexpr std::size_t kLogBytesShown = 2000;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

std::uint16_t find_free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  const bool found = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!found) throw Failure{"cannot find a free port"};
  return ntohs(address.sin_port);
}

bool accepts_connections(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw Failure{"cannot make a socket"};
  const sockaddr_in address = loopback(port);
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// In the child, between fork and exec.
[[noreturn]] void become(const ServerCommand& command, const std::string& folder, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no server outlives the benchmark
  if (::getppid() != parent) std::_Exit(126);
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(command.core), &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
  set_niceness(command.niceness);
  const int log = ::open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (log < 0) std::_Exit(126);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  if (::chdir(folder.c_str()) != 0) std::_Exit(126);
  for (const auto& [name, value] : command.environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  arguments.reserve(command.arguments.size() + 1);
  for (const std::string& argument : command.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  std::_Exit(127);
}

}  // namespace

ServerProcess::ServerProcess(const ServerCommand& command) : garbage_signal_{command.garbage_signal} {
  std::string pattern = (std::filesystem::temp_directory_path() / "zvonok-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw Failure{"cannot make a temporary folder"};
  folder_ = pattern;
  try {
    // Between our finding a free port and the server's listening on it another program may take it.
    for (int attempt = 1; attempt <= kStartAttempts; ++attempt) {
      start(command);
      if (wait_until_it_listens()) return;
    }
    throw Failure{"the server does not listen on its port; its log ends with:\n" + end_of_log()};
  } catch (...) {
    stop();
    throw;
  }
}

ServerProcess::~ServerProcess() {
  stop();
}

void ServerProcess::start(const ServerCommand& command) {
  port_ = find_free_port();
  ServerCommand complete = command;
  complete.environment.emplace_back("SERVER_PORT", std::to_string(port_));
  complete.environment.emplace_back("DATA_DIR", folder_ + "/data");
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw Failure{"cannot fork"};
  if (pid_ == 0) become(complete, folder_, parent);
}

bool ServerProcess::wait_until_it_listens() {
  const std::int64_t deadline = now_ns() + kStartNsMax;
  while (!accepts_connections(port_)) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    if (now_ns() > deadline) throw Failure{"the server does not start in time; its log ends with:\n" + end_of_log()};
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

std::string ServerProcess::end_of_log() const {
  std::string log = read_file(folder_ + "/log");
  if (log.size() > kLogBytesShown) log.erase(0, log.size() - kLogBytesShown);
  return log;
}

void ServerProcess::stop() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    const std::int64_t deadline = now_ns() + kStopNsMax;
    while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (now_ns() > deadline) ::kill(pid_, SIGKILL);
      std::this_thread::sleep_for(kPollInterval);
    }
  }
  pid_ = -1;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

double ServerProcess::cpu_seconds() const {
  const std::string stat = read_file("/proc/" + std::to_string(pid_) + "/stat");
  // The name in parentheses may hold spaces; the fields count from behind it (proc(5): utime is 14, stime 15).
  std::istringstream fields{stat.substr(std::min(stat.rfind(')') + 1, stat.size()))};
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  if (!(fields >> user >> system)) throw Failure{"the server has ended"};
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t ServerProcess::resident_bytes() const {
  std::istringstream status{read_file("/proc/" + std::to_string(pid_) + "/status")};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) * 1024;
  }
  throw Failure{"the server has ended"};
}

void ServerProcess::collect_garbage() const {
  if (garbage_signal_ != 0) ::kill(pid_, garbage_signal_);
}

double CoreTimes::busy_seconds() const {
  std::istringstream stat{read_file("/proc/stat")};
  double ticks = 0;
  for (std::string line; std::getline(stat, line);) {
    std::istringstream fields{line};
    std::string name;
    std::array<double, 8> times{};  // proc(5): user, nice, system, idle, iowait, irq, softirq, steal
    fields >> name;
    for (double& time : times) fields >> time;
    if (name != "cpu" + std::to_string(first_) && name != "cpu" + std::to_string(second_)) continue;
    ticks += times[0] + times[1] + times[2] + times[5] + times[6] + times[7];
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void set_niceness(int niceness) {
  if (niceness == 0) return;
  ::setpriority(PRIO_PROCESS, 0, niceness);
  // Where sessions are scheduled as groups (sched(7), autogroup), a process is only as important as its session.
  std::ofstream{"/proc/self/autogroup"} << niceness;
}

void pin_to_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(core), &cores);
  if (::sched_setaffinity(0, sizeof cores, &cores) != 0) std::cerr << "cannot pin to core " << core << "\n";
}

void raise_descriptor_limit(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return;
  const rlimit higher{wanted, std::max<rlim_t>(wanted, limit.rlim_max)};
  if (::setrlimit(RLIMIT_NOFILE, &higher) == 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    throw Failure{"the limit on open files (ulimit -n) is " + std::to_string(limit.rlim_cur) + ", needed are " +
                  std::to_string(wanted) + ": raise it or give fewer --idle-connections"};
  }
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto in_seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

}  // namespace zvonok::bench
