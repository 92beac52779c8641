#include "app/phone/phone_service.h"

#include <utility>

namespace zvonok::app {

PhoneService::PhoneService(Parts parts, const Config& config)
    : provider_{std::move(parts.provider.provider)},
      door_{std::move(parts.provider.door)},
      figures_{std::move(parts.provider.figures)},
      legs_{parts.entropy, parts.log},
      control_{{.loop = parts.loop,
                .journal = parts.journal,
                .presence = parts.presence,
                .provider = *provider_,
                .legs = legs_,
                .entropy = parts.entropy,
                .log = parts.log},
               config},
      events_{parts.loop},
      api_{{.loop = parts.loop, .journal = parts.journal, .phone = control_, .events = events_, .log = parts.log},
           config} {}

Result<void, std::string> PhoneService::restore(port::CallStore& store, WallTime now) {
  const auto today = std::chrono::floor<std::chrono::days>(now.time_since_epoch());
  const auto usage = store.phone_usage(WallTime{today});
  if (!usage) return fail("cannot read today's phone calls: " + usage.error().detail);
  control_.restore(*usage);
  return {};
}

}  // namespace zvonok::app
