// Packets by bytes, compounds, and every way in which they can be broken.
#include "proto/rtcp/reader.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/overloaded.h"
#include "unit/proto/rtcp/hex.h"

namespace zvonok::rtcp {
namespace {

template <class Kind>
Kind only(Bytes bytes) {
  Reader reader{bytes};
  const auto packet = reader.next();
  EXPECT_TRUE(packet && std::holds_alternative<Kind>(*packet));
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.error());
  return packet && std::holds_alternative<Kind>(*packet) ? std::get<Kind>(*packet) : Kind{};
}

std::optional<ParseError> error_of(std::string_view hex) {
  const auto bytes = from_hex(hex);
  Reader reader{bytes};
  while (reader.next()) {
  }
  return reader.error();
}

constexpr std::string_view kSenderReport =
    "81c8000c 01020304 83aa7e8080000000 00000064 00000005 000003e8"
    "0a0b0c0d 40fffffe 00010010 00000007 7e808000 00008000";
constexpr std::string_view kSdes =
    "82ca0007 01020304 0103414243 000000 0a0b0c0d 0201780103414200 00000000";  // second: another item, then a name of 3

TEST(RtcpReader, ReadsASenderReport) {
  const auto bytes = from_hex(kSenderReport);
  const auto report = only<SenderReport>(bytes);
  EXPECT_EQ(report.info.sender, Ssrc{0x01020304});
  EXPECT_EQ(report.info.ntp.compact(), 0x7E808000U);
  EXPECT_EQ(report.info.rtp_timestamp, 100U);
  EXPECT_EQ(report.info.packets, 5U);
  EXPECT_EQ(report.info.octets, 1000U);
  ASSERT_EQ(report.blocks.size(), 1U);
  EXPECT_EQ(report.blocks[0], (ReportBlock{.ssrc = Ssrc{0x0A0B0C0D},
                                           .fraction_lost = 64,
                                           .cumulative_lost = -2,
                                           .highest_sequence = 0x10010,
                                           .jitter = 7,
                                           .last_sender_report = 0x7E808000,
                                           .delay_since_last = 0x8000}));
}

TEST(RtcpReader, ReadsAReceiverReportWithoutBlocks) {
  const auto bytes = from_hex("80c90001 01020304");
  const auto report = only<ReceiverReport>(bytes);
  EXPECT_EQ(report.sender, Ssrc{0x01020304});
  EXPECT_TRUE(report.blocks.empty());
}

TEST(RtcpReader, SkipsTheExtensionOfAProfile) {
  const auto bytes = from_hex("80c90002 01020304 ffffffff");
  EXPECT_TRUE(only<ReceiverReport>(bytes).blocks.empty());
}

TEST(RtcpReader, ReadsNamesAndStepsOverOtherItems) {
  const auto bytes = from_hex(kSdes);
  const auto sdes = only<Sdes>(bytes);
  auto names = sdes.cnames();
  const auto first = names.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->ssrc, Ssrc{0x01020304});
  EXPECT_EQ(first->name, "ABC");
  const auto second = names.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->ssrc, Ssrc{0x0A0B0C0D});
  EXPECT_EQ(second->name, std::string_view("AB\0", 3));
  EXPECT_FALSE(names.next());
}

TEST(RtcpReader, ReadsByeWithAReason) {
  const auto bytes = from_hex("82cb0004 00000001 00000002 04676f6e 65000000");
  const auto bye = only<Bye>(bytes);
  ASSERT_EQ(bye.ssrcs.size(), 2U);
  EXPECT_EQ(Ssrc{bye.ssrcs[1]}, Ssrc{2});
  EXPECT_EQ(bye.reason, "gone");
}

TEST(RtcpReader, UnpacksNackMasksAcrossTheWrap) {
  const auto bytes = from_hex("81cd0004 00000001 00000002 fffe8005 00100000");
  const auto nack = only<Nack>(bytes);
  EXPECT_EQ(nack.media, Ssrc{2});
  std::vector<std::uint16_t> lost;
  auto reader = nack.lost();
  while (const auto number = reader.next()) lost.push_back(*number);
  EXPECT_EQ(lost, (std::vector<std::uint16_t>{0xFFFE, 0xFFFF, 1, 14, 16}));
}

