// The built program as a child process, started as an operator would. Whatever it prints is kept.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "support/free_port.h"

namespace zvonok::test {

struct ProcessOptions {
  std::vector<std::string> arguments;
  /// Added to a bare environment.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string input;
  std::string folder;  // working folder
};

class ServerProcess {
 public:
  explicit ServerProcess(const ProcessOptions& options);
  /// Kills the child when it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Returns when the output holds `text`; throws with the output when the child ends or kPatience passes first.
  void await_output(const std::string& text);
  [[nodiscard]] std::string output() const;
  void signal(int number) const;
  /// The exit status; 128 + number when a signal ended it. Throws when kPatience passes.
  int wait();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  void read_output(int fd);

  pid_t pid_ = -1;
  std::thread reader_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;
  bool ended_ = false;
};

}  // namespace zvonok::test
