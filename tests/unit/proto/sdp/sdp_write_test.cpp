// What is written: the exact text of an answer, that every field survives, and that no text opens a line of its own.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/sdp/extension_uris.h"
#include "proto/sdp/sdp.h"

namespace zvonok::sdp {
namespace {

Fingerprint fingerprint(std::string algorithm, std::size_t bytes) {
  Fingerprint made{std::move(algorithm), {}};
  for (std::size_t i = 0; i < bytes; ++i) made.digest.push_back(static_cast<std::uint8_t>(i * 7));
  return made;
}

/// A value other than the default in every field there is.
SessionDescription everything() {
  MediaSection video{
      .kind = MediaKind::Video,
      .port = 4000,
      .protocol = "UDP/TLS/RTP/SAVPF",
      .codecs = {{PayloadType{96}, "VP8", 90000, 1, "max-fs=12288", {{"nack", ""}, {"nack", "pli"}}},
                 {PayloadType{97}, "rtx", 90000, 1, "apt=96", {}},
                 {PayloadType{98}, "", 0, 1, "", {}}},
      .bandwidths = {{"AS", 500}, {"TIAS", 500000}},
      .mid = "v0",
      .direction = Direction::RecvOnly,
      .bundle_only = true,
      .rtcp_mux = true,
      .rtcp_mux_only = true,
      .rtcp_rsize = true,
      .extmap_allow_mixed = true,
      .transport = {.ice_ufrag = "ab+/",
                    .ice_pwd = "0123456789abcdefghijkl",
                    .ice_options = {"trickle", "ice2"},
                    .fingerprints = {fingerprint("sha-256", 32), fingerprint("sha-512", 64)},
                    .setup = sdp::Setup::Passive},
      .candidates = {"candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host",
                     "candidate:2 1 tcp 1 192.0.2.1 443 typ host tcptype passive"},
      .end_of_candidates = true,
      .extmaps = {{4, std::nullopt, std::string{uri::kMid}, ""},
                  {200, Direction::SendOnly, std::string{uri::kAbsCaptureTime}, "with attributes"}},
      .msids = {{"-", "track"}, {"stream", ""}},
      .ssrcs = {{Ssrc{1}, "name", Msid{"s", "t"}}, {Ssrc{4294967295}, "", std::nullopt}, {Ssrc{3}, "", Msid{"s", ""}}},
      .ssrc_groups = {{"SIM", {Ssrc{1}, Ssrc{3}}}, {"FID", {Ssrc{1}, Ssrc{4294967295}}}},
      .rids = {{"h", RidDirection::Recv, {PayloadType{96}}, {{"max-width", "1280"}, {"flag", ""}}},
               {"l", RidDirection::Send, {}, {}}},
      .simulcast = {.send = {{{"l", false}}}, .recv = {{{"h", false}, {"l", true}}, {{"m", true}}}},
  };
  const MediaSection data{.kind = MediaKind::Application,
                          .port = 0,
                          .protocol = "UDP/DTLS/SCTP",
                          .formats = {"webrtc-datachannel"},
                          .mid = "d",
                          .direction = Direction::Inactive,
                          .sctp_port = 5000,
                          .max_message_bytes = 18446744073709551615U};
  const MediaSection other{
      .kind = MediaKind::Other, .other_kind = "text", .codecs = {{PayloadType{127}, "t140", 1000, 255, "", {}}}};
  return {.origin = {"alice", 18446744073709551615U, 7},
          .name = "a name",
          .bundle_groups = {{"v0", "d"}, {"x"}},
          .ice_lite = true,
          .extmap_allow_mixed = true,
          .msid_semantic = "WMS *",
          .transport = {.ice_ufrag = "sess",
                        .ice_pwd = "0123456789abcdefghijkm",
                        .ice_options = {"trickle"},
                        .fingerprints = {fingerprint("sha-1", 20)},
                        .setup = sdp::Setup::HoldConn},
          .sections = {video, data, other}};
}

TEST(SdpWrite, EveryFieldSurvives) {
  const SessionDescription session = everything();
  const std::string text = write(session);
  const auto again = parse(text);
  ASSERT_TRUE(again) << again.error().line << ": " << again.error().what << "\n" << text;
  ASSERT_EQ(again->sections.size(), 3U);
  EXPECT_TRUE(again->sections.at(0) == session.sections.at(0)) << text;
  EXPECT_TRUE(again->sections.at(1) == session.sections.at(1)) << text;
  EXPECT_TRUE(again->sections.at(2) == session.sections.at(2)) << text;
  EXPECT_TRUE(*again == session) << text;
}

TEST(SdpWrite, EverySetupAndDirectionSurvives) {
  for (const sdp::Setup setup : {sdp::Setup::ActPass, sdp::Setup::Active, sdp::Setup::Passive, sdp::Setup::HoldConn}) {
    for (const Direction direction :
         {Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive}) {
      SessionDescription session;
      session.sections.push_back({.codecs = {{PayloadType{111}, "opus", 48000, 2, "", {}}},
                                  .direction = direction,
                                  .transport = {.setup = setup}});
      EXPECT_EQ(parse(write(session)), session) << write(session);
    }
  }
}

TEST(SdpWrite, AnAnswerIsWrittenInTheUsualOrder) {
  SessionDescription answer;
  answer.origin = {.username = "-", .session_id = 42, .version = 3};
  answer.bundle_groups = {{"0"}};
  answer.ice_lite = true;
  answer.msid_semantic = "WMS *";
  answer.transport.fingerprints = {{"sha-1", std::vector<std::uint8_t>(20, 0xAB)}};
  answer.sections.push_back(
      {.codecs = {{PayloadType{111}, "opus", 48000, 2, "minptime=10;useinbandfec=1", {{"transport-cc", ""}}}},
       .mid = "0",
       .direction = Direction::RecvOnly,
       .rtcp_mux = true,
       .rtcp_rsize = true,
       .transport = {.ice_ufrag = "abcd", .ice_pwd = "0123456789012345678901", .setup = sdp::Setup::Passive},
       .candidates = {"candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host"},
       .end_of_candidates = true,
       .extmaps = {{3, std::nullopt, std::string{uri::kTransportWideCc}, ""}}});
  EXPECT_EQ(write(answer),
            "v=0\r\n"
            "o=- 42 3 IN IP4 127.0.0.1\r\n"
            "s=-\r\n"
            "t=0 0\r\n"
            "a=ice-lite\r\n"
            "a=group:BUNDLE 0\r\n"
            "a=msid-semantic: WMS *\r\n"
            "a=fingerprint:sha-1 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\r\n"
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
            "c=IN IP4 0.0.0.0\r\n"
            "a=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host\r\n"
            "a=end-of-candidates\r\n"
            "a=ice-ufrag:abcd\r\n"
            "a=ice-pwd:0123456789012345678901\r\n"
            "a=setup:passive\r\n"
            "a=mid:0\r\n"
            "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
            "a=recvonly\r\n"
            "a=rtcp-mux\r\n"
            "a=rtcp-rsize\r\n"
            "a=rtpmap:111 opus/48000/2\r\n"
            "a=rtcp-fb:111 transport-cc\r\n"
            "a=fmtp:111 minptime=10;useinbandfec=1\r\n");
}

TEST(SdpWrite, NoTextOpensALineOfItsOwn) {
  SessionDescription session = everything();
  const std::string evil = "x\r\na=ice-lite\nm=audio 1 RTP/AVP 0\r";
  MediaSection& section = session.sections.at(0);
  session.origin.username = session.name = session.msid_semantic = section.mid = section.protocol = evil;
  section.transport.ice_ufrag = section.codecs.at(0).name = section.codecs.at(0).fmtp = evil;
  section.candidates = {evil};
  section.msids = {{evil, evil}};
  section.ssrcs.at(0).cname = evil;
  section.extmaps.at(0).uri = evil;
  section.rids.at(0).params.at(0).second = evil;
  const auto lines = [](const std::string& text) { return std::ranges::count(text, '\n'); };
  const std::string text = write(session);
  SessionDescription harmless = everything();
  harmless.sections.at(0).candidates.resize(1);
  harmless.sections.at(0).msids.resize(1);
  EXPECT_EQ(lines(text), lines(write(harmless)));
  EXPECT_EQ(std::ranges::count(text, '\r'), lines(text));
}

TEST(SdpWrite, ASectionWithoutFormatsIsStillALineOfSdp) {
  SessionDescription session;
  session.sections.push_back({.kind = MediaKind::Video, .port = 0});
  EXPECT_NE(write(session).find("m=video 0 UDP/TLS/RTP/SAVPF 0\r\n"), std::string::npos);
  EXPECT_TRUE(parse(write(session)));
}

TEST(SdpDirection, IsReversedForTheOtherSide) {
  EXPECT_EQ(reversed(Direction::SendOnly), Direction::RecvOnly);
  EXPECT_EQ(reversed(Direction::RecvOnly), Direction::SendOnly);
  EXPECT_EQ(reversed(Direction::SendRecv), Direction::SendRecv);
  EXPECT_EQ(reversed(Direction::Inactive), Direction::Inactive);
  for (const Direction direction :
       {Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive}) {
    EXPECT_EQ(sends(direction), receives(reversed(direction)));
  }
  EXPECT_TRUE(sends(Direction::SendOnly));
  EXPECT_FALSE(receives(Direction::SendOnly));
}

TEST(SdpSession, FindsSectionsByMid) {
  const SessionDescription session = everything();
  EXPECT_EQ(session.section("d"), &session.sections[1]);
  EXPECT_EQ(session.section("nobody"), nullptr);
  EXPECT_EQ(session.section(""), nullptr) << "the section without a mid has no name to be found by";
}

}  // namespace
}  // namespace zvonok::sdp