TEST(RtcpReader, ReadsKeyframeRequests) {
  const auto pli = from_hex("81ce0002 00000001 00000002");
  EXPECT_EQ(only<Pli>(pli).media, Ssrc{2});
  const auto fir = from_hex("84ce0006 00000001 00000000 00000002 07000000 00000003 08000000");
  const auto request = only<Fir>(fir);
  const std::vector<FirEntry> entries(request.entries.begin(), request.entries.end());
  EXPECT_EQ(entries, (std::vector<FirEntry>{{Ssrc{2}, 7}, {Ssrc{3}, 8}}));
}

TEST(RtcpReader, ReadsRemb) {
  const auto bytes = from_hex("8fce0006 00000001 00000000 52454d42 020bf090 00000002 00000003");
  const auto remb = only<Remb>(bytes);
  EXPECT_EQ(remb.bitrate_bps, std::uint64_t{0x3F090} << 2);
  EXPECT_EQ(remb.ssrcs.size(), 2U);
}

TEST(RtcpReader, BoundsTheBitrateOfRemb) {
  const auto bytes = from_hex("8fce0004 00000001 00000000 52454d42 00ffffff");
  EXPECT_EQ(only<Remb>(bytes).bitrate_bps, ~std::uint64_t{0});
  const auto zero = from_hex("8fce0004 00000001 00000000 52454d42 00fc0000");
  EXPECT_EQ(only<Remb>(zero).bitrate_bps, 0U);
}

TEST(RtcpReader, ReadsTheReferenceTimeOfExtendedReports) {
  const auto bytes = from_hex(
      "80cf000a 00000001 04000002 83aa7e80 80000000 05000003 00000002 11112222 00010000"
      "63000001 ffffffff");
  const auto report = only<ExtendedReport>(bytes);
  ASSERT_TRUE(report.reference_time);
  EXPECT_EQ(report.reference_time->compact(), 0x7E808000U);
  ASSERT_EQ(report.dlrr.size(), 1U);
  EXPECT_EQ(report.dlrr[0].last_reference, 0x11112222U);
  EXPECT_EQ(report.dlrr[0].delay, 0x10000U);
}

TEST(RtcpReader, GivesUnknownKindsAsTheyAre) {
  for (const auto* hex : {"80cc0002 00000001 41414141", "85cd0003 00000001 00000002 00000000", "80d00000",
                          "8fce0003 00000001 00000002 41424344", "8fce0002 00000001 00000002"}) {
    const auto bytes = from_hex(hex);
    EXPECT_EQ(only<Unknown>(bytes).type, bytes[1]) << hex;
  }
}

TEST(RtcpReader, ReadsTransportFeedback) {
  // A run of 8 with small deltas, then a vector: small, large, small, lost, lost. A word of padding.
  const auto bytes = from_hex(
      "afcd0009 00000001 00000002 0005000d 00000203 2008 d900"
      "01 01 01 01 01 01 01 01 04 fffc 02 00000004");
  const auto feedback = only<TransportFeedback>(bytes);
  EXPECT_EQ(feedback.base_sequence, 5);
  EXPECT_EQ(feedback.feedback_count, 3);
  auto statuses = feedback.statuses();
  std::vector<std::string> seen;
  while (const auto status = statuses.next()) {
    seen.push_back(std::to_string(status->sequence) + (status->fate == PacketStatus::Fate::Lost
                                                           ? "-"
                                                           : ":" + std::to_string(status->arrival.count() / 1000)));
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{"5:128250", "6:128500", "7:128750", "8:129000", "9:129250", "10:129500",
                                      "11:129750", "12:130000", "13:131000", "14:130000", "15:130500", "16-", "17-"}));
}

