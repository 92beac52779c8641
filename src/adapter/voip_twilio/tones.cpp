#include "adapter/voip_twilio/tones.h"

#include <array>
#include <span>

#include "proto/dtmf/dtmf.h"
#include "proto/g711/g711.h"

namespace zvonok::voip_twilio {

std::vector<std::uint8_t> tones_of(std::string_view digits) {
  std::vector<std::uint8_t> out;
  dtmf::ToneWriter writer;
  for (const char digit : digits) {
    (void)writer.add(digit);
    // One at a time: however many they are, they all have room.
    while (writer.is_sending()) {
      std::array<std::int16_t, 160> samples{};
      const std::size_t count = writer.write(samples);
      for (const std::int16_t sample : std::span{samples}.first(count)) {
        out.push_back(g711::encode(g711::Law::Ulaw, sample));
      }
    }
  }
  return out;
}

}  // namespace zvonok::voip_twilio
