// What is counted of SIP trunks.
#pragma once
#include "adapter/voip_sip/sip_provider.h"
#include "app/phone/phone_figures.h"

namespace zvonok::app {

class SipFigures final : public PhoneFigures {
 public:
  /// The provider outlives it.
  explicit SipFigures(const voip_sip::SipProvider& provider) : provider_{provider} {}
  void report(const Tell& tell) const override;

 private:
  const voip_sip::SipProvider& provider_;
};

}  // namespace zvonok::app