TEST(RtcpReader, ReadsCompoundsToTheEnd) {
  const auto bytes = from_hex(std::string{kSenderReport} + std::string{kSdes} + "81ce0002 00000001 00000002 80cb0000");
  Reader reader{bytes};
  std::string kinds;
  while (const auto packet = reader.next()) {
    kinds += std::visit(
        Overloaded{[](const SenderReport&) { return 'S'; }, [](const ReceiverReport&) { return 'R'; },
                   [](const Sdes&) { return 'D'; }, [](const Bye&) { return 'B'; }, [](const Nack&) { return 'N'; },
                   [](const Pli&) { return 'P'; }, [](const Fir&) { return 'F'; }, [](const Remb&) { return 'M'; },
                   [](const TransportFeedback&) { return 'T'; }, [](const ExtendedReport&) { return 'X'; },
                   [](const Unknown&) { return 'U'; }},
        *packet);
  }
  EXPECT_EQ(kinds, "SDPB");
  EXPECT_FALSE(reader.error());
}

TEST(RtcpReader, KeepsWhatCameBeforeABrokenPacket) {
  const auto bytes = from_hex("81ce0002 00000001 00000002 40cb0000 81ce0002 00000001 00000002");
  Reader reader{bytes};
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.error(), ParseError::BadVersion);
  EXPECT_FALSE(reader.next()) << "ended for good";
}

struct Broken {
  const char* what;
  const char* hex;
  ParseError error;
};

TEST(RtcpReader, RefusesBrokenPackets) {
  const std::vector<Broken> cases{
      {"header cut", "80c900", ParseError::TooShort},
      {"longer than the datagram", "80c90002 00000001", ParseError::TooShort},
      {"version", "00c90001 00000001", ParseError::BadVersion},
      {"padding of nothing", "a0c90001 00000000", ParseError::BadPadding},
      {"padding past the start", "a0c90001 00000005", ParseError::BadPadding},
      {"padding without a body", "a0cb0000", ParseError::BadPadding},
      {"receiver report without sender", "80c90000", ParseError::BadCount},
      {"one block announced, none there", "81c90001 00000001", ParseError::BadCount},
      {"sender report cut", "80c80005 00000001 00000000 00000000 00000000 00000000", ParseError::BadCount},
      {"bye of more than there are", "82cb0001 00000001", ParseError::BadCount},
      {"bye whose reason runs out", "81cb0002 00000001 04616263", ParseError::BadCount},
      {"SDES item past the end", "81ca0002 00000001 01ff4142", ParseError::BadItem},
      {"SDES chunk without an end", "81ca0002 00000001 01024142", ParseError::BadItem},
      {"SDES of more chunks than there are", "82ca0002 00000001 00000000", ParseError::BadItem},
      {"NACK without entries", "81cd0002 00000001 00000002", ParseError::BadCount},
      {"feedback without a media source", "81cd0001 00000001", ParseError::BadCount},
      {"FIR with half an entry", "84ce0003 00000001 00000000 00000002", ParseError::BadCount},
      {"REMB with fewer sources than it says", "8fce0005 00000001 00000000 52454d42 020bf090 00000002",
       ParseError::BadCount},
      {"REMB without a bitrate", "8fce0003 00000001 00000000 52454d42", ParseError::BadCount},
      {"XR block past the end", "80cf0002 00000001 04000002", ParseError::BadCount},
      {"XR reference time of one word", "80cf0003 00000001 04000001 00000000", ParseError::BadCount},
      {"XR DLRR of one word", "80cf0003 00000001 05000001 00000000", ParseError::BadCount},
      {"TWCC without a base", "8fcd0003 00000001 00000002 00050001", ParseError::BadCount},
      {"TWCC without chunks", "8fcd0004 00000001 00000002 00050001 00000000", ParseError::BadStatus},
      {"TWCC with an empty run", "8fcd0005 00000001 00000002 00050001 00000000 20002001", ParseError::BadStatus},
      {"TWCC reserved run", "8fcd0005 00000001 00000002 00050001 00000000 60010000", ParseError::BadStatus},
      {"TWCC reserved in a vector", "8fcd0005 00000001 00000002 00050003 00000000 c3000000", ParseError::BadStatus},
      {"TWCC with fewer deltas", "8fcd0005 00000001 00000002 00050003 00000000 20030101", ParseError::BadStatus},
      {"TWCC with half a delta", "afcd0005 00000001 00000002 00050001 00000000 40010101", ParseError::BadStatus},
      {"TWCC about too many", "8fcd0007 00000001 00000002 00058001 00000000 1fff1fff 1fff1fff 1fff1fff",
       ParseError::TooManyItems},
  };
  for (const Broken& broken : cases) {
    EXPECT_EQ(error_of(broken.hex), std::optional{broken.error}) << broken.what;
    EXPECT_STRNE(to_text(broken.error), "");
  }
}

