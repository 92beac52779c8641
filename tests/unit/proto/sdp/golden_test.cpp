// What browsers really send: every golden file is read, says what is known of it, and survives being written.
#include "unit/proto/sdp/golden.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proto/sdp/extension_uris.h"
#include "proto/sdp/sdp.h"

namespace zvonok::sdp {
namespace {

SessionDescription parsed(const std::string& name) {
  auto session = parse(golden::read(name));
  EXPECT_TRUE(session) << name << " line " << session.error().line << ": " << session.error().what;
  return session.value_or(SessionDescription{});
}

std::vector<unsigned> payload_types(const MediaSection& section) {
  std::vector<unsigned> types;
  for (const Codec& codec : section.codecs) types.push_back(unsigned{std::to_underlying(codec.payload_type)});
  return types;
}

std::vector<std::string> names(const std::vector<SimulcastStream>& streams) {
  std::vector<std::string> found;
  for (const SimulcastStream& stream : streams) {
    for (const SimulcastAlternative& one : stream) found.push_back((one.paused ? "~" : "") + one.rid);
  }
  return found;
}

using Strings = std::vector<std::string>;
using Numbers = std::vector<unsigned>;

TEST(SdpGolden, EveryFileSurvivesBeingWritten) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{golden::folder()}) {
    if (entry.path().extension() != ".sdp") continue;
    ++files;
    const SessionDescription once = parsed(entry.path().stem());
    EXPECT_FALSE(once.sections.empty()) << entry.path();
    const std::string text = write(once);
    const auto twice = parse(text);
    ASSERT_TRUE(twice) << entry.path() << " line " << twice.error().line << ": " << twice.error().what;
    EXPECT_TRUE(*twice == once) << entry.path() << "\n" << text;
    EXPECT_EQ(write(*twice), text) << entry.path();
  }
  EXPECT_EQ(files, 19);
}

TEST(SdpGolden, EveryFileSaysTheSameWithBareLineFeeds) {
  for (const auto& entry : std::filesystem::directory_iterator{golden::folder()}) {
    if (entry.path().extension() != ".sdp") continue;
    std::string text = golden::read(entry.path().stem());
    std::erase(text, '\r');
    const auto session = parse(text);
    ASSERT_TRUE(session) << entry.path();
    EXPECT_TRUE(*session == parsed(entry.path().stem())) << entry.path();
  }
}

