#include "app/phone/providers.h"

#include <utility>

#include "adapter/voip_mock/mock_provider.h"
#include "adapter/voip_sip/sip_provider.h"
#include "app/phone/sip_figures.h"
#include "app/phone/sip_options.h"
#include "app/phone/twilio_door.h"
#include "app/phone/twilio_figures.h"
#include "net/system_entropy.h"

namespace zvonok::app {
namespace {

Result<MadeProvider, std::string> make_twilio(const Config& config, ProviderParts parts) {
  voip_twilio::ProviderOptions options{.account_sid = config.voip_account_sid,
                                       .auth_token = config.voip_auth_token,
                                       .from = config.voip_from_number,
                                       .api_base = config.voip_api_base,
                                       .api_ca_file = config.voip_api_ca,
                                       .public_url = config.public_url,
                                       .has_tls = !config.tls_cert.empty(),
                                       .ring_timeout = config.voip_ring_timeout,
                                       .length_max = config.voip_call_max};
  auto provider = voip_twilio::TwilioProvider::create(
      {.loop = parts.loop, .entropy = std::make_unique<net::SystemEntropy>(), .log = parts.log}, std::move(options));
  if (!provider) return fail(provider.error());
  MadeProvider made;
  made.door = std::make_unique<TwilioDoor>(**provider);
  made.figures = std::make_unique<TwilioFigures>(**provider);
  made.provider = std::move(*provider);
  return made;
}

Result<MadeProvider, std::string> make_sip(const Config& config, ProviderParts parts) {
  auto options = sip_options(config);
  if (!options) return fail(std::move(options.error()));
  // Of a server alone: the doctor, which tries the same trunks, must not end the calls that it has.
  options->agent.dialogs_folder = config.data_dir + "/sip/dialogs";
  auto provider = voip_sip::SipProvider::create(std::move(*options), parts.loop, parts.log);
  if (!provider) return fail(std::move(provider.error()));
  auto figures = std::make_unique<SipFigures>(**provider);
  return MadeProvider{.provider = std::move(*provider), .door = nullptr, .figures = std::move(figures)};
}

}  // namespace

Result<MadeProvider, std::string> make_provider(const Config& config, ProviderParts parts) {
  if (config.voip_provider == "sip") return make_sip(config, parts);
  if (config.voip_provider == "twilio") return make_twilio(config, parts);
  if (config.voip_provider == "mock") {
    return MadeProvider{.provider = std::make_unique<voip_mock::MockProvider>(parts.loop, parts.log),
                        .door = nullptr,
                        .figures = nullptr};
  }
  return fail("VOIP_PROVIDER=" + config.voip_provider + " is not in this version: use VOIP_PROVIDER=mock");
}

}  // namespace zvonok::app
