#include "net/system_entropy.h"

#include <cerrno>

#include <sys/random.h>

#include "base/check.h"

namespace zvonok::net {

void SystemEntropy::fill(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      ZVONOK_CHECK(errno == EINTR);
      continue;
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace zvonok::net
