// What is counted of Twilio.
#pragma once
#include "adapter/voip_twilio/twilio_provider.h"
#include "app/phone/phone_figures.h"

namespace zvonok::app {

class TwilioFigures final : public PhoneFigures {
 public:
  /// The provider outlives it.
  explicit TwilioFigures(const voip_twilio::TwilioProvider& provider) : provider_{provider} {}
  void report(const Tell& tell) const override;

 private:
  const voip_twilio::TwilioProvider& provider_;
};

}  // namespace zvonok::app
