// Junk and forgeries before, during and after the handshake: they are counted and change nothing.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "dtls_link.h"
#include "proto/dtls/reassembler.h"

namespace zvonok::dtls {
namespace {

using test::Datagram;
using test::From;
using test::Link;
using test::PlainPeer;
using test::Sent;
using test::Side;

constexpr std::size_t kHello = kRecordHeaderBytes + kHandshakeHeaderBytes;
constexpr std::size_t kHelloSuites = kHello + 2 + 32 + 1 + 1;  // our hellos have neither session nor cookie

Datagram record(std::uint8_t type, std::uint16_t epoch, std::vector<std::uint8_t> body,
                std::uint64_t number = 0xffff'ffff'ffff) {
  Datagram result(kRecordHeaderBytes + body.size());
  ByteWriter writer{result};
  writer.u8(type);
  writer.u16(kVersionDtls12);
  writer.u64(std::uint64_t{epoch} << 48 | number);
  writer.u16(static_cast<std::uint16_t>(body.size()));
  writer.append(body);
  return result;
}

struct FragmentShape {
  std::uint8_t type = kClientHello;
  std::uint32_t message_bytes = 0;
  std::uint16_t sequence = 0;
  std::uint32_t offset = 0;
  std::uint32_t claimed_bytes = 0;
  std::size_t real_bytes = 0;
};

Datagram fragment(const FragmentShape& shape) {
  std::vector<std::uint8_t> body(kHandshakeHeaderBytes + shape.real_bytes, 0x55);
  ByteWriter writer{body};
  writer.u8(shape.type);
  writer.u24(shape.message_bytes);
  writer.u16(shape.sequence);
  writer.u24(shape.offset);
  writer.u24(shape.claimed_bytes);
  return record(kHandshake, 0, body);
}

/// A good hello, as a base for bad ones.
Datagram good_hello(const ContextOptions& options = {}) {
  Side active{Role::Active, 9, {}, options};
  active.transport.start(TimePoint{});
  return *active.transport.poll_transmit();
}

Datagram null_cipher_hello() {
  Datagram hello = good_hello();
  const std::size_t bytes = load_be16(hello.data() + kHelloSuites);
  std::fill_n(hello.begin() + kHelloSuites + 2, bytes, std::uint8_t{0});
  return hello;
}

Datagram old_version_hello() {
  Datagram hello = good_hello();
  store_be16(hello.data() + kHello, kVersionDtls10);
  return hello;
}

/// One datagram of a thousand: each kind that is known to have ended calls, and some noise.
Datagram junk(std::mt19937& random) {
  static const Datagram kNullCipher = null_cipher_hello();
  static const Datagram kOldVersion = old_version_hello();
  static const Datagram kGood = good_hello();
  const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); };
  switch (below(12)) {
    case 0: return kNullCipher;
    case 1: return kOldVersion;
    case 2: return {kGood.begin(), kGood.begin() + static_cast<std::ptrdiff_t>(below(100))};
    case 3: return fragment({.message_bytes = 0xffffff, .claimed_bytes = 100, .real_bytes = 100});
    case 4: return fragment({.message_bytes = 1 + below(4000), .claimed_bytes = 1, .real_bytes = 1});
    case 5: return fragment({.message_bytes = 10, .offset = 8, .claimed_bytes = 100, .real_bytes = 100});
    case 6: return record(kAlert, 0, {2, 40});
    case 7: return record(kAlert, 0, {1, 0});
    case 8: return record(kApplicationData, 0, {1, 2, 3});
    case 9: return record(kAlert, 1, Datagram(40, 7));
    case 10: {
      Datagram noise(below(200));
      std::ranges::generate(noise, [&] { return static_cast<std::uint8_t>(random()); });
      return noise;
    }
    default:
      return record(static_cast<std::uint8_t>(below(256)), static_cast<std::uint16_t>(below(3)), Datagram(20, 1));
  }
}