/// Asks a packet everything it can be asked.
std::size_t read_all(const Packet& packet) {
  std::size_t items = 0;
  std::visit(Overloaded{[&](const SenderReport& report) { items += report.blocks.size(); },
                        [&](const ReceiverReport& report) { items += report.blocks.size(); },
                        [&](const Sdes& sdes) {
                          for (auto names = sdes.cnames(); names.next();) ++items;
                        },
                        [&](const Bye& bye) { items += bye.ssrcs.size() + bye.reason.size(); },
                        [&](const Nack& nack) {
                          for (auto lost = nack.lost(); lost.next();) ++items;
                        },
                        [](const Pli&) {},
                        [&](const Fir& fir) {
                          for (const FirEntry entry : fir.entries) items += entry.sequence > 0 ? 1 : 0;
                        },
                        [&](const Remb& remb) { items += remb.ssrcs.size(); },
                        [&](const TransportFeedback& feedback) {
                          for (auto statuses = feedback.statuses(); statuses.next();) ++items;
                          EXPECT_EQ(items, feedback.status_count);
                        },
                        [&](const ExtendedReport& report) { items += report.dlrr.size(); },
                        [&](const Unknown& unknown) { items += unknown.body.size(); }},
             packet);
  return items;
}

TEST(RtcpReader, NeverReadsPastTheEndOfTruncatedOrRandomBytes) {
  const std::vector<std::string> good{
      std::string{kSenderReport},
      std::string{kSdes},
      "82cb0004 00000001 00000002 04676f6e 65000000",
      "81cd0004 00000001 00000002 fffe8005 00100000",
      "8fce0006 00000001 00000000 52454d42 020bf090 00000002 00000003",
      "afcd0009 00000001 00000002 0005000d 00000203 2008 d900 01 01 01 01 01 01 01 01 04 fffc 02 00000004"};
  std::mt19937 random{7};
  for (const std::string& hex : good) {
    const auto whole = from_hex(hex);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      for (int change = 0; change < 60; ++change) {
        // A block of its own, so that the sanitizer sees one byte too many.
        const std::unique_ptr<std::uint8_t[]> copy{new std::uint8_t[size]};
        std::copy_n(whole.begin(), size, copy.get());
        if (change > 0 && size > 2) copy[random() % size] = static_cast<std::uint8_t>(random());
        if (change > 30 && size > 4) {
          copy[2] = 0;
          copy[3] = static_cast<std::uint8_t>(size / 4 - 1);
        }
        Reader reader{{copy.get(), size}};
        std::size_t packets = 0;
        while (const auto packet = reader.next()) {
          ASSERT_LE(read_all(*packet), kFeedbackStatusesMax);
          ++packets;
        }
        ASSERT_LE(packets, size / 4);
      }
    }
  }
}

TEST(RtcpReader, TellsRtcpFromRtp) {
  EXPECT_TRUE(looks_like_rtcp(from_hex("80c80000")));
  EXPECT_TRUE(looks_like_rtcp(from_hex("80cf0000")));
  EXPECT_FALSE(looks_like_rtcp(from_hex("80600000"))) << "payload type 96";
  EXPECT_FALSE(looks_like_rtcp(from_hex("80e00000"))) << "payload type 96 with the marker";
  EXPECT_FALSE(looks_like_rtcp(from_hex("80c8"))) << "too short";
  EXPECT_FALSE(looks_like_rtcp(from_hex("16c80000"))) << "DTLS";
}

TEST(ReferenceTime, IsUnrolled) {
  ReferenceTimeExtender extender;
  EXPECT_EQ(extender.update(0xFFFFF0), Duration::zero());
  EXPECT_EQ(extender.update(0x000010), (1 << 24) * kReferenceTimeUnit);
  EXPECT_EQ(extender.update(0xFFFFFF), Duration::zero()) << "a late one of before the wrap";
  EXPECT_EQ(extender.update(0x000020), (1 << 24) * kReferenceTimeUnit);
}

}  // namespace
}  // namespace zvonok::rtcp
