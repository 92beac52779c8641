// What ends a benchmark early: a server that does not start, answers wrongly, or loses a message. A number measured on
// a server that misbehaves would be worth nothing, so nothing is retried or left out.
#pragma once
#include <stdexcept>

namespace zvonok::bench {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace zvonok::bench