/// Sealed by nobody: too short to hold a nonce and a tag, or long enough.
TEST(DtlsHostile, ForgedEncryptedRecordsOfAnySizeChangeNothing) {
  for (std::size_t size = 0; size <= 64; ++size) {
    for (const std::uint64_t number : {0ULL, 1ULL, 0xffff'ffff'ffffULL}) {
      Side passive{Role::Passive, 1};
      Side active{Role::Active, 2};
      Link link{passive.transport, active.transport};
      link.exchange_fingerprints(passive, active);
      const auto forge = [&] {
        for (const std::uint8_t type : {kHandshake, kAlert}) {
          passive.transport.handle_datagram(link.now, record(type, 1, Datagram(size, 1), number));
          active.transport.handle_datagram(link.now, record(type, 1, Datagram(size, 1), number));
        }
      };
      link.start();
      link.fate = [&](const Sent&) {
        forge();
        return std::vector{Duration{}};
      };
      link.run(TimePoint{seconds{2}}, [&] { return link.both_connected(); });
      ASSERT_TRUE(link.both_connected()) << size << " bytes, number " << number;
      EXPECT_EQ(passive.transport.counters().failed_attempts, 0U) << size;
      EXPECT_EQ(active.transport.counters().failed_attempts, 0U) << size;
      forge();
      active.transport.close();
      link.drain();
      link.run(link.now + milliseconds{20});
      EXPECT_EQ(passive.transport.state(), State::Closed) << size << " bytes: what is true is still heard";
    }
  }
}

TEST(DtlsHostile, AThousandPiecesOfJunkBeforeEachStepChangeNothing) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    std::mt19937 random{seed};
    Side passive{Role::Passive, 1};
    Side active{Role::Active, 2};
    Link link{passive.transport, active.transport};
    link.exchange_fingerprints(passive, active);
    const auto spray = [&] {
      for (int i = 0; i < 1000; ++i) {
        passive.transport.handle_datagram(link.now, junk(random));
        active.transport.handle_datagram(link.now, junk(random));
        ASSERT_LE(passive.transport.buffered_bytes(), 34'000U);
        ASSERT_LE(active.transport.buffered_bytes(), 34'000U);
      }
    };
    link.start();
    spray();
    link.fate = [&](const Sent&) {
      spray();
      return std::vector{Duration{}};
    };
    link.run(TimePoint{seconds{2}}, [&] { return link.both_connected(); });
    ASSERT_TRUE(link.both_connected()) << "seed " << seed;
    EXPECT_LE(link.now, TimePoint{milliseconds{20}}) << "seed " << seed;
    spray();
    EXPECT_TRUE(link.both_connected()) << "seed " << seed << ": after completion as well";
    EXPECT_EQ(passive.transport.counters().failed_attempts, 0U);
    EXPECT_GT(passive.transport.counters().of(Drop::AlertBeforeCompletion), 500U);
    EXPECT_GT(passive.transport.counters().of(Drop::HelloNoCommonParameters), 0U);
    EXPECT_GT(passive.transport.counters().of(Drop::HelloWrongVersion), 0U);
    EXPECT_GT(passive.transport.counters().of(Drop::MessageTooLong), 0U);
  }
}

struct BadInput {
  const char* name;
  Datagram datagram;
  Drop drop;
};

