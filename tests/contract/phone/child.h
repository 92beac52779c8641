// A program that a test runs beside itself; it ends with the object.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "net/fd.h"

namespace zvonok::test {

class Child {
 public:
  /// What it prints goes to the file, or nowhere when that is empty.
  explicit Child(std::vector<std::string> command, const std::string& output = {});
  /// Asked to end, then made to.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] bool is_running() const;
  /// Asks it to end, and waits until it has; then makes it.
  void stop(int patience_ms = 1000);
  /// Until `holds`, which is asked again and again, since another process's sockets tell nobody that they are there.
  /// False: the child has ended before, or it was too long.
  [[nodiscard]] bool wait_until(const std::function<bool()>& holds) const;

 private:
  /// Whether it ended meanwhile.
  [[nodiscard]] bool await_end(int milliseconds) const;

  pid_t pid_ = -1;
  net::Fd ended_;  // readable from its end on
};

/// A folder below the system's for such things; removed with all in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  /// Writes a file of it and gives its path.
  std::string write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  std::string path_;
};

/// A number of a port of loopback at which nobody was a moment ago, by UDP and TCP, nor at the five after it. Other
/// processes of this test are given others.
[[nodiscard]] std::uint16_t free_port();
/// Whether a port of loopback is taken; `type`: SOCK_DGRAM, SOCK_STREAM.
[[nodiscard]] bool is_bound(std::uint16_t port, int type);

}  // namespace zvonok::test
