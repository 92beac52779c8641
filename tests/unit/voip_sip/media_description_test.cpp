// Descriptions of telephone calls: what is read of those of others, and what ours say.
#include "adapter/voip_sip/media_description.h"

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace zvonok::voip_sip {
namespace {

using port::G711;

constexpr std::string_view kPlain =
    "v=0\r\no=root 5 5 IN IP4 192.0.2.9\r\ns=call\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=audio 18000 RTP/AVP 8 0 96 13\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\na=rtpmap:13 CN/8000\r\na=ptime:20\r\na=sendrecv\r\n";
constexpr std::string_view kKey80 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";  // RFC 4568 section 9.1's length

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out{text};
  const std::size_t at = out.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return out.replace(at, what.size(), with);
}

MediaNegotiation negotiation(std::uint64_t seed = 1, Sealing sealing = Sealing::Off,
                             std::vector<G711> laws = {G711::Ulaw, G711::Alaw}) {
  test::SeededEntropy entropy{seed};
  return MediaNegotiation{
      {.address = IpAddress::v4(0xC6336401), .port = 20000, .sealing = sealing, .laws = std::move(laws)}, entropy};
}

TEST(MediaDescription, ReadsWhatTelephonesSay) {
  const auto read = read_media(kPlain);
  ASSERT_TRUE(read.has_value());
  const RemoteMedia& media = read->media;
  EXPECT_EQ(media.rtp.to_text(), "192.0.2.9:18000");
  EXPECT_EQ(media.rtcp.to_text(), "192.0.2.9:18001");
  EXPECT_EQ(media.formats, (std::vector<SoundFormat>{{8, G711::Alaw}, {0, G711::Ulaw}}));
  EXPECT_EQ(media.event_type, 96);
  EXPECT_TRUE(media.sends && media.receives);
  EXPECT_FALSE(read->sealed);
}

TEST(MediaDescription, ReadsTheStaticTypesWithoutTheirNames) {
  const auto read =
      read_media("v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 7000 RTP/AVP 18 0\n");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->media.formats, (std::vector<SoundFormat>{{0, G711::Ulaw}}));
  EXPECT_FALSE(read->media.event_type);
}

