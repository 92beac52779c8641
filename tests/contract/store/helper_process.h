// A second process on the same database, for what threads can't show: locks between processes, and death by a signal.
#pragma once
#include <map>
#include <string>

#include <sys/types.h>

#include "contract/store/fixture.h"

namespace zvonok::test {

enum class HelperJob {
  Migrate,     // applies the embedded migrations; the exit status says whether it worked
  HoldLock,    // begins a write transaction that adds the user "helper", says so, and waits
  ProbeLocks,  // exit status 0 when another process has the SQLite file locked, as every open database must
};

/// This program once more, doing one job. Killed by the destructor if it still runs.
class HelperProcess {
 public:
  HelperProcess(HelperJob job, const TestDatabase& database);
  ~HelperProcess();
  HelperProcess(const HelperProcess&) = delete;
  HelperProcess& operator=(const HelperProcess&) = delete;

  /// Returns when the job said that it is ready; false when it ended instead.
  [[nodiscard]] bool wait_until_ready();
  /// Lets a waiting job end in order, and waits for it. The exit status, or -1 after a signal.
  int finish();
  /// SIGKILL, and waits.
  void kill();

 private:
  pid_t pid_ = -1;
  int input_ = -1;   // closing it ends the wait of HoldLock
  int output_ = -1;  // what the helper prints
};

}  // namespace zvonok::test
