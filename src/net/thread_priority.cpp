#include "net/thread_priority.h"

#include <cerrno>
#include <cstdint>

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace zvonok::net {
namespace {

constexpr int kNice = -10;
constexpr std::uint64_t kSliceNanoseconds = 200'000;

/// sched_setattr(2); glibc has it from 2.41 on, and the kernel's header of it doesn't go with glibc's <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = kSliceNanoseconds;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

}  // namespace

void prefer_this_thread(const char* name) {
  pthread_setname_np(pthread_self(), name);
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, kNice));
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, thread);
  if (nice == -1 && errno != 0) return;
  const SchedulingAttributes wanted{.nice = nice};
  static_cast<void>(::syscall(SYS_sched_setattr, 0, &wanted, 0U));
}

}  // namespace zvonok::net
