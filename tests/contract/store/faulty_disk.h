// A disk for SQLite that runs full, or loses power over its writes, when the test says so.
#pragma once
#include <cstdint>

namespace zvonok::test {

enum class DiskFault {
  Full,      // writes fail with "no space left"
  BadFlush,  // writes work, flushing them to the disk does not
};

/// While it lives, SQLite files of this process go through it; make it before the store. One at a time.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// The next `operations` writes (or flushes) work, the ones behind them fail until heal().
  void break_after(DiskFault fault, std::int64_t operations);
  void heal();
  /// How often it has said no.
  [[nodiscard]] std::int64_t refusals() const;
};

}  // namespace zvonok::test
