// A real PostgreSQL for tests: a cluster of its own in a temporary folder, on a free loopback port and a Unix socket in
// that folder. One for the process, started on first use, stopped and removed at the end.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace zvonok::test {

/// Methods abort the test program with a message when the server can't be had: a missing PostgreSQL is a failure, never
/// a reason to skip. Call from the main thread: the server dies with the thread that started it.
class Postgres {
 public:
  static Postgres& shared();
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  [[nodiscard]] const std::string& socket_folder() const { return folder_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// The superuser. The socket asks for no password, TCP does.
  [[nodiscard]] std::string user() const { return "zvonok"; }
  [[nodiscard]] std::string password() const { return "it's a \\ secret"; }

  /// A new empty database; returns its name.
  [[nodiscard]] std::string create_database();
  /// Ends its connections too.
  void drop_database(const std::string& name);
  /// Runs SQL as the superuser; returns the first column of what it yields.
  std::vector<std::string> sql(const std::string& dbname, const std::string& text);

  /// As a crash: connections are cut, nothing is flushed.
  void stop();
  /// After stop(): the same folder and port. Returns when connections are accepted.
  void start();

 private:
  Postgres();
  void initialise();
  void read_log(int fd);

  std::string programs_;  // folder of initdb and postgres
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  int databases_ = 0;

  std::thread log_reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string log_;  // of the running server
  bool ready_ = false;
  bool ended_ = false;
};

}  // namespace zvonok::test