std::vector<BadInput> bad_inputs() {
  Datagram with_mki = good_hello({.srtp_profiles = {SrtpProfile::AeadAes128Gcm}});
  const std::array<std::uint8_t, 9> extension{0, 14, 0, 5, 0, 2, 0, 7, 0};
  const auto found = std::ranges::search(with_mki, extension);
  if (!found.empty()) found.back() = 1;  // the MKI's length, now beyond the extension
  Datagram wrong_record_version = good_hello();
  store_be16(wrong_record_version.data() + 1, 0x0303);
  return {
      {"null cipher", null_cipher_hello(), Drop::HelloNoCommonParameters},
      {"DTLS 1.0", old_version_hello(), Drop::HelloWrongVersion},
      {"TLS record", wrong_record_version, Drop::WrongVersion},
      {"cut-off MKI", with_mki, Drop::HelloMalformed},
      {"cut off", {22, 0xfe, 0xfd, 0, 0, 0}, Drop::Malformed},
      {"16 MB", fragment({.message_bytes = 0xffffff, .claimed_bytes = 10, .real_bytes = 10}), Drop::MessageTooLong},
      {"beyond its end", fragment({.message_bytes = 10, .offset = 5, .claimed_bytes = 6, .real_bytes = 6}),
       Drop::BadFragment},
      {"hollow", fragment({.message_bytes = 10}), Drop::BadFragment},
      {"longer than its record", fragment({.message_bytes = 50, .claimed_bytes = 50, .real_bytes = 10}),
       Drop::BadFragment},
      {"far ahead", fragment({.message_bytes = 1, .sequence = 999, .claimed_bytes = 1, .real_bytes = 1}),
       Drop::Unexpected},
      {"Finished first", fragment({.type = 20, .message_bytes = 12, .claimed_bytes = 12, .real_bytes = 12}),
       Drop::Unexpected},
      {"empty hello", fragment({.message_bytes = 0}), Drop::HelloMalformed},
      {"fatal alert", record(kAlert, 0, {2, 40}), Drop::AlertBeforeCompletion},
      {"encrypted alert", record(kAlert, 1, Datagram(30, 0)), Drop::AlertBeforeCompletion},
      {"data", record(kApplicationData, 0, {1}), Drop::ApplicationData},
      {"epoch 2", record(kHandshake, 2, {1}), Drop::WrongEpoch},
      {"heartbeat", record(24, 0, {1}), Drop::UnknownType},
  };
}

TEST(DtlsHostile, EachBadInputIsCountedForWhatItIsAndDoesNoHarm) {
  for (const BadInput& bad : bad_inputs()) {
    Side passive{Role::Passive, 1};
    Side active{Role::Active, 2};
    Link link{passive.transport, active.transport};
    link.exchange_fingerprints(passive, active);
    passive.transport.handle_datagram(link.now, bad.datagram);
    EXPECT_EQ(passive.transport.counters().of(bad.drop), 1U) << bad.name;
    EXPECT_EQ(passive.transport.state(), State::New) << bad.name;
    EXPECT_FALSE(passive.transport.poll_transmit()) << bad.name << ": nothing is answered";
    EXPECT_EQ(link.connect(), 4 * Link::kDelay) << bad.name;
  }
}

TEST(DtlsHostile, AHelloThatAsksForAnMkiIsNotServed) {
  Side passive{Role::Passive, 1};
  Datagram hello = good_hello({.srtp_profiles = {SrtpProfile::AeadAes128Gcm}});
  const std::array<std::uint8_t, 9> extension{0, 14, 0, 5, 0, 2, 0, 7, 0};
  const auto found = std::ranges::search(hello, extension);
  ASSERT_FALSE(found.empty());
  const auto place = static_cast<std::size_t>(found.begin() - hello.begin());
  // One byte of MKI, and all lengths around it.
  found.back() = 1;
  hello.insert(found.end(), 0x42);
  const auto grow = [&](std::size_t offset) {
    store_be16(hello.data() + offset, static_cast<std::uint16_t>(load_be16(hello.data() + offset) + 1));
  };
  grow(place + 2);
  grow(11);                       // the record
  grow(kRecordHeaderBytes + 2);   // the message
  grow(kRecordHeaderBytes + 10);  // the fragment
  const std::size_t suites = load_be16(hello.data() + kHelloSuites);
  const std::size_t compressions = kHelloSuites + 2 + suites;
  grow(compressions + 1 + hello[compressions]);  // the extensions
  passive.transport.handle_datagram(TimePoint{}, hello);
  EXPECT_EQ(passive.transport.counters().of(Drop::HelloNoSrtpProfile), 1U);
  EXPECT_EQ(passive.transport.state(), State::New);
}

// Somebody's forged answers spoil the attempt: OpenSSL gives up, and the next hello finds a new one.
TEST(DtlsHostile, AForgedFlightCostsAnAttemptAndTheNextHelloIsServed) {
  Side passive{Role::Passive, 1};
  const TimePoint now{};
  passive.transport.handle_datagram(now, good_hello());
  EXPECT_EQ(passive.transport.state(), State::Handshaking);
  passive.transport.handle_datagram(
      now, fragment({.type = kCertificate, .message_bytes = 40, .sequence = 1, .claimed_bytes = 40, .real_bytes = 40}));
  EXPECT_EQ(passive.transport.state(), State::New);
  EXPECT_EQ(passive.transport.counters().failed_attempts, 1U);

  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  while (passive.transport.poll_transmit()) {
  }
  link.exchange_fingerprints(passive, active);
  EXPECT_EQ(link.connect(), 4 * Link::kDelay);
  EXPECT_TRUE(link.both_connected());
}

