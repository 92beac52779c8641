// Session descriptions: whatever is presented, nothing crashes, what is taken keeps to its bounds, and it survives
// being written.
#include "proto/sdp/sdp.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

using namespace zvonok;

namespace {

constexpr sdp::Limits kLimits{.bytes_max = 65536,
                              .lines_max = 500,
                              .line_bytes_max = 4096,
                              .sections_max = 16,
                              .feedback_per_codec_max = 8,
                              .feedback_max = 256};

void check_section(const sdp::SessionDescription& session, const sdp::MediaSection& section) {
  ZVONOK_CHECK(section.codecs.empty() == !section.is_rtp());
  ZVONOK_CHECK(section.formats.empty() == section.is_rtp());
  for (const sdp::Codec& codec : section.codecs) {
    ZVONOK_CHECK(std::to_underlying(codec.payload_type) <= 127);
    ZVONOK_CHECK(section.codec(codec.payload_type) == &codec);
    ZVONOK_CHECK(codec.name.empty() == (codec.clock_rate_hz == 0));
    ZVONOK_CHECK(codec.channels > 0);
    ZVONOK_CHECK(codec.feedback.size() <= kLimits.feedback_per_codec_max);
    const sdp::Codec* const rtx = section.rtx_of(codec.payload_type);
    ZVONOK_CHECK(rtx == nullptr || rtx->apt() == codec.payload_type);
  }
  for (const sdp::ExtMap& extmap : section.extmaps) {
    ZVONOK_CHECK(extmap.id > 0 && section.extension_id(extmap.uri).has_value());
  }
  if (!section.mid.empty()) ZVONOK_CHECK(session.section(section.mid) == &section);
  const sdp::Transport transport = session.transport_of(section);
  ZVONOK_CHECK(transport.ice_ufrag.size() <= 256 && transport.ice_pwd.size() <= 256);
  for (const sdp::Fingerprint& fingerprint : transport.fingerprints) ZVONOK_CHECK(fingerprint.digest.size() >= 20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const auto session = sdp::parse(input, kLimits);
  if (!session) {
    ZVONOK_CHECK(!session.error().what.empty());
    ZVONOK_CHECK(session.error().line <= kLimits.lines_max + 1);
    return 0;
  }
  ZVONOK_CHECK(session->sections.size() <= kLimits.sections_max);
  for (const sdp::MediaSection& section : session->sections) check_section(*session, section);

  // What is written may be larger than what was read: a=rtcp-fb:* becomes a line for each payload type.
  const std::string text = sdp::write(*session);
  const auto again = sdp::parse(text, {.bytes_max = 1U << 24U, .lines_max = 1U << 20U, .line_bytes_max = 1U << 17U});
  ZVONOK_CHECK(again.has_value());
  ZVONOK_CHECK(*again == *session);
  ZVONOK_CHECK(sdp::write(*again) == text);
  return 0;
}
