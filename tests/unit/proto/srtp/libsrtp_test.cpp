// libsrtp as the oracle: what either of us seals the other opens, and of one stream with losses, reordering, replays
// and damage both take the same packets and refuse the others for the same reasons.
#include <map>

#include <gtest/gtest.h>
#include <srtp2/srtp.h>

#include "unit/proto/srtp/packets.h"

namespace zvonok::srtp {
namespace {

using test::Blob;
using test::Packet;
using test::Random;

srtp_profile_t their_profile(Profile profile) {
  switch (profile) {
    case Profile::Aes128CmSha1_80: return srtp_profile_aes128_cm_sha1_80;
    case Profile::AeadAes128Gcm: return srtp_profile_aead_aes_128_gcm;
    case Profile::AeadAes256Gcm: return srtp_profile_aead_aes_256_gcm;
  }
  return srtp_profile_reserved;
}

/// One direction of libsrtp.
class Oracle {
 public:
  Oracle(Profile profile, srtp_ssrc_type_t direction, const MasterKey& master) {
    static const srtp_err_status_t started = srtp_init();
    ZVONOK_CHECK(started == srtp_err_status_ok);
    Blob key = test::concat(master.key.view(), master.salt.view());
    srtp_policy_t policy{};
    ZVONOK_CHECK(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, their_profile(profile)) ==
                 srtp_err_status_ok);
    ZVONOK_CHECK(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, their_profile(profile)) ==
                 srtp_err_status_ok);
    policy.ssrc.type = direction;
    policy.key = key.data();
    policy.window_size = ReplayWindow::kSize;
    ZVONOK_CHECK(srtp_create(&session_, &policy) == srtp_err_status_ok);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  ~Oracle() { srtp_dealloc(session_); }

  Blob seal(Blob packet) { return add(srtp_protect, std::move(packet)); }
  Blob seal_rtcp(Blob packet) { return add(srtp_protect_rtcp, std::move(packet)); }
  /// The packet becomes the plain one, if it is taken.
  std::optional<Error> open(Blob& packet) { return remove(srtp_unprotect, packet); }
  std::optional<Error> open_rtcp(Blob& packet) { return remove(srtp_unprotect_rtcp, packet); }

 private:
  using Function = srtp_err_status_t (*)(srtp_t, void*, int*);

  Blob add(Function function, Blob packet) {
    int length = static_cast<int>(packet.size());
    packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN + 4);
    const srtp_err_status_t status = function(session_, packet.data(), &length);
    EXPECT_EQ(status, srtp_err_status_ok);
    packet.resize(static_cast<std::size_t>(length));
    return packet;
  }
  std::optional<Error> remove(Function function, Blob& packet) {
    int length = static_cast<int>(packet.size());
    switch (function(session_, packet.data(), &length)) {
      case srtp_err_status_ok: packet.resize(static_cast<std::size_t>(length)); return std::nullopt;
      case srtp_err_status_replay_fail: return Error::Replayed;
      case srtp_err_status_replay_old: return Error::TooOld;
      case srtp_err_status_auth_fail: return Error::BadTag;
      default: return Error::Malformed;
    }
  }

  srtp_t session_ = nullptr;
};

std::optional<Error> open_ours(Receiver& receiver, Blob& packet) {
  const auto opened = receiver.open_rtp(packet);
  if (!opened) return opened.error();
  packet.resize(opened->length);
  return std::nullopt;
}
std::optional<Error> open_ours_rtcp(Receiver& receiver, Blob& packet) {
  const auto length = receiver.open_rtcp(packet);
  if (!length) return length.error();
  packet.resize(*length);
  return std::nullopt;
}

/// What the network makes of packets sent in order: each is late by up to `late_max` places, some are lost, some come
/// again, and of some a byte behind the header is changed as well.
std::vector<Blob> through_the_network(Random& random, const std::vector<Blob>& sent, std::size_t late_max) {
  std::vector<std::pair<std::size_t, Blob>> by_arrival;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (test::below(random, 20) == 0) continue;
    const auto late = [&] { return test::below(random, 3) == 0 ? test::below(random, late_max) : 0; };
    by_arrival.emplace_back(i + late(), sent[i]);
    if (test::below(random, 10) == 0) by_arrival.emplace_back(i + late() + test::below(random, 4000), sent[i]);
    if (test::below(random, 20) == 0) {
      Blob damaged = sent[i];
      damaged[damaged.size() - 1 - test::below(random, 8)] ^= 1;
      by_arrival.emplace_back(i + late(), damaged);
    }
  }
  std::ranges::stable_sort(by_arrival, {}, &std::pair<std::size_t, Blob>::first);
  std::vector<Blob> arriving;
  arriving.reserve(by_arrival.size());
  for (auto& [at, packet] : by_arrival) arriving.push_back(std::move(packet));
  return arriving;
}

class SrtpAgainstLibsrtp : public testing::TestWithParam<Profile> {
 protected:
  Profile profile = GetParam();
  MasterKey master = test::master_key(profile);
  Oracle their_sender{profile, ssrc_any_outbound, master};
  Oracle their_receiver{profile, ssrc_any_inbound, master};
  Sender sender{profile, master};
  Receiver receiver{profile, master};
};
INSTANTIATE_TEST_SUITE_P(Profiles, SrtpAgainstLibsrtp, testing::ValuesIn(test::kProfiles),
                         [](const auto& each) { return testing::PrintToString(each.param); });

