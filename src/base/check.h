// ZVONOK_CHECK: our own mistakes stop the process, in release too. Never for anything a peer can cause.
#pragma once

namespace zvonok {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace zvonok

#define ZVONOK_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::zvonok::check_failed(#condition, __FILE__, __LINE__))
