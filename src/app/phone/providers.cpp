#include "app/phone/providers.h"

#include "adapter/voip_mock/mock_provider.h"

namespace zvonok::app {

Result<std::unique_ptr<port::PhoneProvider>, std::string> make_provider(const Config& config, ProviderParts parts) {
  if (config.voip_provider == "mock") return std::make_unique<voip_mock::MockProvider>(parts.loop, parts.log);
  return fail("VOIP_PROVIDER=" + config.voip_provider + " is not in this version: use VOIP_PROVIDER=mock");
}

}  // namespace zvonok::app
