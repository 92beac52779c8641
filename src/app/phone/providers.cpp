#include "app/phone/providers.h"

#include <utility>

#include "adapter/voip_mock/mock_provider.h"
#include "adapter/voip_sip/sip_provider.h"
#include "app/phone/sip_options.h"

namespace zvonok::app {
namespace {

Result<std::unique_ptr<port::PhoneProvider>, std::string> make_sip(const Config& config, ProviderParts parts) {
  auto options = sip_options(config);
  if (!options) return fail(std::move(options.error()));
  auto provider = voip_sip::SipProvider::create(std::move(*options), parts.loop, parts.log);
  if (!provider) return fail(std::move(provider.error()));
  return std::move(*provider);
}

}  // namespace

Result<std::unique_ptr<port::PhoneProvider>, std::string> make_provider(const Config& config, ProviderParts parts) {
  if (config.voip_provider == "mock") return std::make_unique<voip_mock::MockProvider>(parts.loop, parts.log);
  if (config.voip_provider == "sip") return make_sip(config, parts);
  return fail("VOIP_PROVIDER=" + config.voip_provider + " is not in this version: use VOIP_PROVIDER=mock");
}

}  // namespace zvonok::app
