#include "app/phone/sip_figures.h"

namespace zvonok::app {
namespace {

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

}  // namespace

void SipFigures::report(const Tell& tell) const {
  const auto of_trunks = [&](const char* name, const char* help, auto value_of) {
    for (const voip_sip::TrunkState& trunk : provider_.trunks()) {
      tell({.name = name,
            .help = help,
            .label = "trunk",
            .label_value = trunk.name,
            .value = value_of(trunk),
            .is_gauge = true});
    }
  };
  of_trunks("zvonok_sip_trunk_up", "Whether the trunk answers, and is registered at where it has to be",
            [](const voip_sip::TrunkState& trunk) {
              return trunk.reachable && (trunk.registered || !trunk.registers) ? 1.0 : 0.0;
            });
  of_trunks("zvonok_sip_trunk_calls", "Calls on the trunk",
            [](const voip_sip::TrunkState& trunk) { return number(trunk.calls); });

  const auto one = [&](const char* name, const char* help, std::uint64_t value) {
    tell({.name = name, .help = help, .label_value = {}, .value = number(value)});
  };
  const auto of_reason = [&](const char* name, const char* help, const char* reason, std::uint64_t value) {
    tell({.name = name, .help = help, .label = "reason", .label_value = reason, .value = number(value)});
  };
  const voip_sip::SipCounters& calls = provider_.counters();
  one("zvonok_sip_calls_dialed_total", "Calls that were given to trunks", calls.dialed);
  one("zvonok_sip_failovers_total", "Calls that went on to another trunk", calls.failovers);
  one("zvonok_sip_calls_incoming_total", "Calls that came in", calls.incoming);
  one("zvonok_sip_calls_silent_total", "Calls that were ended because nothing came from the telephone any more",
      calls.silent);
  constexpr const char* kRefused = "zvonok_sip_calls_refused_total";
  constexpr const char* kRefusedHelp = "Calls that could not be had";
  of_reason(kRefused, kRefusedHelp, "incoming", calls.incoming_refused);
  of_reason(kRefused, kRefusedHelp, "bad_description", calls.bad_descriptions);
  of_reason(kRefused, kRefusedHelp, "no_ports", calls.no_ports);

  const voip_sip::RtpCounters sound = provider_.sound();
  one("zvonok_sip_rtp_received_total", "Packets of sound and digits from trunks", sound.received);
  one("zvonok_sip_rtp_sent_total", "Packets of sound and digits to trunks", sound.sent);
  const auto tones = [&](const char* to, std::uint64_t value) {
    tell({.name = "zvonok_sip_tones_total",
          .help = "Digits within the sound, where a trunk knows no telephone events",
          .label = "to",
          .label_value = to,
          .value = number(value)});
  };
  tones("trunk", sound.tones_sent);
  tones("us", sound.tones_heard);
  constexpr const char* kDropped = "zvonok_sip_rtp_dropped_total";
  constexpr const char* kDroppedHelp = "Packets that came to nothing";
  of_reason(kDropped, kDroppedHelp, "no_agreement", sound.no_agreement);
  of_reason(kDropped, kDroppedHelp, "stranger", sound.strangers);
  of_reason(kDropped, kDroppedHelp, "malformed", sound.malformed);
  of_reason(kDropped, kDroppedHelp, "unsealed", sound.unsealed);
  of_reason(kDropped, kDroppedHelp, "unknown_type", sound.unknown_type);
  of_reason(kDropped, kDroppedHelp, "on_hold", sound.on_hold);
  of_reason(kDropped, kDroppedHelp, "other_source", sound.other_sources);
  of_reason(kDropped, kDroppedHelp, "not_listening", sound.not_listening);
  of_reason(kDropped, kDroppedHelp, "wrong_law", sound.wrong_law);
  of_reason(kDropped, kDroppedHelp, "late", sound.late);
  of_reason(kDropped, kDroppedHelp, "digits", sound.digits_dropped);
}

}  // namespace zvonok::app
