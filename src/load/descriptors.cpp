#include "load/descriptors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/resource.h>

namespace zvonok::load {

Result<void, std::string> allow_descriptors(std::uint64_t needed) {
  constexpr std::uint64_t kSpare = 64;  // libraries, /proc, results
  needed += kSpare;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail(std::string{"getrlimit: "} + std::strerror(errno));
  if (limit.rlim_cur >= needed) return {};
  rlimit wanted{.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max), .rlim_max = limit.rlim_max};
  // Who may (CAP_SYS_RESOURCE) raises the hard limit as well.
  if (limit.rlim_max < needed) wanted = {.rlim_cur = needed, .rlim_max = needed};
  if (::setrlimit(RLIMIT_NOFILE, &wanted) == 0) return {};
  return fail("this needs " + std::to_string(needed) + " open files and the limit is " +
              std::to_string(limit.rlim_max) + ": raise it (ulimit -Hn, LimitNOFILE=, fs.nr_open) or take fewer");
}

}  // namespace zvonok::load