TEST(DtlsHostile, AForgedServerHelloMakesTheActiveSideSayHelloAgain) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  active.transport.start(link.now);
  ASSERT_TRUE(active.transport.poll_transmit());
  active.transport.handle_datagram(
      link.now, fragment({.type = kServerHello, .message_bytes = 40, .claimed_bytes = 40, .real_bytes = 40}));
  EXPECT_EQ(active.transport.counters().failed_attempts, 1U);
  link.connect();
  EXPECT_TRUE(link.both_connected());
}

TEST(DtlsHostile, AttemptsAreLimited) {
  Side passive{Role::Passive, 1, {.attempts_max = 5}};
  const Datagram forged =
      fragment({.type = kCertificate, .message_bytes = 40, .sequence = 1, .claimed_bytes = 40, .real_bytes = 40});
  int attempts = 0;
  while (passive.transport.state() != State::Failed && attempts < 100) {
    passive.transport.handle_datagram(TimePoint{}, good_hello());
    passive.transport.handle_datagram(TimePoint{}, forged);
    ++attempts;
  }
  EXPECT_EQ(attempts, 5);
  EXPECT_EQ(passive.transport.failure(), Failure::TooManyAttempts);
  passive.transport.handle_datagram(TimePoint{}, forged);
  EXPECT_EQ(passive.transport.counters().of(Drop::AfterEnd), 1U);
}

// Somebody's good hello comes first; then that of the true client, which gets its turn when nobody answers.
TEST(DtlsHostile, AStrangersHelloHoldsTheClientUpForLessThanASecond) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  passive.transport.handle_datagram(link.now, good_hello());
  while (passive.transport.poll_transmit()) {
  }
  EXPECT_LE(link.connect(), milliseconds{500});
  EXPECT_TRUE(link.both_connected());
  EXPECT_EQ(passive.transport.counters().of(Drop::HelloCompeting), 1U);
}

TEST(DtlsHostile, AStrangersHelloInTheMidstIsIgnored) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  link.fate = [&](const Sent& sent) {
    if (sent.from == From::Passive) passive.transport.handle_datagram(link.now, good_hello());
    return std::vector{Duration{}};
  };
  EXPECT_EQ(link.connect(), 4 * Link::kDelay);
  EXPECT_EQ(passive.transport.counters().failed_attempts, 0U);
}

