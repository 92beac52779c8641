// The table of congestion controllers.
#include <array>

#include "media/bwe/controller.h"
#include "media/bwe/gcc_controller.h"

namespace zvonok::media::bwe {

namespace {

std::unique_ptr<Controller> make_gcc(const ControllerOptions& options) {
  return std::make_unique<GccController>(options);
}

constexpr std::array kControllers{ControllerEntry{.name = "gcc", .make = &make_gcc}};

}  // namespace

std::span<const ControllerEntry> controllers() {
  return kControllers;
}

std::unique_ptr<Controller> make_default_controller(const ControllerOptions& options) {
  return kControllers.front().make(options);
}

}  // namespace zvonok::media::bwe