// Kinds are a for audio, v for video, d for data; upper case when the section is rejected.
TEST(SdpGolden, SectionsCodecsAndRejectionsAreThoseOfTheFile) {
  struct Row {
    std::string name, kinds;
    std::vector<std::size_t> codecs;
    Strings bundle;
    sdp::Setup setup;
  };
  const std::vector<Row> rows{
      {"chromium_audio", "a", {8}, {"0"}, sdp::Setup::ActPass},
      {"chromium_audio_video", "av", {8, 23}, {"0", "1"}, sdp::Setup::ActPass},
      {"chromium_simulcast", "av", {8, 23}, {"0", "1"}, sdp::Setup::ActPass},
      {"chromium_recvonly", "avavav", {8, 34, 8, 34, 8, 34}, {"0", "1", "2", "3", "4", "5"}, sdp::Setup::ActPass},
      {"chromium_data_channel", "d", {0}, {"0"}, sdp::Setup::ActPass},
      {"chromium_vp9_svc", "v", {4}, {"0"}, sdp::Setup::ActPass},
      {"chromium_offer_of_answer", "avd", {8, 23, 0}, {"0", "1", "2"}, sdp::Setup::ActPass},
      {"chromium_answer", "avd", {8, 23, 0}, {"0", "1", "2"}, sdp::Setup::Active},
      {"chromium_stopped_video", "aVd", {8, 23, 0}, {"0", "2"}, sdp::Setup::ActPass},
      {"firefox_audio", "a", {5}, {"0"}, sdp::Setup::ActPass},
      {"firefox_audio_video", "av", {5, 9}, {"0", "1"}, sdp::Setup::ActPass},
      {"firefox_simulcast", "av", {5, 9}, {"0", "1"}, sdp::Setup::ActPass},
      {"firefox_recvonly", "avavav", {5, 9, 5, 9, 5, 9}, {"0", "1", "2", "3", "4", "5"}, sdp::Setup::ActPass},
      {"firefox_data_channel", "d", {0}, {"0"}, sdp::Setup::ActPass},
      {"firefox_vp9_svc", "v", {2}, {"0"}, sdp::Setup::ActPass},
      {"firefox_offer_of_answer", "avd", {5, 9, 0}, {"0", "1", "2"}, sdp::Setup::ActPass},
      {"firefox_answer", "avd", {5, 9, 0}, {"0", "1", "2"}, sdp::Setup::Active},
      {"firefox_stopped_video", "aVd", {5, 1, 0}, {"0", "2"}, sdp::Setup::ActPass},
      {"handmade_safari_like_audio_video", "av", {9, 8}, {"0", "1"}, sdp::Setup::ActPass},
  };
  for (const Row& row : rows) {
    const SessionDescription session = parsed(row.name);
    std::string kinds;
    std::vector<std::size_t> codecs;
    for (std::size_t i = 0; i < session.sections.size(); ++i) {
      const MediaSection& section = session.sections[i];
      const char letter = section.is_rtp() ? (section.kind == MediaKind::Audio ? 'a' : 'v') : 'd';
      kinds += section.rejected() ? static_cast<char>(std::toupper(letter)) : letter;
      codecs.push_back(section.codecs.size());
      EXPECT_EQ(section.mid, std::to_string(i)) << row.name;
      if (section.rejected()) continue;
      const Transport transport = session.transport_of(section);
      EXPECT_EQ(transport.setup, row.setup) << row.name;
      EXPECT_EQ(transport.ice_options, Strings{"trickle"}) << row.name;
      EXPECT_EQ(transport.ice_ufrag.size(), row.name.starts_with("firefox") ? 8U : 4U) << row.name;
      EXPECT_EQ(transport.ice_pwd.size(), row.name.starts_with("firefox") ? 32U : 24U) << row.name;
      ASSERT_EQ(transport.fingerprints.size(), 1U) << row.name;
      EXPECT_EQ(transport.fingerprints[0].algorithm, "sha-256") << row.name;
      EXPECT_EQ(transport.fingerprints[0].digest.size(), 32U) << row.name;
      EXPECT_TRUE(section.rtcp_mux || !section.is_rtp()) << row.name;
    }
    EXPECT_EQ(kinds, row.kinds) << row.name;
    EXPECT_EQ(codecs, row.codecs) << row.name;
    EXPECT_EQ(session.bundle_groups, std::vector<Strings>{row.bundle}) << row.name;
    EXPECT_FALSE(session.ice_lite) << row.name;
  }
}

TEST(SdpGolden, ChromiumAudioOffersOpusAndRed) {
  const SessionDescription session = parsed("chromium_offer_of_answer");
  EXPECT_EQ(session.origin, (Origin{.username = "-", .session_id = 6750204338948394283U, .version = 2}));
  EXPECT_TRUE(session.extmap_allow_mixed);
  EXPECT_EQ(session.msid_semantic, "WMS 2dbca93f-065a-4d53-95c8-739f005f5882");
  EXPECT_TRUE(session.transport.fingerprints.empty()) << "Chromium has the fingerprint in each section";

  const MediaSection& audio = session.sections.at(0);
  EXPECT_EQ(payload_types(audio), (Numbers{111, 63, 9, 0, 8, 13, 110, 126}));
  const Codec* opus = audio.codec(PayloadType{111});
  ASSERT_NE(opus, nullptr);
  EXPECT_TRUE(opus->is("OPUS"));
  EXPECT_EQ(opus->clock_rate_hz, 48000U);
  EXPECT_EQ(opus->channels, 2);
  EXPECT_EQ(opus->parameter("minptime"), "10");
  EXPECT_EQ(opus->parameter("useinbandfec"), "1");
  EXPECT_EQ(opus->parameter("usedtx"), std::nullopt);
  EXPECT_EQ(opus->feedback, (std::vector<RtcpFeedback>{{"transport-cc", ""}}));
  EXPECT_EQ(audio.codec(PayloadType{63})->fmtp, "111/111");
  EXPECT_EQ(audio.extmaps.size(), 4U);
  EXPECT_EQ(audio.extension_id(uri::kSsrcAudioLevel), 1);
  EXPECT_EQ(audio.extension_id(uri::kAbsSendTime), 2);
  EXPECT_EQ(audio.extension_id(uri::kTransportWideCc), 3);
  EXPECT_EQ(audio.extension_id(uri::kMid), 4);
  EXPECT_EQ(audio.extension_id(uri::kRtpStreamId), std::nullopt);
  EXPECT_EQ(audio.candidates.size(), 4U);
  EXPECT_EQ(audio.candidates.at(0),
            "candidate:870021562 1 udp 2122194687 192.0.2.2 60999 typ host generation 0 network-id 1");
  EXPECT_FALSE(audio.end_of_candidates);
  const Msid msid{"2dbca93f-065a-4d53-95c8-739f005f5882", "415e522a-1010-45a8-815b-f023f3975f20"};
  EXPECT_EQ(audio.msids, std::vector{msid});
  EXPECT_EQ(audio.ssrcs, (std::vector<SsrcInfo>{{Ssrc{3800608512}, "OtUp6ysqCbi33hAF", msid}}));
  EXPECT_EQ(to_text(audio.transport.fingerprints.at(0)),
            "sha-256 78:84:C3:55:28:95:3B:2B:23:58:BF:18:CB:D7:84:34:E5:1E:59:E9:AC:76:E1:5D:E2:70:88:F1:70:A5:53:83");
}