TEST(MediaDescription, PrefersTheAddressOfTheSectionAndThePortOfRtcp) {
  const auto read = read_media(replaced(kPlain, "a=ptime:20\r\n", "c=IN IP4 192.0.2.77\r\na=rtcp:18099\r\n"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->media.rtp.to_text(), "192.0.2.77:18000");
  EXPECT_EQ(read->media.rtcp.to_text(), "192.0.2.77:18099");
}

TEST(MediaDescription, KnowsTheOldHoldAndTheNew) {
  struct Case {
    std::string_view what, with;
    bool sends, receives;
  };
  for (const Case& c :
       {Case{"a=sendrecv", "a=sendonly", true, false}, Case{"a=sendrecv", "a=recvonly", false, true},
        Case{"a=sendrecv", "a=inactive", false, false}, Case{"c=IN IP4 192.0.2.9", "c=IN IP4 0.0.0.0", true, false}}) {
    const auto read = read_media(replaced(kPlain, c.what, c.with));
    ASSERT_TRUE(read.has_value()) << c.with;
    EXPECT_EQ(read->media.sends, c.sends) << c.with;
    EXPECT_EQ(read->media.receives, c.receives) << c.with;
  }
}

TEST(MediaDescription, SaysWhyItIsOfNoUse) {
  const auto error = [](std::string_view sdp) {
    const auto read = read_media(sdp);
    return read ? std::string{"fine"} : std::string{to_text(read.error())};
  };
  EXPECT_EQ(error(""), to_text(MediaError::NotSdp));
  EXPECT_EQ(error("hello"), to_text(MediaError::NotSdp));
  EXPECT_EQ(error(replaced(kPlain, "m=audio 18000", "m=audio 0")), to_text(MediaError::NoSound));
  EXPECT_EQ(error(replaced(kPlain, "m=audio", "m=video")), to_text(MediaError::NoSound));
  EXPECT_EQ(error(replaced(kPlain, "RTP/AVP", "UDP/TLS/RTP/SAVPF")), to_text(MediaError::NoSound));
  EXPECT_EQ(error(replaced(kPlain, "c=IN IP4 192.0.2.9", "c=IN IP4 phone.example.org")),
            to_text(MediaError::NoAddress));
  EXPECT_EQ(error(replaced(kPlain, "c=IN IP4 192.0.2.9\r\n", "")), to_text(MediaError::NoAddress));
  EXPECT_EQ(error(replaced(kPlain, "RTP/AVP 8 0 96 13", "RTP/AVP 18 96")), to_text(MediaError::NoCommonCodec));
}

TEST(MediaDescription, TakesTheSecondSectionWhenTheFirstIsOfNoUse) {
  const std::string both = replaced(kPlain, "m=audio 18000", "m=video 19000 RTP/AVP 31\r\nm=audio 18000");
  auto negotiated = negotiation();
  const auto answer = negotiated.answer(both, false);
  ASSERT_TRUE(answer.has_value());
  EXPECT_NE(answer->sdp.find("m=video 0 RTP/AVP 31\r\n"), std::string::npos) << answer->sdp;
  EXPECT_LT(answer->sdp.find("m=video"), answer->sdp.find("m=audio 20000"));
}

TEST(MediaDescription, OffersBothLawsAndDigits) {
  auto ours = negotiation();
  const std::string offer = ours.offer(false);
  const auto read = read_media(offer);
  ASSERT_TRUE(read.has_value()) << offer;
  EXPECT_EQ(read->media.formats, (std::vector<SoundFormat>{{0, G711::Ulaw}, {8, G711::Alaw}}));
  EXPECT_EQ(read->media.event_type, 101);
  EXPECT_EQ(read->media.rtp.to_text(), "198.51.100.1:20000");
  EXPECT_FALSE(read->sealed);
  EXPECT_NE(ours.offer(true).find("a=sendonly"), std::string::npos);
}

TEST(MediaDescription, CountsItsVersionsOfOneSession) {
  auto ours = negotiation();
  const auto origin = [](const std::string& sdp) {
    const std::size_t at = sdp.find("o=");
    return sdp.substr(at, sdp.find(" IN", at) - at);
  };
  const std::string first = origin(ours.offer(false));
  const std::string second = origin(ours.offer(true));
  EXPECT_EQ(first.substr(0, first.rfind(' ')), second.substr(0, second.rfind(' ')));
  EXPECT_EQ(first.substr(first.rfind(' ')), " 1");
  EXPECT_EQ(second.substr(second.rfind(' ')), " 2");
}

TEST(MediaDescription, AnswersWithOneLawAndTheirTypes) {
  auto ours = negotiation();
  const auto answer = ours.answer(kPlain, false);
  ASSERT_TRUE(answer.has_value());
  EXPECT_NE(answer->sdp.find("m=audio 20000 RTP/AVP 8 96\r\n"), std::string::npos) << answer->sdp;
  EXPECT_EQ(answer->agreed.remote.formats, (std::vector<SoundFormat>{{8, G711::Alaw}}));
  auto only_ulaw = negotiation(1, Sealing::Off, {G711::Ulaw});
  EXPECT_NE(only_ulaw.answer(kPlain, false)->sdp.find("RTP/AVP 0 96\r\n"), std::string::npos);
}

TEST(MediaDescription, SaysWhatDigitsComeUnder) {
  auto ours = negotiation();
  EXPECT_EQ(ours.answer(kPlain, false)->agreed.our_event_type, 96) << "as they said";
  const std::string offer = ours.offer(false);
  EXPECT_NE(offer.find("a=rtpmap:101 telephone-event/8000"), std::string::npos);
  const auto agreed = ours.take_answer(kPlain);
  ASSERT_TRUE(agreed.has_value());
  EXPECT_EQ(agreed->remote.event_type, 96);
  EXPECT_EQ(agreed->our_event_type, 101);
}

TEST(MediaDescription, AnswersHoldWithItsReverse) {
  struct Case {
    std::string_view theirs;
    bool held;
    std::string_view ours;
  };
  for (const Case& c :
       {Case{"sendrecv", false, "sendrecv"}, Case{"sendrecv", true, "sendonly"}, Case{"sendonly", false, "recvonly"},
        Case{"sendonly", true, "inactive"}, Case{"recvonly", false, "sendonly"}, Case{"inactive", false, "inactive"}}) {
    auto ours = negotiation();
    const auto answer = ours.answer(replaced(kPlain, "sendrecv", c.theirs), c.held);
    ASSERT_TRUE(answer.has_value());
    EXPECT_NE(answer->sdp.find("a=" + std::string{c.ours} + "\r\n"), std::string::npos) << c.theirs << answer->sdp;
  }
}

TEST(MediaDescription, AgreesOnKeysBothWays) {
  auto caller = negotiation(1, Sealing::Required);
  auto callee = negotiation(2);
  const std::string offer = caller.offer(false);
  EXPECT_NE(offer.find("RTP/SAVP"), std::string::npos);
  const auto answer = callee.answer(offer, false);
  ASSERT_TRUE(answer.has_value());
  const auto agreed = caller.take_answer(answer->sdp);
  ASSERT_TRUE(agreed.has_value()) << answer->sdp;
  ASSERT_TRUE(agreed->our_key && agreed->remote.key && answer->agreed.our_key && answer->agreed.remote.key);
  EXPECT_EQ(agreed->our_key->master, answer->agreed.remote.key->master);
  EXPECT_EQ(agreed->remote.key->master, answer->agreed.our_key->master);
  EXPECT_FALSE(agreed->our_key->master == agreed->remote.key->master);
  // The same keys for as long as the call lasts.
  EXPECT_EQ(caller.take_answer(callee.answer(caller.offer(true), false)->sdp)->our_key->master,
            agreed->our_key->master);
}

TEST(MediaDescription, RefusesClearSoundWhereItMustBeSealed) {
  auto ours = negotiation(1, Sealing::Required);
  (void)ours.offer(false);
  EXPECT_EQ(ours.take_answer(kPlain).error(), MediaError::NotSealed);
  EXPECT_EQ(ours.answer(kPlain, false).error(), MediaError::NotSealed);
  const std::string no_keys = replaced(kPlain, "RTP/AVP", "RTP/SAVP");
  EXPECT_EQ(ours.take_answer(no_keys).error(), MediaError::NoCommonKeys);
  // Sealed when nobody asked: what it would be sealed with was never offered.
  auto clear = negotiation();
  (void)clear.offer(false);
  EXPECT_EQ(
      clear
          .take_answer(replaced(no_keys, "a=ptime",
                                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string{kKey80} + "\r\na=ptime"))
          .error(),
      MediaError::NoCommonKeys);
}

TEST(Crypto, IsReadStrictly) {
  const std::string key{kKey80};
  EXPECT_TRUE(parse_crypto("1 AES_CM_128_HMAC_SHA1_80 inline:" + key));
  EXPECT_TRUE(parse_crypto("1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20"));
  EXPECT_TRUE(parse_crypto("999 AES_CM_128_HMAC_SHA1_80 inline:" + key + " WSH=128"));
  for (const std::string& wrong :
       {std::string{}, std::string{"1"}, "x AES_CM_128_HMAC_SHA1_80 inline:" + key,
        "1 AES_CM_128_HMAC_SHA1_32 inline:" + key, "1 NULL inline:" + key, "1 AES_CM_128_HMAC_SHA1_80 " + key,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + key.substr(4), "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "AAAA",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|1:4", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|1:4",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + ";inline:" + key,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + " UNENCRYPTED_SRTP",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + key + " KDR=1", "1 AEAD_AES_128_GCM inline:" + key,
        "1234567890 AES_CM_128_HMAC_SHA1_80 inline:" + key,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + replaced(key, "V", "*")}) {
    EXPECT_FALSE(parse_crypto(wrong)) << wrong;
  }
}

TEST(Crypto, IsWrittenAsItIsRead) {
  const std::string text = "7 AES_CM_128_HMAC_SHA1_80 inline:" + std::string{kKey80};
  EXPECT_EQ(write_crypto(*parse_crypto(text)), text);
}

}  // namespace
}  // namespace zvonok::voip_sip
