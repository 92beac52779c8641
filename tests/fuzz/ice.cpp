// Whatever comes in whatever order, with whatever time between, an ICE agent keeps the promises of its model; and no
// packet that was not signed gets an answer or a path.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "fuzz/input.h"
#include "unit/proto/ice/ice_model.h"

using namespace zvonok;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  auto choose = [&](std::size_t bound) { return input.below(bound); };
  test::IceModel model{choose};
  for (int step = 0; step < 200 && !input.rest().empty(); ++step) {
    if (input.byte() >= 250) model.raw_packet(as_bytes(input.rest()));
    ZVONOK_CHECK(model.step().empty());
  }
  return 0;
}