TEST(DtlsHostile, ForgedFragmentsOfAFragmentedHelloDoNotStopTheTrueOnes) {
  Side passive{Role::Passive, 1};
  PlainPeer client{Role::Active, "SRTP_AEAD_AES_128_GCM", 256};
  SSL_CTX_set_cipher_list(client.context(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
  client.start();
  const auto hello = client.take();
  ASSERT_GE(hello.size(), 2U);
  passive.transport.set_remote_fingerprints({client.certificate.fingerprint()});
  for (const Datagram& datagram : hello) {
    for (std::uint32_t i = 1; i < 12; ++i) {
      passive.transport.handle_datagram(
          TimePoint{}, fragment({.message_bytes = i * 100, .claimed_bytes = i * 50, .real_bytes = i * 50}));
    }
    passive.transport.handle_datagram(TimePoint{}, datagram);
  }
  client.talk_to(passive.transport, TimePoint{});
  EXPECT_EQ(passive.transport.state(), State::Connected);
}

TEST(DtlsHostile, AfterCompletionPlainAndForgedAlertsDoNothing) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  link.connect();
  const std::uint64_t plain_before = passive.transport.counters().of(Drop::WrongEpoch);
  for (std::uint64_t i = 0; i < 100; ++i) {
    passive.transport.handle_datagram(link.now, record(kAlert, 0, {2, 40}));
    passive.transport.handle_datagram(link.now, record(kAlert, 0, {1, 0}));
    passive.transport.handle_datagram(link.now, record(kAlert, 1, Datagram(26, 9), 1 + i));
    passive.transport.handle_datagram(link.now, record(kHandshake, 1, Datagram(48, 9), 200 + i));
    passive.transport.handle_datagram(link.now, record(kApplicationData, 1, Datagram(48, 9), 400 + i));
  }
  EXPECT_EQ(passive.transport.state(), State::Connected);
  EXPECT_EQ(passive.transport.counters().of(Drop::WrongEpoch), plain_before + 200);
  EXPECT_EQ(passive.transport.counters().of(Drop::Unauthenticated), 200U);
  EXPECT_EQ(passive.transport.counters().of(Drop::ApplicationData), 100U);
  EXPECT_FALSE(passive.transport.poll_transmit());

  active.transport.close();
  link.drain();
  link.run(link.now + milliseconds{20});
  EXPECT_EQ(passive.transport.state(), State::Closed) << "the true one is still heard";
}

TEST(DtlsHostile, ARepeatedFinishedIsAnsweredForAsLongAsItIsRepeated) {
  Side passive{Role::Passive, 1};
  Side active{Role::Active, 2};
  Link link{passive.transport, active.transport};
  link.exchange_fingerprints(passive, active);
  link.fate = [&](const Sent& sent) {
    return sent.from == From::Passive && sent.burst >= 2 ? std::vector<Duration>{} : std::vector{Duration{}};
  };
  link.start();
  link.run(TimePoint{seconds{29}});
  EXPECT_EQ(passive.transport.state(), State::Connected);
  EXPECT_EQ(passive.transport.counters().answered_finished, 11U);
  EXPECT_GT(passive.transport.counters().repeated_flights, 10U) << "the very same record, once its spares are used up";
  EXPECT_EQ(passive.transport.counters().of(Drop::RepeatedFinishedLimit), 0U);
}

TEST(DtlsReassembler, HoldsNoMoreThanItsLimitWhateverComes) {
  std::mt19937 random{4};
  Reassembler reassembler;
  const std::vector<std::uint8_t> bytes(4000, 1);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t message_bytes = 1 + random() % Reassembler::kMessageBytesMax;
    const std::size_t offset = random() % message_bytes;
    const std::size_t size = std::min(message_bytes - offset, random() % bytes.size());
    if (size == 0) continue;
    reassembler.add({.type = kClientHello,
                     .sequence = static_cast<std::uint16_t>(random() % 4),
                     .message_bytes = random() % 4 == 0 ? Reassembler::kMessageBytesMax : message_bytes,
                     .offset = offset,
                     .body = Bytes{bytes}.first(size)});
    ASSERT_LE(reassembler.buffered_bytes(), Reassembler::kBufferedBytesMax);
  }
  reassembler.forget_below(4);
  EXPECT_EQ(reassembler.buffered_bytes(), 0U);
}

TEST(DtlsReassembler, PutsOverlappingPiecesInAnyOrderTogether) {
  std::vector<std::uint8_t> message(1000);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i * 7);
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937 random{seed};
    std::vector<std::pair<std::size_t, std::size_t>> pieces;
    for (std::size_t at = 0; at < message.size();) {
      const std::size_t size = std::min<std::size_t>(message.size() - at, 20 + random() % 200);
      pieces.emplace_back(at, std::min(message.size() - at, size + random() % 50));
      at += size;
    }
    std::ranges::shuffle(pieces, random);
    Reassembler reassembler;
    std::optional<HandshakeMessage> whole;
    for (const auto& [at, size] : pieces) {
      reassembler.add({.type = kCertificate,
                       .sequence = 3,
                       .message_bytes = message.size(),
                       .offset = at,
                       .body = Bytes{message}.subspan(at, size)});
      // The overlaps may make the last pieces needless.
      if (!whole) whole = reassembler.take(3);
    }
    ASSERT_TRUE(whole) << "seed " << seed;
    EXPECT_EQ(whole->body, message) << "seed " << seed;
  }
}

}  // namespace
}  // namespace zvonok::dtls
