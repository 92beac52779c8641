// What a Sender seals a Receiver opens once, and nothing else.
#include <set>

#include <gtest/gtest.h>

#include "unit/proto/srtp/packets.h"

namespace zvonok::srtp {
namespace {

using test::Blob;
using test::Packet;
using test::Random;

class Srtp : public testing::TestWithParam<Profile> {
 protected:
  Profile profile = GetParam();
  Sender sender{profile, test::master_key(profile)};
  Receiver receiver{profile, test::master_key(profile)};

  std::optional<Error> deliver(const Packet& packet) { return test::open_error(receiver, test::seal(sender, packet)); }
};
INSTANTIATE_TEST_SUITE_P(Profiles, Srtp, testing::ValuesIn(test::kProfiles),
                         [](const auto& each) { return testing::PrintToString(each.param); });

TEST_P(Srtp, OpensWhatWasSealed) {
  constexpr std::uint64_t kSeed = 11;
  Random random{kSeed};
  std::uint64_t sequence = 30'000;
  for (int i = 0; i < 2000; ++i) {
    sequence += 1 + test::below(random, 100);
    const Packet packet = test::random_rtp(random, sequence, rtp::Ssrc{42});
    Blob sealed = test::seal(sender, packet, test::below(random, 4));
    EXPECT_EQ(sealed.size(), packet.plain.size() + tag_bytes(profile));
    const auto opened = receiver.open_rtp(sealed);
    ASSERT_TRUE(opened) << "seed " << kSeed << ", packet " << i;
    sealed.resize(opened->length);
    ASSERT_EQ(sealed, packet.plain) << "seed " << kSeed << ", packet " << i;
    EXPECT_EQ(opened->extended_sequence, sequence);
    EXPECT_EQ(opened->ssrc, rtp::Ssrc{42});
  }
  EXPECT_GT(sequence, 0x10000U);
}

TEST_P(Srtp, SealsTheSameInPlaceAndFromElsewhere) {
  constexpr std::uint64_t kSeed = 12;
  Random random{kSeed};
  for (int i = 0; i < 200; ++i) {
    const Packet packet = test::random_rtp(random, 100, rtp::Ssrc{42});
    const Blob expected = test::seal(sender, packet);
    for (const std::size_t prefix : {0U, 1U, 2U, 17U}) {
      EXPECT_EQ(test::seal(sender, packet, prefix), expected) << "seed " << kSeed << ", packet " << i;
      Blob buffer = packet.plain;
      buffer.resize(expected.size() + 100);
      const Bytes payload = Bytes{buffer}.subspan(packet.header_length, packet.payload().size());
      const std::size_t cut = std::min(prefix, payload.size());
      ASSERT_EQ(
          sender.seal_rtp(100, packet.ssrc, buffer, packet.header_length, payload.first(cut), payload.subspan(cut)),
          expected.size());
      buffer.resize(expected.size());
      EXPECT_EQ(buffer, expected) << "seed " << kSeed << ", packet " << i;
    }
  }
}

TEST_P(Srtp, DoesNotSealWhatDoesNotFit) {
  const Packet packet = test::small_rtp(100);
  const std::size_t whole = packet.plain.size() + sender.rtp_overhead();
  Blob buffer(whole);
  std::ranges::copy(packet.header(), buffer.begin());
  const Bytes payload = packet.payload();
  const MutableBytes room{buffer};
  EXPECT_EQ(sender.seal_rtp(100, packet.ssrc, room.first(whole - 1), 12, {}, payload), 0U);
  EXPECT_EQ(sender.seal_rtp(100, packet.ssrc, room, 11, {}, payload), 0U);
  EXPECT_EQ(sender.seal_rtp(100, packet.ssrc, room, whole + 1, {}, {}), 0U);
  EXPECT_EQ(sender.seal_rtp(101, packet.ssrc, room, 12, {}, payload), 0U) << "another sequence number";
  EXPECT_EQ(sender.seal_rtp(100, rtp::Ssrc{8}, room, 12, {}, payload), 0U) << "another SSRC";
  EXPECT_EQ(sender.seal_rtp((std::uint64_t{1} << 48) + 100, packet.ssrc, room, 12, {}, payload), 0U);
  EXPECT_EQ(sender.seal_rtp(100, packet.ssrc, room, 12, {}, room.subspan(13, 10)), 0U) << "across its place";
  EXPECT_EQ(sender.seal_rtp(100, packet.ssrc, room, 12, payload.first(2), room.subspan(12, 10)), 0U);
  EXPECT_EQ(sender.seal_rtp(100, packet.ssrc, room, 12, {}, payload), whole);
}

TEST_P(Srtp, DoesNotSealRtcpThatDoesNotFit) {
  Blob buffer(100);
  const MutableBytes room{buffer};
  EXPECT_EQ(sender.seal_rtcp(room, 7), 0U);
  EXPECT_EQ(sender.seal_rtcp(room, 101), 0U);
  EXPECT_EQ(sender.seal_rtcp(room, 100 - sender.rtcp_overhead() + 1), 0U);
  EXPECT_EQ(sender.seal_rtcp(room, 100 - sender.rtcp_overhead()), 100U);
}

TEST_P(Srtp, RefusesReplaysHoweverOften) {
  const Blob first = test::seal(sender, test::small_rtp(100));
  const Blob second = test::seal(sender, test::small_rtp(101));
  EXPECT_EQ(test::open_error(receiver, first), std::nullopt);
  EXPECT_EQ(test::open_error(receiver, second), std::nullopt);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(test::open_error(receiver, first), Error::Replayed);
    EXPECT_EQ(test::open_error(receiver, second), Error::Replayed);
  }
  EXPECT_EQ(deliver(test::small_rtp(102)), std::nullopt);
}

TEST_P(Srtp, TakesPacketsLateByLessThanItsWindow) {
  EXPECT_EQ(deliver(test::small_rtp(5000)), std::nullopt);
  EXPECT_EQ(deliver(test::small_rtp(5000 - 1023)), std::nullopt);
  EXPECT_EQ(deliver(test::small_rtp(5000 - 1023)), Error::Replayed);
  EXPECT_EQ(deliver(test::small_rtp(5000 - 1024)), Error::TooOld);
  EXPECT_EQ(deliver(test::small_rtp(5001)), std::nullopt);
  EXPECT_EQ(deliver(test::small_rtp(5000 - 1023)), Error::TooOld);
}

TEST_P(Srtp, FollowsTheSequenceOverItsWrap) {
  EXPECT_EQ(deliver(test::small_rtp(65000)), std::nullopt);
  EXPECT_EQ(deliver(test::small_rtp(65534)), std::nullopt);
  EXPECT_EQ(deliver(test::small_rtp(0x10000)), std::nullopt);
  EXPECT_EQ(deliver(test::small_rtp(65535)), std::nullopt) << "late, from before the wrap";
  EXPECT_EQ(deliver(test::small_rtp(0x10001)), std::nullopt);
  EXPECT_EQ(deliver(test::small_rtp(65535)), Error::Replayed);
  EXPECT_EQ(deliver(test::small_rtp(0x10001 + 0x8000 - 1)), std::nullopt) << "the longest jump";
}

TEST_P(Srtp, AnUnopenedPacketChangesNothing) {
  EXPECT_EQ(deliver(test::small_rtp(100)), std::nullopt);
  Blob forged = test::seal(sender, test::small_rtp(30'000));
  forged.back() ^= 1;
  EXPECT_EQ(test::open_error(receiver, forged), Error::BadTag);
  EXPECT_EQ(deliver(test::small_rtp(101)), std::nullopt) << "the window has not moved";
  EXPECT_EQ(deliver(test::small_rtp(30'000)), std::nullopt) << "the place is not taken";
}

TEST_P(Srtp, RefusesPacketsOfAnotherKey) {
  Sender stranger{profile, test::master_key(profile, 2)};
  EXPECT_EQ(test::open_error(receiver, test::seal(stranger, test::small_rtp(1))), Error::BadTag);
  Random random{3};
  EXPECT_EQ(test::open_rtcp_error(receiver, test::seal_rtcp(stranger, test::random_rtcp(random, rtp::Ssrc{7}))),
            Error::BadTag);
}

TEST_P(Srtp, RefusesAPacketWithAnyByteChanged) {
  constexpr std::uint64_t kSeed = 14;
  Random random{kSeed};
  for (int i = 0; i < 20; ++i) {
    const Blob sealed = test::seal(sender, test::random_rtp(random, 100, rtp::Ssrc{42}));
    for (std::size_t at = 0; at < sealed.size(); ++at) {
      Blob changed = sealed;
      changed[at] ^= static_cast<std::uint8_t>(1 + test::below(random, 255));
      const auto error = test::open_error(receiver, changed);
      ASSERT_TRUE(error == Error::BadTag || error == Error::Malformed) << "seed " << kSeed << ", byte " << at;
    }
  }
}

TEST_P(Srtp, RefusesRtcpWithAnyByteChanged) {
  constexpr std::uint64_t kSeed = 15;
  Random random{kSeed};
  for (int i = 0; i < 20; ++i) {
    const Blob sealed = test::seal_rtcp(sender, test::random_rtcp(random, rtp::Ssrc{42}));
    for (std::size_t at = 0; at < sealed.size(); ++at) {
      Blob changed = sealed;
      changed[at] ^= static_cast<std::uint8_t>(1 + test::below(random, 255));
      const auto error = test::open_rtcp_error(receiver, changed);
      // The second byte of RTCP and its length are authenticated too.
      ASSERT_TRUE(error == Error::BadTag || error == Error::Malformed) << "seed " << kSeed << ", byte " << at;
    }
  }
}

TEST_P(Srtp, RefusesTruncatedAndShortPackets) {
  constexpr std::uint64_t kSeed = 16;
  Random random{kSeed};
  const Blob rtp = test::seal(sender, test::random_rtp(random, 100, rtp::Ssrc{42}));
  const Blob rtcp = test::seal_rtcp(sender, test::random_rtcp(random, rtp::Ssrc{42}));
  for (const Blob& sealed : {rtp, rtcp, test::random_bytes(random, 65), Blob(65, 0x80), Blob(65, 0xBF), Blob(65)}) {
    for (std::size_t size = 0; size <= 64 && size < sealed.size(); ++size) {
      const Blob cut{sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size)};
      const auto rtp_error = test::open_error(receiver, cut);
      const auto rtcp_error = test::open_rtcp_error(receiver, cut);
      ASSERT_TRUE(rtp_error) << size;
      ASSERT_TRUE(rtcp_error) << size;
      if (size >= 12 + tag_bytes(profile)) continue;
      EXPECT_EQ(rtp_error, Error::TooShort) << size;
      EXPECT_EQ(rtcp_error, Error::TooShort) << size;
    }
  }
}

TEST_P(Srtp, RemembersOnlySoManySsrcs) {
  Receiver small{profile, test::master_key(profile), {.ssrcs_max = 3}};
  const auto open = [&](std::uint64_t sequence, std::uint32_t ssrc) {
    return test::open_error(small, test::seal(sender, test::small_rtp(sequence, ssrc)));
  };
  for (std::uint32_t ssrc = 1; ssrc <= 50; ++ssrc) {
    Blob forged = test::seal(sender, test::small_rtp(1, 1000 + ssrc));
    forged.back() ^= 1;
    ASSERT_EQ(test::open_error(small, forged), Error::BadTag) << "a forged SSRC takes no place";
  }
  for (std::uint32_t ssrc = 1; ssrc <= 3; ++ssrc) EXPECT_EQ(open(1, ssrc), std::nullopt);
  EXPECT_EQ(open(1, 4), Error::TooManySsrcs);
  EXPECT_EQ(open(2, 1), std::nullopt);
  small.forget(rtp::Ssrc{2});
  EXPECT_EQ(open(1, 4), std::nullopt);
  EXPECT_EQ(open(3, 2), Error::TooManySsrcs);
  EXPECT_EQ(open(1, 1), Error::Replayed);
  EXPECT_EQ(open(1, 3), Error::Replayed);
  EXPECT_EQ(open(1, 4), Error::Replayed);
}

TEST_P(Srtp, RemembersOnlySoManySsrcsOfRtcp) {
  Random random{17};
  Receiver small{profile, test::master_key(profile), {.ssrcs_max = 2}};
  const auto open = [&](std::uint32_t ssrc) {
    return test::open_rtcp_error(small, test::seal_rtcp(sender, test::random_rtcp(random, rtp::Ssrc{ssrc})));
  };
  EXPECT_EQ(open(1), std::nullopt);
  EXPECT_EQ(open(2), std::nullopt);
  EXPECT_EQ(open(3), Error::TooManySsrcs);
  small.forget(rtp::Ssrc{1});
  EXPECT_EQ(open(3), std::nullopt);
}

TEST_P(Srtp, OpensRtcpOnceInAnyOrder) {
  constexpr std::uint64_t kSeed = 18;
  Random random{kSeed};
  std::vector<std::pair<Blob, Blob>> packets;
  for (int i = 0; i < 1000; ++i) {
    Blob plain = test::random_rtcp(random, rtp::Ssrc{static_cast<std::uint32_t>(test::below(random, 5))});
    Blob sealed = test::seal_rtcp(sender, plain);
    EXPECT_EQ(sealed.size(), plain.size() + sender.rtcp_overhead());
    packets.emplace_back(std::move(plain), std::move(sealed));
  }
  std::ranges::shuffle(packets, random);
  for (auto& [plain, sealed] : packets) {
    Blob opened = sealed;
    const auto length = receiver.open_rtcp(opened);
    ASSERT_TRUE(length) << "seed " << kSeed;
    opened.resize(*length);
    EXPECT_EQ(opened, plain) << "seed " << kSeed;
    EXPECT_EQ(test::open_rtcp_error(receiver, sealed), Error::Replayed);
  }
}

TEST(SrtpIndex, IsTheNearestWithTheSequenceNumber) {
  constexpr std::uint64_t kWrap = 0x10000;
  struct Case {
    std::uint64_t newest;
    std::uint16_t sequence;
    std::uint64_t index;
  };
  constexpr Case kCases[] = {
      {5, 6, 6},
      {5, 4, 4},
      {5, 65535, 65535},  // nothing is below rollover counter 0
      {40000, 40001, 40001},
      {40000, 7231, 40000 - 40000 % kWrap + kWrap + 7231},
      {40000, 7232, 7232},
      {65535, 0, kWrap},
      {kWrap, 65535, 65535},
      {kWrap + 5, 32773, kWrap + 32773},
      {kWrap + 5, 32774, 32774},
      {7 * kWrap + 100, 65000, 6 * kWrap + 65000},
      {7 * kWrap + 65000, 100, 8 * kWrap + 100},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(guess_index(one.newest, one.sequence), one.index) << one.newest << " " << one.sequence;
  }
}

TEST(SrtpReplayWindow, AgreesWithAPlainSet) {
  constexpr std::uint64_t kSeed = 19;
  Random random{kSeed};
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t newest = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t jump = test::below(random, 50) == 0 ? test::below(random, 3000) : test::below(random, 3);
    const std::uint64_t index = test::below(random, 2) == 0 ? newest + jump : newest - std::min(newest, jump * 2);
    const bool old = !seen.empty() && index + ReplayWindow::kSize <= newest;
    const auto expected = old                    ? ReplayWindow::Verdict::TooOld
                          : seen.contains(index) ? ReplayWindow::Verdict::Replayed
                                                 : ReplayWindow::Verdict::Fresh;
    ASSERT_EQ(window.check(index), expected) << "seed " << kSeed << ", step " << i;
    if (expected != ReplayWindow::Verdict::Fresh) continue;
    window.mark(index);
    seen.insert(index);
    newest = std::max(newest, index);
  }
  EXPECT_EQ(window.newest(), newest);
}

}  // namespace
}  // namespace zvonok::srtp
