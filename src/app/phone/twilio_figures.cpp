#include "app/phone/twilio_figures.h"

namespace zvonok::app {

void TwilioFigures::report(const Tell& tell) const {
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  const auto one = [&](const char* name, const char* help, std::uint64_t value) {
    tell({.name = name, .help = help, .label_value = {}, .value = number(value)});
  };
  const auto of_kind = [&](const char* name, const char* help, std::string_view kind, std::uint64_t value) {
    tell({.name = name, .help = help, .label = "kind", .label_value = std::string{kind}, .value = number(value)});
  };
  const voip_twilio::ProviderCounters& webhooks = provider_.counters();
  for (std::size_t i = 0; i < voip_twilio::kWebhooks; ++i) {
    of_kind("zvonok_twilio_webhooks_total", "Webhooks with a good signature",
            voip_twilio::to_text(static_cast<voip_twilio::Webhook>(i)), webhooks.webhooks[i]);
  }
  constexpr const char* kRefused = "zvonok_twilio_webhooks_refused_total";
  constexpr const char* kRefusedHelp = "Webhooks that were not believed";
  of_kind(kRefused, kRefusedHelp, "forged", webhooks.forged);
  of_kind(kRefused, kRefusedHelp, "malformed", webhooks.malformed);
  of_kind(kRefused, kRefusedHelp, "unknown_call", webhooks.strangers);

  const voip_twilio::ApiCounters& api = provider_.api_counters();
  one("zvonok_twilio_requests_total", "Requests to Twilio", api.requests);
  one("zvonok_twilio_requests_repeated_total", "Of them, those that were sent again", api.repeated);
  for (std::size_t i = 0; i < call::phone::kProviderFaults; ++i) {
    of_kind("zvonok_twilio_requests_failed_total", "Requests to Twilio that came to nothing, by kind",
            call::phone::to_text(static_cast<call::phone::ProviderFault>(i)), api.failed[i]);
  }
  one("zvonok_twilio_silences_total", "Times that Twilio was asked how a call is, as nothing was heard of it",
      webhooks.asked);
  one("zvonok_twilio_calls_lost_total", "Calls that ended because neither Twilio nor their sound could be reached",
      webhooks.lost);
  one("zvonok_twilio_calls_doubled_total", "Webhooks of calls that were placed a second time, and ended",
      webhooks.doubles);

  const voip_twilio::StreamCounters streams = provider_.stream_counters();
  tell({.name = "zvonok_twilio_streams",
        .help = "Media Streams that are open",
        .label_value = {},
        .value = number(provider_.open_streams()),
        .is_gauge = true});
  one("zvonok_twilio_streams_started_total", "Media Streams that began", streams.started);
  one("zvonok_twilio_streams_refused_total", "Media Streams that nobody expected", streams.refused);
  one("zvonok_twilio_stream_bad_messages_total", "Messages that are not of Media Streams", streams.bad_messages);
  constexpr const char* kSounds = "zvonok_twilio_sounds_total";
  constexpr const char* kSoundsHelp = "Pieces of sound that were carried";
  of_kind(kSounds, kSoundsHelp, "from_telephone", streams.sounds_in);
  of_kind(kSounds, kSoundsHelp, "to_telephone", streams.sounds_out);
  constexpr const char* kDropped = "zvonok_twilio_sounds_dropped_total";
  constexpr const char* kDroppedHelp = "Pieces of sound that were not carried";
  of_kind(kDropped, kDroppedHelp, "left_out", streams.left_out);
  of_kind(kDropped, kDroppedHelp, "lane_full", streams.dropped);
  of_kind(kDropped, kDroppedHelp, "before_stream", streams.too_early);
}

}  // namespace zvonok::app