TEST(SdpGolden, ChromiumVideoOffersRtxForEachCodecAndLowPayloadTypes) {
  const SessionDescription session = parsed("chromium_offer_of_answer");
  const MediaSection& video = session.sections.at(1);
  EXPECT_EQ(payload_types(video), (Numbers{96, 97, 102, 103, 104, 107, 108, 109, 114, 115, 116, 117,
                                           39, 40, 45,  46,  98,  99,  100, 101, 118, 119, 120}));
  for (const auto& [type, rtx] : std::vector<std::pair<std::uint8_t, std::uint8_t>>{
           {96, 97}, {102, 103}, {39, 40}, {45, 46}, {98, 99}, {100, 101}, {118, 119}}) {
    const Codec* found = video.rtx_of(PayloadType{type});
    ASSERT_NE(found, nullptr) << unsigned{type};
    EXPECT_EQ(found->payload_type, PayloadType{rtx});
  }
  EXPECT_EQ(video.rtx_of(PayloadType{120}), nullptr);
  EXPECT_EQ(video.codec(PayloadType{102})->parameter("profile-level-id"), "42001f");
  EXPECT_EQ(video.codec(PayloadType{45})->name, "AV1");
  const Codec& vp8 = *video.codec(PayloadType{96});
  EXPECT_EQ(vp8.feedback, (std::vector<RtcpFeedback>{
                              {"goog-remb", ""}, {"transport-cc", ""}, {"ccm", "fir"}, {"nack", ""}, {"nack", "pli"}}));
  EXPECT_TRUE(vp8.has_feedback("nack"));
  EXPECT_TRUE(vp8.has_feedback("nack", "pli"));
  EXPECT_FALSE(vp8.has_feedback("nack", "sli"));
  EXPECT_EQ(video.extmaps.size(), 13U);
  for (const auto& [name, id] :
       std::vector<std::pair<std::string_view, std::uint8_t>>{{uri::kTransmissionOffset, 14},
                                                              {uri::kVideoOrientation, 13},
                                                              {uri::kPlayoutDelay, 5},
                                                              {uri::kVideoContentType, 6},
                                                              {uri::kVideoTiming, 7},
                                                              {uri::kColorSpace, 8},
                                                              {uri::kRtpStreamId, 10},
                                                              {uri::kRepairedRtpStreamId, 11},
                                                              {uri::kDependencyDescriptor, 12},
                                                              {uri::kVideoLayersAllocation, 9}}) {
    EXPECT_EQ(video.extension_id(name), id) << name;
  }
}

TEST(SdpGolden, SimulcastIsThreeRidsInBothBrowsers) {
  for (const std::string name :
       {"chromium_simulcast", "chromium_offer_of_answer", "firefox_simulcast", "firefox_offer_of_answer"}) {
    const SessionDescription session = parsed(name);
    const MediaSection& video = session.sections.at(1);
    EXPECT_EQ(video.rids, (std::vector<Rid>{{"q", RidDirection::Send, {}, {}},
                                            {"h", RidDirection::Send, {}, {}},
                                            {"f", RidDirection::Send, {}, {}}}))
        << name;
    EXPECT_EQ(names(video.simulcast.send), (Strings{"q", "h", "f"})) << name;
    EXPECT_EQ(video.simulcast.send.size(), 3U) << name;
    EXPECT_TRUE(video.simulcast.recv.empty()) << name;
    EXPECT_TRUE(session.sections.at(0).simulcast.empty()) << name;
  }
}

