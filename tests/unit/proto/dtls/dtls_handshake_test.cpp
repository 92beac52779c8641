// The handshake between two of ours over wires that lose, double, reorder; keys, fingerprints, sizes.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "dtls_link.h"

namespace zvonok::dtls {
namespace {

using test::Datagram;
using test::From;
using test::Link;
using test::PlainPeer;
using test::Sent;
using test::Side;

const std::vector<Duration> kArrives{Duration{}};
const std::vector<Duration> kLost{};

std::vector<Event> events_of(Transport& transport) {
  std::vector<Event> events;
  while (const auto event = transport.poll_event()) events.push_back(*event);
  return events;
}

TEST(DtlsHandshake, TakesTwoRoundTripsOnAGoodWire) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  EXPECT_EQ(link.connect(), 4 * Link::kDelay);
  EXPECT_EQ(passive.transport.counters().retransmissions, 0U);
  EXPECT_EQ(active.transport.counters().retransmissions, 0U);
  EXPECT_EQ(events_of(passive.transport), std::vector{Event::Connected});
  EXPECT_EQ(events_of(active.transport), std::vector{Event::Connected});
  EXPECT_EQ(passive.transport.next_timeout(), TimePoint::max());
  EXPECT_EQ(active.transport.next_timeout(), TimePoint::max());
}

TEST(DtlsHandshake, KeysOfOneSideAreThoseOfTheOtherTurnedRound) {
  const SrtpProfile kProfiles[] = {SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm,
                                   SrtpProfile::Aes128CmSha1_80};
  for (const SrtpProfile profile : kProfiles) {
    Side passive{Role::Passive, 1};
    Side active{Role::Active, 2, {}, {.srtp_profiles = {profile}}};
    Link link{passive.transport, active.transport};
    link.exchange_fingerprints(passive, active);
    link.connect();
    const auto ours = passive.transport.keys();
    const auto theirs = active.transport.keys();
    ASSERT_TRUE(ours && theirs);
    EXPECT_EQ(ours->profile, profile);
    EXPECT_EQ(theirs->profile, profile);
    EXPECT_EQ(ours->local, theirs->remote);
    EXPECT_EQ(ours->remote, theirs->local);
    EXPECT_NE(ours->local, ours->remote);
    EXPECT_EQ(ours->local.key.view().size(), srtp::key_bytes(profile));
    EXPECT_EQ(ours->local.salt.view().size(), srtp::salt_bytes(profile));
  }
}

TEST(DtlsHandshake, ThePassiveSidesOrderOfProfilesDecides) {
  Side passive{Role::Passive, 1};
  Side active{
      Role::Active,
      2,
      {},
      {.srtp_profiles = {SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes256Gcm, SrtpProfile::AeadAes128Gcm}}};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  link.connect();
  ASSERT_TRUE(active.transport.keys());
  EXPECT_EQ(active.transport.keys()->profile, SrtpProfile::AeadAes128Gcm);
}

TEST(DtlsHandshake, NoCommonProfileGivesNoKeysAndSaysSoAtTheDeadline) {
  Side passive{Role::Passive, 1, {}, {.srtp_profiles = {SrtpProfile::AeadAes256Gcm}}};
  Side active{Role::Active, 2, {}, {.srtp_profiles = {SrtpProfile::AeadAes128Gcm}}};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  link.start();
  link.run(TimePoint{seconds{40}}, [&] { return active.transport.state() == State::Failed; });
  EXPECT_EQ(passive.transport.state(), State::Failed);
  EXPECT_EQ(passive.transport.failure(), Failure::NoSrtpProfile);
  EXPECT_EQ(active.transport.failure(), Failure::Deadline);
  EXPECT_FALSE(passive.transport.keys());
  EXPECT_EQ(link.now - TimePoint{}, seconds{30}) << "the deadline and nothing sooner or later";
}

// Bursts 1 and 2 of the active side are flights 1 and 3, those of the passive side 2 and 4.
TEST(DtlsLoss, AnyLostFlightCostsLessThanHalfASecond) {
  for (const From from : {From::Passive, From::Active}) {
    for (int burst = 1; burst <= 2; ++burst) {
      Side passive{Role::Passive, 1};
      Side active{Role::Active, 2};
      Link link{passive.transport, active.transport};
      link.exchange_fingerprints(passive, active);
      link.fate = [&](const Sent& sent) { return sent.from == from && sent.burst == burst ? kLost : kArrives; };
      EXPECT_LE(link.connect(), milliseconds{100}) << "side " << static_cast<int>(from) << " burst " << burst;
      EXPECT_TRUE(link.both_connected());
      EXPECT_EQ(passive.transport.keys()->local, active.transport.keys()->remote);
    }
  }
}

TEST(DtlsLoss, AFlightLostThreeTimesCostsLessThanHalfASecond) {
  for (const From from : {From::Passive, From::Active}) {
    for (int burst = 1; burst <= 2; ++burst) {
      Side passive{Role::Passive, 1};
      Side active{Role::Active, 2};
      Link link{passive.transport, active.transport};
      link.exchange_fingerprints(passive, active);
      link.fate = [&](const Sent& sent) {
        return sent.from == from && sent.burst >= burst && sent.burst < burst + 3 ? kLost : kArrives;
      };
      EXPECT_LE(link.connect(), milliseconds{500}) << "side " << static_cast<int>(from) << " burst " << burst;
      EXPECT_TRUE(link.both_connected());
    }
  }
}

TEST(DtlsLoss, TheLastFlightIsRepeatedForAClientThatLostItTenTimes) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  link.fate = [&](const Sent& sent) {
    return sent.from == From::Passive && sent.burst >= 2 && sent.burst <= 10 ? kLost : kArrives;
  };
  link.connect();
  EXPECT_TRUE(link.both_connected());
  EXPECT_EQ(passive.transport.counters().answered_finished, 9U);
}

