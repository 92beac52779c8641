// Twilio's webhooks and Media Streams on their way from the front door to the provider.
#pragma once
#include "adapter/voip_twilio/twilio_provider.h"
#include "app/phone/phone_door.h"

namespace zvonok::app {

class TwilioDoor final : public PhoneDoor {
 public:
  /// The provider outlives it.
  explicit TwilioDoor(voip_twilio::TwilioProvider& provider) : provider_{provider} {}

  void attach(net::Server& server) override { provider_.attach(server); }
  [[nodiscard]] bool is_for_us(std::string_view path) const override;
  [[nodiscard]] std::size_t body_bytes_max() const override { return voip_twilio::TwilioProvider::kBodyBytesMax; }
  void handle(Exchange exchange) override;

 private:
  voip_twilio::TwilioProvider& provider_;
};

}  // namespace zvonok::app