TEST(SdpGolden, OnlyFirefoxNamesTheSourcesOfASimulcast) {
  EXPECT_TRUE(parsed("chromium_simulcast").sections.at(1).ssrcs.empty());
  const MediaSection video = parsed("firefox_simulcast").sections.at(1);
  EXPECT_EQ(video.ssrcs.size(), 6U);
  EXPECT_EQ(video.ssrc_groups, (std::vector<SsrcGroup>{{"FID", {Ssrc{3211899237}, Ssrc{4134656149}}},
                                                       {"FID", {Ssrc{909321328}, Ssrc{1248897837}}},
                                                       {"FID", {Ssrc{3120537382}, Ssrc{1861139781}}}}));
  EXPECT_EQ(video.ssrcs.at(0).cname, "{71c55e68-5477-48f9-80a4-38980bfe41fb}");
  EXPECT_EQ(video.ssrcs.at(0).msid, std::nullopt);
}

TEST(SdpGolden, FirefoxHasItsFingerprintInTheSessionAndBundleOnlySectionsAtPortZero) {
  const SessionDescription session = parsed("firefox_offer_of_answer");
  EXPECT_EQ(session.origin.username, "mozilla...THIS_IS_SDPARTA-99.0");
  EXPECT_EQ(session.origin.session_id, 1152646319134530723U);
  EXPECT_EQ(session.msid_semantic, "WMS *");
  EXPECT_FALSE(session.extmap_allow_mixed);
  EXPECT_EQ(session.transport.fingerprints.size(), 1U);
  for (const MediaSection& section : session.sections) {
    EXPECT_TRUE(section.transport.fingerprints.empty());
    EXPECT_EQ(session.transport_of(section).fingerprints, session.transport.fingerprints);
    EXPECT_EQ(section.bundle_only, section.port == 0);
    EXPECT_FALSE(section.rejected());
    EXPECT_EQ(section.extmap_allow_mixed, section.is_rtp());
  }
  EXPECT_EQ(session.sections.at(2).port, 0);
  EXPECT_EQ(session.sections.at(2).max_message_bytes, 1073741823U);
}

