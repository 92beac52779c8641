#include "app/phone/browser_legs.h"

#include <utility>

namespace zvonok::app {
namespace {

constexpr std::size_t kUfragBytes = 6;
constexpr std::size_t kPasswordBytes = 18;

/// base64url has two characters that a ufrag has not (RFC 8839 section 5.4).
std::string ice_text(Entropy& entropy, std::size_t bytes) {
  std::string text = make_secret(entropy, bytes);
  for (char& c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  return text;
}

sdp::Codec codec(std::uint8_t type, std::string name, std::uint32_t rate, std::uint8_t channels, std::string fmtp) {
  return {.payload_type = sdp::PayloadType{type},
          .name = std::move(name),
          .clock_rate_hz = rate,
          .channels = channels,
          .fmtp = std::move(fmtp)};
}

/// G.711 first: what the telephone speaks needs no conversion.
std::vector<sdp::Codec> telephone_codecs() {
  return {codec(0, "PCMU", 8000, 1, ""), codec(8, "PCMA", 8000, 1, ""),
          codec(111, "opus", 48000, 2, "minptime=10;useinbandfec=1"), codec(101, "telephone-event", 8000, 1, "0-15")};
}

}  // namespace

void DescribedLegs::attach(sdp::Fingerprint fingerprint, std::vector<std::string> candidates) {
  fingerprint_ = std::move(fingerprint);
  candidates_ = std::move(candidates);
}

std::string DescribedLegs::open(const CallId& call) {
  std::uint64_t session = (std::uint64_t{random_u32(entropy_)} << 32 | random_u32(entropy_)) >> 1;
  sdp::MediaSection audio;
  audio.codecs = telephone_codecs();
  audio.mid = std::string{"0"};
  audio.rtcp_mux = true;
  audio.transport = {.ice_ufrag = ice_text(entropy_, kUfragBytes),
                     .ice_pwd = ice_text(entropy_, kPasswordBytes),
                     .fingerprints = {fingerprint_},
                     .setup = sdp::Setup::ActPass};
  audio.candidates = candidates_;
  audio.end_of_candidates = true;
  sdp::SessionDescription offer;
  offer.origin = {.username = "-", .session_id = session, .version = 1};
  offer.bundle_groups = {{"0"}};
  offer.ice_lite = true;
  offer.sections.push_back(std::move(audio));
  std::string text = sdp::write(offer);
  legs_[call] = Leg{.offer = text, .answer = {}};
  return text;
}

std::string DescribedLegs::offer_of(const CallId& call) const {
  const auto leg = legs_.find(call);
  return leg == legs_.end() ? std::string{} : leg->second.offer;
}

void DescribedLegs::take_answer(const CallId& call, std::string sdp) {
  const auto leg = legs_.find(call);
  if (leg != legs_.end()) leg->second.answer = std::move(sdp);
}

}  // namespace zvonok::app
