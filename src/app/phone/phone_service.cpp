#include "app/phone/phone_service.h"

#include "adapter/voip_mock/mock_provider.h"

namespace zvonok::app {

PhoneService::PhoneService(Parts parts, const Config& config)
    : provider_{std::make_unique<voip_mock::MockProvider>(parts.loop, parts.log)},
      legs_{parts.entropy},
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

Result<void, std::string> PhoneService::check(const Config& config) {
  if (config.voip_provider == "mock") return {};
  return fail("VOIP_PROVIDER=" + config.voip_provider + " is not in this version: use VOIP_PROVIDER=mock");
}

Result<void, std::string> PhoneService::restore(port::CallStore& store, WallTime now) {
  const auto today = std::chrono::floor<std::chrono::days>(now.time_since_epoch());
  const auto usage = store.phone_usage(WallTime{today});
  if (!usage) return fail("cannot read today's phone calls: " + usage.error().detail);
  control_.restore(*usage);
  return {};
}

}  // namespace zvonok::app
