// The part of `zvonok doctor` about SIP trunks.
#include <algorithm>

#include "adapter/voip_sip/sip_provider.h"
#include "app/cli/doctor_report.h"
#include "app/phone/sip_options.h"
#include "net/loop.h"

namespace zvonok::app {
namespace {

constexpr Duration kPatience = seconds{5};
constexpr Duration kLook = milliseconds{50};

bool is_settled(const voip_sip::TrunkState& trunk) {
  return !trunk.reachable || !trunk.registers || trunk.registered;
}

/// Turns the loop until every trunk that registers is registered, or it has taken too long.
void wait_for_trunks(net::Loop& loop, const voip_sip::SipProvider& provider) {
  TimePoint until = TimePoint::max();  // the loop tells the time from its first turn on
  std::function<void()> look = [&] {
    const TimePoint now = loop.now().mono;
    if (until == TimePoint::max()) until = now + kPatience;
    if (std::ranges::all_of(provider.trunks(), is_settled) || now >= until) return loop.stop();
    loop.schedule(now + kLook, look);
  };
  loop.schedule({}, look);
  loop.run();
}

void tell(DoctorReport& report, const voip_sip::TrunkState& trunk) {
  const std::string name = "the SIP trunk " + trunk.name;
  if (!trunk.reachable) {
    report.bad(name + " is not reached", "check its host and port, the transport, and the firewall");
  } else if (trunk.registers && !trunk.registered) {
    report.bad(name + " does not register us",
               "check user, password and domain; the log of the server says what it answers");
  } else if (trunk.registers) {
    report.good(name + " registers us");
  } else {
    report.good(name + " is asked for no registration; zvonok_sip_trunk_up tells whether it answers");
  }
}

}  // namespace

void check_sip(DoctorReport& report, const Config& config) {
  auto options = sip_options(config);
  if (!options) {
    report.bad(options.error(), "docs/protocol/sip.md has the settings of trunks");
    return;
  }
  auto loop = net::Loop::create();
  if (!loop) return;
  NullLogger quiet;
  auto provider = voip_sip::SipProvider::create(std::move(*options), **loop, quiet);
  if (!provider) {
    report.warn(provider.error(), "if that is a running Zvonok, all is well: see zvonok_sip_trunk_up in its metrics");
    return;
  }
  (*provider)->on_event([](const call::phone::ProviderEvent&) {});
  (*provider)->on_incoming([](const call::phone::IncomingCall&) { return CallId{"doctor"}; });
  wait_for_trunks(**loop, **provider);
  for (const voip_sip::TrunkState& trunk : (*provider)->trunks()) tell(report, trunk);
}

}  // namespace zvonok::app
