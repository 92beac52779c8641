// What the parser refuses and where, what it forgives, and that it stays within its limits.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "proto/sdp/extension_uris.h"
#include "proto/sdp/sdp.h"

namespace zvonok::sdp {
namespace {

constexpr std::string_view kHead = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
constexpr std::string_view kVideo = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n";  // line 5

std::string with(std::string_view lines) {
  return std::string{kHead} + std::string{kVideo} + std::string{lines};
}

MediaSection video_with(std::string_view lines) {
  auto session = parse(with(lines));
  EXPECT_TRUE(session) << lines << " line " << session.error().line << ": " << session.error().what;
  return session ? session->sections.at(0) : MediaSection{};
}

TEST(SdpParse, WrongValuesAreRefusedWithTheirLine) {
  struct Row {
    std::string_view lines, what;
  };
  constexpr Row kRows[]{
      {"a=mid:\r\n", "malformed mid"},
      {"a=mid:a b\r\n", "malformed mid"},
      {"a=rtpmap:96\r\n", "malformed rtpmap"},
      {"a=rtpmap:96 VP8\r\n", "malformed rtpmap"},
      {"a=rtpmap:96 VP8/0\r\n", "malformed rtpmap"},
      {"a=rtpmap:96 VP8/4294967296\r\n", "malformed rtpmap"},
      {"a=rtpmap:96 VP8/90000/256\r\n", "malformed rtpmap"},
      {"a=rtpmap:96 /90000\r\n", "malformed rtpmap"},
      {"a=rtpmap:128 VP8/90000\r\n", "malformed rtpmap"},
      {"a=rtpmap:-1 VP8/90000\r\n", "malformed rtpmap"},
      {"a=fmtp:128 a=b\r\n", "malformed fmtp"},
      {"a=fmtp:x a=b\r\n", "malformed fmtp"},
      {"a=rtcp-fb:96\r\n", "malformed rtcp-fb"},
      {"a=rtcp-fb:200 nack\r\n", "malformed rtcp-fb"},
      {"a=extmap:0 urn:a\r\n", "malformed extmap"},
      {"a=extmap:256 urn:a\r\n", "malformed extmap"},
      {"a=extmap:1\r\n", "malformed extmap"},
      {"a=extmap:1/upwards urn:a\r\n", "malformed extmap"},
      {"a=extmap:1/ urn:a\r\n", "malformed extmap"},
      {"a=ssrc:4294967296 cname:a\r\n", "malformed ssrc"},
      {"a=ssrc:x cname:a\r\n", "malformed ssrc"},
      {"a=ssrc:1 msid:\r\n", "malformed ssrc"},
      {"a=ssrc-group:FID\r\n", "malformed ssrc-group"},
      {"a=ssrc-group:FID 1 x\r\n", "malformed ssrc-group"},
      {"a=msid:\r\n", "malformed msid"},
      {"a=rid:q\r\n", "malformed rid"},
      {"a=rid:q sideways\r\n", "malformed rid"},
      {"a=rid:q* send\r\n", "malformed rid"},
      {"a=rid:q send pt=128\r\n", "malformed rid"},
      {"a=rid:q send pt=\r\n", "malformed rid"},
      {"a=simulcast:\r\n", "malformed simulcast"},
      {"a=simulcast:send\r\n", "malformed simulcast"},
      {"a=simulcast:send q;;f\r\n", "malformed simulcast"},
      {"a=simulcast:send q,\r\n", "malformed simulcast"},
      {"a=simulcast:send q send f\r\n", "malformed simulcast"},
      {"a=simulcast: send rid=q;h;f\r\n", "malformed simulcast"},
      {"a=setup:lazy\r\n", "unknown setup"},
      {"a=fingerprint:sha-256 AA:BB\r\n", "malformed fingerprint"},
      {"a=fingerprint:sha-256\r\n", "malformed fingerprint"},
      {"a=fingerprint:sha-1 00112233445566778899AABBCCDDEEFF00112233\r\n", "malformed fingerprint"},
      {"a=ice-ufrag:abc\r\n", "malformed ice-ufrag"},
      {"a=ice-ufrag:ab:cd\r\n", "malformed ice-ufrag"},
      {"a=ice-pwd:tooshort\r\n", "malformed ice-pwd"},
      {"a=sctp-port:65536\r\n", "malformed sctp-port"},
      {"a=max-message-size:lots\r\n", "malformed max-message-size"},
      {"b=AS:-1\r\n", "malformed b= line"},
      {"b=AS\r\n", "malformed b= line"},
      {"m=video\r\n", "malformed m= line"},
      {"m=video 9 UDP/TLS/RTP/SAVPF\r\n", "malformed m= line"},
      {"m=video 65536 UDP/TLS/RTP/SAVPF 96\r\n", "malformed port"},
      {"m=video 9/2 UDP/TLS/RTP/SAVPF 96\r\n", "malformed port"},
      {"m=video 9 UDP/TLS/RTP/SAVPF 128\r\n", "malformed payload type"},
      {"m=video 9 UDP/TLS/RTP/SAVPF webrtc-datachannel\r\n", "malformed payload type"},
      {"m=video 9 UDP/TLS/RTP/SAVPF 96 97 96\r\n", "payload type given twice"},
      {"o=- 1 2 IN IP4 127.0.0.1\r\n", "second o= line"},
      {"hello\r\n", "not a line of SDP"},
      {"a\r\n", "not a line of SDP"},
      {"a=mid:0\r\r\n", "control character"},
  };
  for (const Row& row : kRows) {
    const auto session = parse(with(row.lines));
    ASSERT_FALSE(session) << row.lines;
    EXPECT_EQ(session.error().what, row.what) << row.lines;
    EXPECT_EQ(session.error().line, 6U) << row.lines;
  }
}

TEST(SdpParse, WhatMayStandOnceIsRefusedTheSecondTime) {
  struct Row {
    std::string_view lines, what;
  };
  constexpr Row kRows[]{
      {"a=mid:0\r\na=mid:1\r\n", "second mid"},
      {"a=mid:0\r\na=mid:0\r\n", "mid given twice"},
      {"a=rtpmap:96 VP8/90000\r\na=rtpmap:96 VP9/90000\r\n", "second rtpmap for a payload type"},
      {"a=extmap:1 urn:a\r\na=extmap:1 urn:b\r\n", "extmap id given twice"},
      {"a=rid:q send\r\na=rid:q recv\r\n", "rid given twice"},
      {"a=simulcast:send q\r\na=simulcast:recv q\r\n", "second simulcast"},
      {"a=setup:active\r\na=setup:passive\r\n", "second setup"},
      {"a=ice-ufrag:abcd\r\na=ice-ufrag:abce\r\n", "second ice-ufrag"},
      {"a=ice-pwd:0123456789012345678901\r\na=ice-pwd:0123456789012345678902\r\n", "second ice-pwd"},
  };
  for (const Row& row : kRows) {
    const auto session = parse(with(row.lines));
    ASSERT_FALSE(session) << row.lines;
    EXPECT_EQ(session.error(), (Error{.line = 7, .what = row.what})) << row.lines;
  }
  const auto two_sections = parse(with("a=mid:0\r\n" + std::string{kVideo} + "a=mid:0\r\n"));
  ASSERT_FALSE(two_sections);
  EXPECT_EQ(two_sections.error(), (Error{.line = 8, .what = "mid given twice"}));
}

TEST(SdpParse, ADescriptionNeedsAVersionAndAnOrigin) {
  struct Row {
    std::string_view text;
    Error error;
  };
  const Row rows[]{
      {"", {0, "no v= line"}},
      {"\r\n\n", {0, "no v= line"}},
      {"v=0\r\ns=-\r\n", {0, "no o= line"}},
      {"v=1\r\n", {1, "does not begin with v=0"}},
      {"s=-\r\nv=0\r\n", {1, "does not begin with v=0"}},
      {"v=0\r\no=- 1 2\r\n", {2, "malformed o= line"}},
      {"v=0\r\no=- x 2 IN IP4 0.0.0.0\r\n", {2, "malformed o= line"}},
      {"v=0\r\no=- 18446744073709551616 2 IN IP4 0.0.0.0\r\n", {2, "malformed o= line"}},
      {std::string_view{"v=0\0\r\n", 6}, {1, "control character"}},
  };
  for (const Row& row : rows) {
    const auto session = parse(row.text);
    ASSERT_FALSE(session) << row.text;
    EXPECT_EQ(session.error().what, row.error.what) << row.text;
    EXPECT_EQ(session.error().line, row.error.line) << row.text;
  }
}

TEST(SdpParse, UnknownLinesAndAttributesAreSkipped) {
  const MediaSection plain = video_with("a=mid:0\r\na=sendonly\r\n");
  EXPECT_EQ(video_with("i=title\r\nk=clear:x\r\na=mid:0\r\n\r\na=rtcp-xr:rcvr-rtt=all\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
                       "a=x-future:1 2 3\r\na=\r\na=:\r\na=imageattr:* send *\r\na=ptime:20\r\na=sendonly"),
            plain);
}

TEST(SdpParse, LinesOfPayloadTypesThatAreNotOfferedAreSkipped) {
  EXPECT_EQ(video_with("a=rtpmap:100 VP9/90000\r\na=fmtp:100 profile-id=0\r\na=rtcp-fb:100 nack\r\n"), video_with(""));
}

TEST(SdpParse, AttributesMayComeBeforeTheRtpmap) {
  const MediaSection section =
      video_with("a=fmtp:97 apt=96\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=rtpmap:96 VP8/90000\r\n");
  ASSERT_NE(section.rtx_of(PayloadType{96}), nullptr);
  EXPECT_EQ(section.rtx_of(PayloadType{96})->payload_type, PayloadType{97});
  EXPECT_TRUE(section.codecs.at(0).has_feedback("nack", "pli"));
}

TEST(SdpParse, FeedbackForAllPayloadTypesIsGivenToEachOnce) {
  const MediaSection section = video_with("a=rtcp-fb:96 nack\r\na=rtcp-fb:* nack\r\na=rtcp-fb:* ccm fir\r\n");
  EXPECT_EQ(section.codecs.at(0).feedback, (std::vector<RtcpFeedback>{{"nack", ""}, {"ccm", "fir"}}));
  EXPECT_EQ(section.codecs.at(1).feedback, section.codecs.at(0).feedback);
}

TEST(SdpParse, TwoFmtpLinesOfOnePayloadTypeAreJoined) {
  const MediaSection section = video_with(
      "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=fmtp:96 Profile-Level-Id = 42e01f \r\n");
  EXPECT_EQ(section.codecs.at(0).parameter("packetization-mode"), "1");
  EXPECT_EQ(section.codecs.at(0).parameter("profile-level-id"), "42e01f");
}

TEST(SdpParse, AnAptThatIsNoPayloadTypeRepeatsNothing) {
  for (const std::string_view apt : {"apt=", "apt=128", "apt=x", "96", ""}) {
    const MediaSection section = video_with("a=rtpmap:97 rtx/90000\r\na=fmtp:97 " + std::string{apt} + "\r\n");
    EXPECT_EQ(section.codecs.at(1).apt(), std::nullopt) << apt;
    EXPECT_EQ(section.rtx_of(PayloadType{96}), nullptr) << apt;
  }
  EXPECT_EQ(video_with("a=rtpmap:97 VP8/90000\r\na=fmtp:97 apt=96\r\n").rtx_of(PayloadType{96}), nullptr)
      << "only rtx repeats";
}

TEST(SdpParse, StaticPayloadTypesNeedNoRtpmap) {
  const auto session = parse(std::string{kHead} + "m=audio 9 RTP/AVP 0 8 9 13 96\r\na=rtpmap:8 L8/16000\r\n");
  ASSERT_TRUE(session);
  const auto& codecs = session->sections.at(0).codecs;
  EXPECT_EQ(codecs.at(0).name, "PCMU");
  EXPECT_EQ(codecs.at(0).clock_rate_hz, 8000U);
  EXPECT_EQ(codecs.at(1).name, "L8") << "what is said counts more";
  EXPECT_EQ(codecs.at(2).name, "G722");
  EXPECT_EQ(codecs.at(3).name, "CN");
  EXPECT_EQ(codecs.at(4).name, "");
}

TEST(SdpParse, TheSessionSpeaksForSectionsThatSayNothing) {
  const std::string digest = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33";
  const auto session =
      parse(std::string{kHead} + "a=inactive\r\na=end-of-candidates\r\na=setup:active\r\na=ice-ufrag:sess\r\n" +
            "a=ice-pwd:session-password-00000\r\na=ice-options:ice2 trickle\r\na=fingerprint:SHA-1 " + digest + "\r\n" +
            std::string{kVideo} + std::string{kVideo} +
            "a=sendrecv\r\na=setup:passive\r\na=ice-ufrag:media\r\na=ice-options:renomination\r\n");
  ASSERT_TRUE(session) << session.error().what;
  const MediaSection& silent = session->sections.at(0);
  EXPECT_EQ(silent.direction, Direction::Inactive);
  EXPECT_TRUE(silent.end_of_candidates);
  EXPECT_EQ(silent.transport, Transport{});
  const Transport transport = session->transport_of(silent);
  EXPECT_EQ(transport, session->transport);
  EXPECT_EQ(transport.setup, sdp::Setup::Active);
  EXPECT_EQ(transport.ice_ufrag, "sess");
  EXPECT_EQ(transport.ice_options, (std::vector<std::string>{"ice2", "trickle"}));
  EXPECT_EQ(to_text(transport.fingerprints.at(0)), "sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33");

  const MediaSection& own = session->sections.at(1);
  EXPECT_EQ(own.direction, Direction::SendRecv);
  const Transport merged = session->transport_of(own);
  EXPECT_EQ(merged.setup, sdp::Setup::Passive);
  EXPECT_EQ(merged.ice_ufrag, "media");
  EXPECT_EQ(merged.ice_pwd, "") << "never the name of one level with the password of the other";
  EXPECT_EQ(merged.ice_options, std::vector<std::string>{"renomination"});
  EXPECT_EQ(merged.fingerprints, transport.fingerprints);
}

TEST(SdpParse, FingerprintsOfUnknownHashesAreSkipped) {
  EXPECT_TRUE(video_with("a=fingerprint:sha3-256 AA\r\na=fingerprint:md5 AA:BB\r\n").transport.fingerprints.empty());
}

TEST(SdpParse, RidsHavePayloadTypesAndParameters) {
  const MediaSection section =
      video_with("a=rid:hi-1_a send pt=96,97;max-width=1280;max-fps=30;x\r\na=rid:2 recv max-br = 64000 ; pt = 97\r\n");
  EXPECT_EQ(section.rids.at(0), (Rid{"hi-1_a",
                                     RidDirection::Send,
                                     {PayloadType{96}, PayloadType{97}},
                                     {{"max-width", "1280"}, {"max-fps", "30"}, {"x", ""}}}));
  EXPECT_EQ(section.rids.at(1), (Rid{"2", RidDirection::Recv, {PayloadType{97}}, {{"max-br", "64000"}}}));
}

TEST(SdpParse, SimulcastHasAlternativesPausesAndBothDirections) {
  const MediaSection section = video_with("a=simulcast:recv 1;~4,~3 send 2,6;5\r\n");
  EXPECT_EQ(section.simulcast.recv, (std::vector<SimulcastStream>{{{"1", false}}, {{"4", true}, {"3", true}}}));
  EXPECT_EQ(section.simulcast.send, (std::vector<SimulcastStream>{{{"2", false}, {"6", false}}, {{"5", false}}}));
}

TEST(SdpParse, ExtensionsMayHaveDirectionsAndAttributes) {
  const MediaSection section = video_with("a=extmap:255/sendonly urn:a  one two \r\na=extmap:15 urn:b\r\n");
  EXPECT_EQ(section.extmaps.at(0), (ExtMap{255, Direction::SendOnly, "urn:a", "one two"}));
  EXPECT_EQ(section.extension_id("urn:b"), 15);
  EXPECT_EQ(section.extension_id(uri::kMid), std::nullopt);
}

TEST(SdpParse, OtherMediaAndOldDataChannelsAreKeptToBeRejected) {
  const auto session = parse(std::string{kHead} +
                             "m=text 9 RTP/SAVPF 98\r\nm=application 9 DTLS/SCTP 5000\r\n"
                             "a=sctpmap:5000 webrtc-datachannel 1024\r\na=fmtp:webrtc-datachannel x\r\n");
  ASSERT_TRUE(session);
  EXPECT_EQ(session->sections.at(0).kind, MediaKind::Other);
  EXPECT_EQ(session->sections.at(0).other_kind, "text");
  EXPECT_TRUE(session->sections.at(0).is_rtp());
  EXPECT_FALSE(session->sections.at(1).is_rtp());
  EXPECT_EQ(session->sections.at(1).formats, std::vector<std::string>{"5000"});
}

TEST(SdpParse, PortZeroIsARejectionUnlessTheSectionIsBundleOnly) {
  const auto session =
      parse(std::string{kHead} + "m=video 0 RTP/SAVPF 98\r\nm=video 0 RTP/SAVPF 98\r\na=bundle-only\r\n");
  ASSERT_TRUE(session);
  EXPECT_TRUE(session->sections.at(0).rejected());
  EXPECT_FALSE(session->sections.at(1).rejected());
}

TEST(SdpParse, LimitsHoldToTheUnit) {
  const std::string text = with("a=mid:0\r\n");
  EXPECT_TRUE(parse(text, {.bytes_max = text.size()}));
  EXPECT_EQ(parse(text, {.bytes_max = text.size() - 1}).error(), (Error{.line = 0, .what = "too large"}));
  EXPECT_TRUE(parse(text, {.lines_max = 6}));
  EXPECT_EQ(parse(text, {.lines_max = 5}).error(), (Error{.line = 6, .what = "too many lines"}));
  EXPECT_TRUE(parse(text, {.line_bytes_max = kVideo.size() - 2}));
  EXPECT_EQ(parse(text, {.line_bytes_max = kVideo.size() - 3}).error(), (Error{.line = 5, .what = "line too long"}));
  EXPECT_TRUE(parse(text, {.sections_max = 1}));
  EXPECT_EQ(parse(text, {.sections_max = 0}).error(), (Error{.line = 5, .what = "too many media sections"}));
  const std::string feedback = with("a=rtcp-fb:* a\r\na=rtcp-fb:* b\r\n");
  EXPECT_TRUE(parse(feedback, {.feedback_per_codec_max = 2}));
  EXPECT_TRUE(parse(feedback, {.feedback_max = 4}));
  EXPECT_EQ(parse(feedback, {.feedback_max = 3}).error(), (Error{.line = 7, .what = "too many rtcp-fb"}));
  EXPECT_EQ(parse(feedback, {.feedback_per_codec_max = 1}).error(),
            (Error{.line = 7, .what = "too many rtcp-fb for a payload type"}));
}

TEST(SdpParse, NoShortTextGrowsIntoManyFeedbacks) {
  std::string types;
  for (int type = 0; type < 128; ++type) types += " " + std::to_string(type);
  std::string text{kHead};
  for (int section = 0; section < 512; ++section) {
    text += "m=video 9 RTP/AVP" + types + "\r\n";
    for (char c = 'a'; c < 'i'; ++c) text += std::string{"a=rtcp-fb:* "} + c + "\r\n";
  }
  EXPECT_EQ(parse(text).error().what, "too many rtcp-fb");
  EXPECT_EQ(parse(with("a=rtcp-fb:* " + std::string(129, 'a') + "\r\n")).error().what, "malformed rtcp-fb");
  EXPECT_TRUE(parse(with("a=rtcp-fb:* " + std::string(128, 'a') + "\r\n")));
}

TEST(SdpParse, TheDefaultLimitsAreOneMebibyteFiveThousandLinesAndFiveHundredTwelveSections) {
  std::string text{kHead};
  for (int i = 0; i < 512; ++i) text += kVideo;
  EXPECT_TRUE(parse(text));
  EXPECT_EQ(parse(text + std::string{kVideo}).error().what, "too many media sections");
  text += std::string(5000 - 516, '\n');
  EXPECT_TRUE(parse(text));
  EXPECT_EQ(parse(text + "\n").error().what, "too many lines");
  EXPECT_EQ(parse(std::string((1U << 20U) + 1, 'a')).error().what, "too large");
}

}  // namespace
}  // namespace zvonok::sdp
