// A server under test as a process of its own, pinned to one core, in a fresh folder, with its processor time and
// memory read from /proc.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace zvonok::bench {

struct ServerCommand {
  std::vector<std::string> arguments;  // the program first
  std::vector<std::pair<std::string, std::string>> environment;
  int core = 0;
  int niceness = 0;
  int garbage_signal = 0;  // makes it collect garbage; 0: it has none
};

/// The whole life of one server: started by the constructor, stopped by the destructor.
class ServerProcess {
 public:
  /// Returns when the server accepts connections. Throws Failure with the end of its log when it does not.
  explicit ServerProcess(const ServerCommand& command);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// User and system time of all threads so far, in seconds (resolution: 10 ms).
  [[nodiscard]] double cpu_seconds() const;
  /// Resident memory. What the kernel holds for its sockets is not in it.
  [[nodiscard]] std::size_t resident_bytes() const;
  void collect_garbage() const;

 private:
  void start(const ServerCommand& command);
  /// False when the server ended instead.
  [[nodiscard]] bool wait_until_it_listens();
  [[nodiscard]] std::string end_of_log() const;
  void stop();

  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  int garbage_signal_ = 0;
};

/// How long two cores were busy, with whatever programs: tells how quiet the machine was.
class CoreTimes {
 public:
  CoreTimes(int first, int second) : first_{first}, second_{second} {}
  /// The sum of both since the system started (resolution: 10 ms).
  [[nodiscard]] double busy_seconds() const;

 private:
  int first_;
  int second_;
};

/// Sets the priority of this process and its session; without the right to, only down.
void set_niceness(int niceness);
/// Pins the calling thread.
void pin_to_core(int core);
/// Raises the limit on open files to `wanted` if it can.
void raise_descriptor_limit(std::size_t wanted);
/// User and system time of this process, in seconds.
[[nodiscard]] double own_cpu_seconds();

}  // namespace zvonok::bench