TEST(DtlsLoss, SilenceOfTwentySecondsIsSurvived) {
  for (const From from : {From::Passive, From::Active}) {
    Side passive{Role::Passive, 1};
    Side active{Role::Active, 2};
    Link link{passive.transport, active.transport};
    link.exchange_fingerprints(passive, active);
    link.fate = [&](const Sent& sent) {
      return sent.from == from && link.now < TimePoint{seconds{20}} ? kLost : kArrives;
    };
    EXPECT_LE(link.connect(), milliseconds{21'100}) << "side " << static_cast<int>(from);
    EXPECT_TRUE(link.both_connected());
  }
}

TEST(DtlsLoss, RetransmissionsDoubleUpToASecond) {
  Side active{Role::Active, 2};
  TimePoint now{};
  active.transport.start(now);
  std::vector<std::int64_t> gaps;
  for (int i = 0; i < 8; ++i) {
    const TimePoint next = active.transport.next_timeout();
    gaps.push_back((next - now) / milliseconds{1});
    now = next;
    active.transport.handle_timeout(now);
  }
  EXPECT_EQ(gaps, (std::vector<std::int64_t>{50, 100, 200, 400, 800, 1000, 1000, 1000}));
}

TEST(DtlsLoss, RepeatedPlainRecordsHaveNewNumbers) {
  Side active{Role::Active, 2};
  TimePoint now{};
  active.transport.start(now);
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 4; ++i) {
    const auto datagram = active.transport.poll_transmit();
    ASSERT_TRUE(datagram);
    EXPECT_FALSE(active.transport.poll_transmit());
    numbers.push_back(load_be32(datagram->data() + 7));
    now = active.transport.next_timeout();
    active.transport.handle_timeout(now);
  }
  EXPECT_EQ(numbers, (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

TEST(DtlsLoss, ANoisyWireEndsWithTheSameKeysOnBothSides) {
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    std::mt19937 random{seed};
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    const std::size_t mtu_bytes = seed % 3 == 0 ? 1200 : 256 + random() % 400;
    Side passive{Role::Passive, 1, {.mtu_bytes = mtu_bytes}};
    Side active{Role::Active, 2, {.mtu_bytes = mtu_bytes}};
    Link link{passive.transport, active.transport};
    link.exchange_fingerprints(passive, active);
    link.fate = [&](const Sent&) {
      std::vector<Duration> copies;
      if (!chance(20)) copies.push_back(milliseconds{random() % 30});
      if (chance(20)) copies.push_back(milliseconds{random() % 120});
      return copies;
    };
    link.connect();
    ASSERT_TRUE(link.both_connected()) << "seed " << seed;
    EXPECT_EQ(passive.transport.keys()->local, active.transport.keys()->remote) << "seed " << seed;
    EXPECT_EQ(passive.transport.keys()->remote, active.transport.keys()->local) << "seed " << seed;
    EXPECT_EQ(passive.transport.counters().failed_attempts, 0U) << "seed " << seed;
    EXPECT_EQ(active.transport.counters().failed_attempts, 0U) << "seed " << seed;
    link.run(link.now + seconds{2});
    EXPECT_TRUE(link.both_connected()) << "seed " << seed << ": late copies do no harm";
  }
}

TEST(DtlsWire, DatagramsCutIntoSingleRecordsAndReversedAreTaken) {
  Side passive{Role::Passive, 1, {.mtu_bytes = 300}};
  Side active{Role::Active, 2, {.mtu_bytes = 300}};
  passive.transport.set_remote_fingerprints({active.certificate.fingerprint()});
  active.transport.set_remote_fingerprints({passive.certificate.fingerprint()});
  const TimePoint now{};
  passive.transport.start(now);
  active.transport.start(now);
  const auto carry = [&](Transport& from, Transport& to) {
    std::vector<Datagram> records;
    while (const auto datagram = from.poll_transmit()) {
      ByteReader reader{*datagram};
      while (const auto record = read_record(reader)) records.emplace_back(record->wire.begin(), record->wire.end());
    }
    std::ranges::reverse(records);
    for (const Datagram& record : records) to.handle_datagram(now, record);
  };
  for (int i = 0; i < 2; ++i) {
    carry(active.transport, passive.transport);
    carry(passive.transport, active.transport);
  }
  EXPECT_EQ(passive.transport.state(), State::Connected);
  EXPECT_EQ(active.transport.state(), State::Connected);
  EXPECT_EQ(active.transport.counters().retransmissions, 0U);
}

TEST(DtlsWire, NoDatagramIsLargerThanTheMtu) {
  for (std::size_t mtu_bytes = 256; mtu_bytes <= 1400; mtu_bytes += 13) {
    Side passive{Role::Passive, 1, {.mtu_bytes = mtu_bytes}};
    Side active{Role::Active, 2, {.mtu_bytes = mtu_bytes}};
    Link link{passive.transport, active.transport};
    link.exchange_fingerprints(passive, active);
    link.fate = [&](const Sent& sent) { return sent.burst <= 2 && sent.place == 0 ? kLost : kArrives; };
    link.connect();
    EXPECT_TRUE(link.both_connected()) << mtu_bytes;
    EXPECT_LE(link.largest, mtu_bytes);
  }
}

TEST(DtlsWire, OurFirstFlightIsOneDatagram) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  int places = 0;
  link.fate = [&](const Sent& sent) {
    if (sent.from == From::Passive && sent.burst == 1) places = std::max(places, sent.place + 1);
    return kArrives;
  };
  link.start();
  link.run(TimePoint{milliseconds{40}});
  EXPECT_EQ(places, 1);
}

TEST(DtlsWire, AClientHelloInManyDatagramsIsTakenInAnyOrder) {
  for (const bool reversed : {false, true}) {
    Side passive{Role::Passive, 1};
    PlainPeer client{Role::Active, "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", 256};
    SSL_CTX_set_cipher_list(client.context(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
    client.start();
    auto hello = client.take();
    ASSERT_GE(hello.size(), 2U);
    if (reversed) std::ranges::reverse(hello);
    passive.transport.set_remote_fingerprints({client.certificate.fingerprint()});
    const TimePoint now{};
    for (const Datagram& datagram : hello) {
      EXPECT_EQ(passive.transport.state(), State::New);
      passive.transport.handle_datagram(now, datagram);
      passive.transport.handle_datagram(now, datagram);
    }
    client.talk_to(passive.transport, now);
    EXPECT_EQ(passive.transport.state(), State::Connected);
    EXPECT_EQ(passive.transport.keys()->profile, SrtpProfile::AeadAes128Gcm);
    EXPECT_TRUE(client.finished());
  }
}

TEST(DtlsWire, AServerThatAsksForACookieFirstIsFollowed) {
  Side active{Role::Active, 2};
  PlainPeer server{Role::Passive};
  SSL_CTX_set_options(server.context(), SSL_OP_COOKIE_EXCHANGE);
  SSL_CTX_set_cookie_generate_cb(server.context(), [](SSL*, unsigned char* cookie, unsigned* size) {
    *size = 16;
    std::fill_n(cookie, 16, static_cast<unsigned char>(7));
    return 1;
  });
  SSL_CTX_set_cookie_verify_cb(server.context(), [](SSL*, const unsigned char* cookie, unsigned size) {
    return size == 16 && cookie[0] == 7 ? 1 : 0;
  });
  server.start();
  active.transport.set_remote_fingerprints({server.certificate.fingerprint()});
  active.transport.start(TimePoint{});
  server.talk_to(active.transport, TimePoint{});
  EXPECT_EQ(active.transport.state(), State::Connected);
}

TEST(DtlsWire, AServerThatChoosesNoProfileIsNotTaken) {
  Side active{Role::Active, 2};
  PlainPeer server{Role::Passive, ""};
  server.start();
  active.transport.set_remote_fingerprints({server.certificate.fingerprint()});
  active.transport.start(TimePoint{});
  server.talk_to(active.transport, TimePoint{});
  EXPECT_EQ(active.transport.state(), State::Failed);
  EXPECT_EQ(active.transport.failure(), Failure::NoSrtpProfile);
}

TEST(DtlsIdentity, WithoutAFingerprintThereAreNoKeysUntilItComes) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.start();
  link.run(TimePoint{milliseconds{100}});
  EXPECT_EQ(passive.transport.state(), State::AwaitingFingerprint);
  EXPECT_FALSE(passive.transport.keys());
  passive.transport.set_remote_fingerprints({});
  EXPECT_EQ(passive.transport.state(), State::AwaitingFingerprint);
  EXPECT_TRUE(events_of(passive.transport).empty());

  passive.transport.set_remote_fingerprints({active.certificate.fingerprint()});
  EXPECT_EQ(passive.transport.state(), State::Connected);
  EXPECT_TRUE(passive.transport.keys());
  EXPECT_EQ(events_of(passive.transport), std::vector{Event::Connected});
  EXPECT_FALSE(active.transport.keys()) << "each side for itself";
}

TEST(DtlsIdentity, AWrongFingerprintGivesNoKeysBeforeOrAfter) {
  for (const bool before : {true, false}) {
    Side passive{Role::Passive, 1};
    Side active{Role::Active, 2};
    Link link{passive.transport, active.transport};
    active.transport.set_remote_fingerprints({passive.certificate.fingerprint()});
    const auto wrong = test::make_certificate(3).fingerprint();
    if (before) passive.transport.set_remote_fingerprints({wrong});
    link.start();
    link.run(TimePoint{milliseconds{100}});
    if (!before) passive.transport.set_remote_fingerprints({wrong});
    EXPECT_EQ(passive.transport.state(), State::Failed);
    EXPECT_EQ(passive.transport.failure(), Failure::FingerprintMismatch);
    EXPECT_FALSE(passive.transport.keys());
    EXPECT_EQ(events_of(passive.transport), std::vector{Event::Failed});
    link.drain();
    link.run(TimePoint{milliseconds{200}});
    EXPECT_EQ(active.transport.state(), State::Closed) << "and the other side is told";
  }
}

TEST(DtlsIdentity, AnyOfSeveralFingerprintsOfAnyHashMayMatch) {
  for (const HashAlgorithm algorithm : {HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512}) {
    Side passive{Role::Passive, 1};
    Side active{Role::Active, 2};
    Link link{passive.transport, active.transport};
    passive.transport.set_remote_fingerprints(
        {test::make_certificate(3).fingerprint(), Fingerprint::of(algorithm, active.certificate.der())});
    active.transport.set_remote_fingerprints({passive.certificate.fingerprint()});
    link.connect();
    EXPECT_TRUE(link.both_connected());
  }
}

TEST(DtlsIdentity, ANewFingerprintThatDoesNotMatchTakesTheKeysAway) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  link.connect();
  passive.transport.set_remote_fingerprints({active.certificate.fingerprint()});
  EXPECT_EQ(passive.transport.state(), State::Connected);
  passive.transport.set_remote_fingerprints({test::make_certificate(3).fingerprint()});
  EXPECT_EQ(passive.transport.state(), State::Failed);
  EXPECT_FALSE(passive.transport.keys());
}

TEST(DtlsIdentity, AClientWithoutACertificateDoesNotComplete) {
  Side passive{Role::Passive, 1};
  PlainPeer client{Role::Active};
  client.start();
  SSL_certs_clear(client.ssl());
  passive.transport.set_remote_fingerprints({client.certificate.fingerprint()});
  client.talk_to(passive.transport, TimePoint{});
  EXPECT_NE(passive.transport.state(), State::Connected);
  EXPECT_FALSE(passive.transport.keys());
}

TEST(DtlsEnd, CloseIsSeenByTheOtherSideWhichKeepsItsKeys) {
  for (const bool passive_closes : {true, false}) {
    Side passive{Role::Passive, 1};
    Side active{Role::Active, 2};
    Link link{passive.transport, active.transport};
    link.exchange_fingerprints(passive, active);
    link.connect();
    Transport& closing = passive_closes ? passive.transport : active.transport;
    Transport& other = passive_closes ? active.transport : passive.transport;
    static_cast<void>(events_of(other));
    closing.close();
    EXPECT_EQ(closing.state(), State::Closed);
    link.drain();
    link.run(link.now + milliseconds{20});
    EXPECT_EQ(other.state(), State::Closed);
    EXPECT_EQ(events_of(other), std::vector{Event::PeerClosed});
    EXPECT_TRUE(other.keys()) << "only signalling ends a call";
  }
}

TEST(DtlsEnd, TheDeadlineEndsWhatNeverCompletes) {
  Side passive{Role::Passive, 1, {.handshake_deadline = seconds{3}}};
  const TimePoint from{hours{5}};
  passive.transport.start(from);
  EXPECT_EQ(passive.transport.next_timeout(), from + seconds{3});
  passive.transport.handle_timeout(from + milliseconds{2999});
  EXPECT_EQ(passive.transport.state(), State::New);
  passive.transport.handle_timeout(from + seconds{3});
  EXPECT_EQ(passive.transport.state(), State::Failed);
  EXPECT_EQ(passive.transport.failure(), Failure::Deadline);
  EXPECT_EQ(events_of(passive.transport), std::vector{Event::Failed});
  EXPECT_EQ(passive.transport.next_timeout(), TimePoint::max());
}

}  // namespace
}  // namespace zvonok::dtls