TEST_P(SrtpAgainstLibsrtp, BothSealTheSameBytesOverManyWraps) {
  constexpr std::uint64_t kSeed = 21;
  Random random{kSeed};
  std::uint64_t sequences[] = {1, 20'000, 32'000};
  for (int i = 0; i < 4000; ++i) {
    const std::size_t stream = test::below(random, 3);
    sequences[stream] += 1 + test::below(random, test::below(random, 20) == 0 ? 30'000 : 10);
    const auto ssrc = rtp::Ssrc{static_cast<std::uint32_t>(100 + stream)};
    const Packet packet = test::random_rtp(random, sequences[stream], ssrc);
    const Blob theirs = their_sender.seal(packet.plain);
    ASSERT_EQ(test::seal(sender, packet, test::below(random, 3)), theirs) << "seed " << kSeed << ", packet " << i;
  }
  EXPECT_GT(sequences[0], 3 * 0x10000U);
}

TEST_P(SrtpAgainstLibsrtp, BothReceiversTakeTheSamePackets) {
  constexpr std::uint64_t kSeed = 22;
  Random random{kSeed};
  std::vector<Blob> sent;
  std::uint64_t sequences[] = {10'000, 32'000, 65'500};  // the last is across a wrap before it is known
  for (int i = 0; i < 9000; ++i) {
    const std::size_t stream = test::below(random, 3);
    sequences[stream] += 1 + test::below(random, test::below(random, 50) == 0 ? 3000 : 20);
    const auto ssrc = rtp::Ssrc{static_cast<std::uint32_t>(100 + stream)};
    const Packet packet = test::random_rtp(random, sequences[stream], ssrc);
    sent.push_back(i % 2 == 0 ? test::seal(sender, packet) : test::seal(sender, packet, 2));
  }
  std::map<std::optional<Error>, int> outcomes;
  for (const Blob& arrived : through_the_network(random, sent, 1000)) {
    Blob ours = arrived;
    Blob theirs = arrived;
    const auto error = open_ours(receiver, ours);
    ASSERT_EQ(error, their_receiver.open(theirs)) << "seed " << kSeed;
    if (!error) {
      ASSERT_EQ(ours, theirs) << "seed " << kSeed;
    }
    ++outcomes[error];
  }
  EXPECT_GT(outcomes[std::nullopt], 6000);
  EXPECT_GT(outcomes[Error::Replayed], 100);
  EXPECT_GT(outcomes[Error::TooOld], 100);
  EXPECT_GT(outcomes[Error::BadTag], 100);
  for (const std::uint64_t sequence : sequences) EXPECT_GT(sequence, 0x10000U);
}

TEST_P(SrtpAgainstLibsrtp, OpensWhatLibsrtpSeals) {
  constexpr std::uint64_t kSeed = 23;
  Random random{kSeed};
  std::uint64_t sequence = 100;
  for (int i = 0; i < 2000; ++i) {
    sequence += 1 + test::below(random, 100);
    const Packet packet = test::random_rtp(random, sequence, rtp::Ssrc{42});
    Blob sealed = their_sender.seal(packet.plain);
    ASSERT_EQ(open_ours(receiver, sealed), std::nullopt) << "seed " << kSeed << ", packet " << i;
    ASSERT_EQ(sealed, packet.plain) << "seed " << kSeed << ", packet " << i;
  }
}

TEST_P(SrtpAgainstLibsrtp, RtcpIsOpenedBothWays) {
  constexpr std::uint64_t kSeed = 24;
  Random random{kSeed};
  for (int i = 0; i < 1000; ++i) {
    const auto ssrc = rtp::Ssrc{static_cast<std::uint32_t>(test::below(random, 4))};
    const Blob plain = test::random_rtcp(random, ssrc);
    Blob ours = test::seal_rtcp(sender, plain);
    ASSERT_EQ(their_receiver.open_rtcp(ours), std::nullopt) << "seed " << kSeed << ", packet " << i;
    ASSERT_EQ(ours, plain);
    Blob theirs = their_sender.seal_rtcp(plain);
    ASSERT_EQ(open_ours_rtcp(receiver, theirs), std::nullopt) << "seed " << kSeed << ", packet " << i;
    ASSERT_EQ(theirs, plain);
  }
}

TEST_P(SrtpAgainstLibsrtp, BothReceiversTakeTheSameRtcp) {
  constexpr std::uint64_t kSeed = 25;
  Random random{kSeed};
  std::vector<Blob> sent;
  sent.reserve(3000);
  for (int i = 0; i < 3000; ++i) sent.push_back(their_sender.seal_rtcp(test::random_rtcp(random, rtp::Ssrc{7})));
  std::map<std::optional<Error>, int> outcomes;
  // libsrtp's window for RTCP is 128 wide, ours 1024: what it finds too old we may know better.
  for (const Blob& arrived : through_the_network(random, sent, 100)) {
    Blob ours = arrived;
    Blob theirs = arrived;
    const auto error = open_ours_rtcp(receiver, ours);
    const auto their_error = their_receiver.open_rtcp(theirs);
    ++outcomes[error];
    if (their_error == Error::TooOld) {
      ASSERT_NE(error, std::nullopt) << "seed " << kSeed;
      continue;
    }
    ASSERT_EQ(error, their_error) << "seed " << kSeed;
    if (!error) {
      ASSERT_EQ(ours, theirs) << "seed " << kSeed;
    }
  }
  EXPECT_GT(outcomes[std::nullopt], 2500);
  EXPECT_GT(outcomes[Error::Replayed], 50);
  EXPECT_GT(outcomes[Error::TooOld], 50);
}

}  // namespace
}  // namespace zvonok::srtp
