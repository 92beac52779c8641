// Descriptions of telephone calls: whatever is offered, nothing crashes; what is agreed on is within what was said, our
// answer can be read by our own reader, and keys survive being written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "adapter/voip_sip/media_description.h"
#include "base/check.h"
#include "support/seeded_entropy.h"

using namespace zvonok;
using namespace zvonok::voip_sip;

namespace {

void check_agreed(const AgreedMedia& agreed) {
  ZVONOK_CHECK(agreed.remote.formats.size() <= 128);
  ZVONOK_CHECK(!agreed.remote.formats.empty());
  ZVONOK_CHECK(agreed.remote.rtp.port != 0);
  ZVONOK_CHECK(agreed.our_key.has_value() == agreed.remote.key.has_value());
  if (agreed.our_key) ZVONOK_CHECK(agreed.our_key->profile == agreed.remote.key->profile);
  for (const SoundFormat& format : agreed.remote.formats) ZVONOK_CHECK(format.payload_type < 128);
}

void answer(std::string_view offer, Sealing sealing, bool held) {
  test::SeededEntropy entropy{7};
  MediaNegotiation ours{{.address = IpAddress::v4(0x7F000001), .port = 20000, .sealing = sealing}, entropy};
  const auto answer = ours.answer(offer, held);
  if (answer) {
    check_agreed(answer->agreed);
    ZVONOK_CHECK(answer->agreed.remote.formats.size() == 1);
    const auto read = read_media(answer->sdp);
    ZVONOK_CHECK(read.has_value());
    ZVONOK_CHECK(read->media.formats == answer->agreed.remote.formats);
    ZVONOK_CHECK(read->media.rtp.port == 20000);
    ZVONOK_CHECK(read->media.event_type == answer->agreed.remote.event_type);
    ZVONOK_CHECK(read->sealed == answer->agreed.our_key.has_value());
    ZVONOK_CHECK(sealing == Sealing::Off || read->sealed);
    // Nobody listens to who does not speak.
    ZVONOK_CHECK(!(read->media.sends && !answer->agreed.remote.receives));
  }
  (void)ours.offer(held);
  if (const auto agreed = ours.take_answer(offer)) check_agreed(*agreed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  if (const auto key = parse_crypto(input)) {
    const auto again = parse_crypto(write_crypto(*key));
    ZVONOK_CHECK(again && *again == *key);
  }
  answer(input, Sealing::Off, false);
  answer(input, Sealing::Required, true);
  return 0;
}