TEST(SdpGolden, FirefoxAudioHasNoRedAndItsExtensionsHaveDirections) {
  const MediaSection audio = parsed("firefox_offer_of_answer").sections.at(0);
  EXPECT_EQ(payload_types(audio), (Numbers{109, 9, 0, 8, 101}));
  EXPECT_TRUE(std::ranges::none_of(audio.codecs, [](const Codec& codec) { return codec.is("red"); }));
  EXPECT_EQ(audio.codecs.at(0).fmtp, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
  EXPECT_EQ(audio.codecs.at(1).name, "G722");
  EXPECT_EQ(audio.codecs.at(1).channels, 1);
  EXPECT_EQ(audio.codecs.at(4).fmtp, "0-15");
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(audio.codecs.at(i).has_feedback("transport-cc")) << i;
  EXPECT_EQ(
      audio.extmaps.at(1),
      (ExtMap{.id = 2, .direction = Direction::RecvOnly, .uri = std::string{uri::kCsrcAudioLevel}, .attributes = {}}));
  EXPECT_EQ(audio.candidates.size(), 8U);
  EXPECT_TRUE(audio.end_of_candidates);
  EXPECT_FALSE(audio.rtcp_rsize);

  const MediaSection video = parsed("firefox_offer_of_answer").sections.at(1);
  EXPECT_EQ(payload_types(video), (Numbers{120, 124, 121, 125, 99, 100, 123, 122, 119}));
  EXPECT_EQ(video.rtx_of(PayloadType{120})->payload_type, PayloadType{124});
  EXPECT_EQ(video.extension_id(uri::kRtpStreamId), 9);
  EXPECT_EQ(video.extmaps.at(6).direction, Direction::SendOnly);
  EXPECT_TRUE(video.rtcp_rsize);
}

TEST(SdpGolden, Vp9AloneIsOneSourceWithItsRtxInBothBrowsers) {
  const MediaSection chromium = parsed("chromium_vp9_svc").sections.at(0);
  EXPECT_EQ(payload_types(chromium), (Numbers{98, 99, 100, 101}));
  EXPECT_EQ(chromium.codec(PayloadType{98})->parameter("profile-id"), "0");
  EXPECT_EQ(chromium.direction, Direction::SendOnly);
  EXPECT_EQ(chromium.ssrc_groups, (std::vector<SsrcGroup>{{"FID", {Ssrc{918708169}, Ssrc{1994981099}}}}));
  EXPECT_EQ(chromium.extension_id(uri::kDependencyDescriptor), 13);
  EXPECT_TRUE(chromium.rids.empty());

  // Firefox leaves the feedback of the codecs that were taken away: those lines belong to nothing.
  const MediaSection firefox = parsed("firefox_vp9_svc").sections.at(0);
  EXPECT_EQ(payload_types(firefox), (Numbers{121, 125}));
  EXPECT_EQ(firefox.codecs.at(0).name, "VP9");
  EXPECT_EQ(firefox.codecs.at(0).feedback.size(), 5U);
  EXPECT_TRUE(firefox.codecs.at(1).feedback.empty());
  EXPECT_EQ(firefox.ssrc_groups.size(), 1U);
}

TEST(SdpGolden, DirectionsAreThoseAskedFor) {
  for (const std::string browser : {"chromium_", "firefox_"}) {
    for (const MediaSection& section : parsed(browser + "recvonly").sections) {
      EXPECT_EQ(section.direction, Direction::RecvOnly) << browser;
      EXPECT_TRUE(section.msids.empty()) << browser;
    }
    for (const MediaSection& section : parsed(browser + "simulcast").sections) {
      EXPECT_EQ(section.direction, Direction::SendOnly) << browser;
    }
    const SessionDescription answer = parsed(browser + "answer");
    EXPECT_EQ(answer.sections.at(0).direction, Direction::SendRecv) << browser;
    EXPECT_EQ(answer.sections.at(1).direction, Direction::RecvOnly) << browser;
    EXPECT_TRUE(answer.sections.at(1).simulcast.empty()) << browser << " takes no simulcast";
  }
}

TEST(SdpGolden, DataChannelsHaveASizeAndAPort) {
  for (const auto& [name, size] : std::vector<std::pair<std::string, std::uint64_t>>{
           {"chromium_data_channel", 262144}, {"firefox_data_channel", 1073741823}}) {
    const MediaSection section = parsed(name).sections.at(0);
    EXPECT_EQ(section.kind, MediaKind::Application) << name;
    EXPECT_EQ(section.protocol, "UDP/DTLS/SCTP") << name;
    EXPECT_EQ(section.formats, Strings{"webrtc-datachannel"}) << name;
    EXPECT_EQ(section.sctp_port, 5000) << name;
    EXPECT_EQ(section.max_message_bytes, size) << name;
  }
}

TEST(SdpGolden, AStoppedTransceiverIsARejectedSectionOutOfTheBundle) {
  for (const std::string browser : {"chromium_", "firefox_"}) {
    const SessionDescription session = parsed(browser + "stopped_video");
    const MediaSection* video = session.section("1");
    ASSERT_NE(video, nullptr) << browser;
    EXPECT_TRUE(video->rejected()) << browser;
    EXPECT_EQ(video->port, 0) << browser;
    EXPECT_EQ(video->direction, Direction::Inactive) << browser;
    EXPECT_GT(session.origin.version, parsed(browser + "offer_of_answer").origin.version) << browser;
    EXPECT_EQ(session.origin.session_id, parsed(browser + "offer_of_answer").origin.session_id) << browser;
  }
}

TEST(SdpGolden, TheSafariLikeOfferPrefersHighProfileH264) {
  const MediaSection video = parsed("handmade_safari_like_audio_video").sections.at(1);
  EXPECT_TRUE(video.codecs.at(0).is("H264"));
  EXPECT_EQ(video.codecs.at(0).parameter("profile-level-id"), "640c1f");
  EXPECT_EQ(video.rtx_of(PayloadType{100})->payload_type, PayloadType{101});
  EXPECT_EQ(video.ssrc_groups.at(0).semantics, "FID");
}

}  // namespace
}  // namespace zvonok::sdp
