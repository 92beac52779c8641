// Randomness of the operating system.
#pragma once
#include "base/entropy.h"

namespace zvonok::net {

/// getrandom(2). Thread-safe: it holds no state.
class SystemEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override;
};

}  // namespace zvonok::net
