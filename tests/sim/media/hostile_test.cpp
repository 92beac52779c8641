// Participants and strangers that mean harm: they may spoil what is their own, and nothing else.
#include "proto/dtls/transport.h"
#include "proto/rtcp/transport_feedback.h"
#include "proto/rtcp/writer.h"
#include "proto/rtp/extensions.h"
#include "sim/media/fixture.h"

namespace zvonok::sim {
namespace {

class MediaHostile : public MediaSim {
 protected:
  std::uint64_t alice = 0;
  std::uint64_t bob = 0;
  std::uint64_t mallory = 0;
  Random random{GetParam() + 99};

  void meet(const World::Joining& as) {
    alice = world.join({.layers = simulcast()});
    bob = world.join({.layers = single()});
    mallory = world.join(as);
    run_until(seconds{5});
  }
  std::vector<std::uint8_t> garbage(std::size_t least, std::size_t most) {
    std::vector<std::uint8_t> bytes(random.between(least, most));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    return bytes;
  }
  /// Alice's and Bob's call in [begin, now] is as if nobody else were there.
  void expect_undisturbed(TimePoint begin, Duration freeze = milliseconds{300}) {
    for (const auto& [from, to] : {std::pair{alice, bob}, std::pair{bob, alice}}) {
      const World::Audio audio = world.audio(from, to, begin, world.now() - milliseconds{200});
      EXPECT_EQ(audio.received, audio.sent) << "seed " << GetParam();
      EXPECT_LE(in_ms(audio.worst_delay), 60);
      EXPECT_LE(in_ms(world.freeze(from, to, begin, world.now())), in_ms(freeze)) << world.story(from, to);
    }
  }
  /// Bytes to Mallory in the next `duration` while `act` is called every 10 ms.
  template <class Act>
  std::uint64_t bytes_during(Duration duration, Act act) {
    const std::uint64_t before = world.tap().counters(mallory).bytes;
    for (Duration done{}; done < duration; done += milliseconds{10}) {
      act();
      world.run_for(milliseconds{10});
    }
    return world.tap().counters(mallory).bytes - before;
  }
};

TEST_P(MediaHostile, GarbageInsideOfAuthenticPacketsHarmsNobodyElse) {
  meet({.layers = simulcast()});
  world.distrust(mallory);
  const TimePoint begin = world.now();
  Client& client = world.client(mallory);
  std::uint64_t sequence = 1;
  for (int i = 0; i < 3000; ++i) {
    if (random.chance(50)) {
      const Client::Out& out = client.outs()[random.below(client.outs().size())];
      const auto number = rtp::encode_transport_sequence(static_cast<std::uint16_t>(random.next()));
      const std::array<std::uint8_t, 1> level{static_cast<std::uint8_t>(random.next())};
      const std::array<rtp::ExtensionElement, 3> elements{
          rtp::ExtensionElement{.id = client.ids().transport_cc, .bytes = number},
          rtp::ExtensionElement{.id = client.ids().mid, .bytes = as_bytes(out.mid)},
          rtp::ExtensionElement{.id = client.ids().audio_level, .bytes = level}};
      const bool own = random.chance(70);
      const std::uint64_t at = own ? 0x10000 + out.sequence + random.below(3000) : sequence++;
      client.send_rtp(
          world.now(),
          {.padding = random.chance(10),
           .marker = random.chance(30),
           .payload_type = random.chance(70) ? (out.kind == media::Kind::Audio ? kOpusType : kVp8Type)
                                             : rtp::PayloadType{static_cast<std::uint8_t>(random.below(64))},
           .sequence = static_cast<std::uint16_t>(at),
           .timestamp = static_cast<std::uint32_t>(random.next()),
           .ssrc = own ? (random.chance(30) ? out.rtx : out.ssrc)
                       : rtp::Ssrc{static_cast<std::uint32_t>(random.below(50))}},
          at, elements, garbage(0, 1100));
    } else {
      std::vector<std::uint8_t> rtcp = garbage(8, 300);
      if (random.chance(80)) {  // a header that is believed, so that what follows is read
        rtcp.resize(rtcp.size() / 4 * 4);
        rtcp[0] = static_cast<std::uint8_t>(0x80 | (rtcp[0] & 0x1F));
        rtcp[1] = static_cast<std::uint8_t>(200 + random.below(8));
        store_be16(rtcp.data() + 2, static_cast<std::uint16_t>(rtcp.size() / 4 - 1));
        const auto& gets = world.member(mallory).gets;
        if (rtcp.size() >= 12 && !gets.empty() && random.chance(70)) {
          store_be32(rtcp.data() + 8, std::to_underlying(gets.begin()->second.ssrc) + (random.chance(50) ? 1U : 0U));
        }
      }
      client.send_rtcp(world.now(), rtcp);
    }
    if (i % 3 == 0) world.run_for(milliseconds{1});
  }
  world.run_for(seconds{3});
  expect_undisturbed(begin);
}

TEST_P(MediaHostile, AFloodOfSsrcsHarmsNobodyElse) {
  meet({.layers = simulcast()});
  world.distrust(mallory);
  const TimePoint begin = world.now();
  Client& client = world.client(mallory);
  for (std::uint32_t i = 0; i < 4000; ++i) {
    const bool video = random.chance(50);
    const std::string rid = std::vector<std::string>{"q", "h", "f", "x"}[random.below(4)];
    const std::array<rtp::ExtensionElement, 2> elements{
        rtp::ExtensionElement{.id = client.ids().mid, .bytes = as_bytes(video ? "1" : "0")},
        rtp::ExtensionElement{.id = client.ids().rid, .bytes = as_bytes(rid)}};
    client.send_rtp(world.now(),
                    {.marker = true,
                     .payload_type = video ? kVp8Type : kOpusType,
                     .sequence = static_cast<std::uint16_t>(i & 0x7FFF),
                     .timestamp = i * 960,
                     .ssrc = rtp::Ssrc{0x20000000U + i}},
                    i & 0x7FFF, std::span{elements}.first(video ? 2 : 1), garbage(60, 900));
    if (i % 4 == 0) world.run_for(milliseconds{1});
  }
  world.run_for(seconds{2});
  expect_undisturbed(begin, milliseconds{600});
}

/// What calls itself audio goes before everything else, so there must not be any amount of it.
TEST_P(MediaHostile, AFloodOfAudioLeavesTheOthersTheirPictures) {
  const test::LinkProfile narrow{
      .bandwidth_bps = 4'000'000, .delay = milliseconds{20}, .queue_limit = milliseconds{300}, .overhead_bytes = 28};
  alice = world.join({.layers = single(), .down = narrow});
  bob = world.join({.layers = single(), .down = narrow});
  mallory = world.join({.layers = {}});
  run_until(seconds{5});
  world.distrust(mallory);
  const TimePoint begin = world.now();
  Client& client = world.client(mallory);
  Client::Out& out = client.outs().front();
  for (int i = 0; i < 5000; ++i) {
    for (int k = 0; k < 2; ++k) {  // 16 Mbit/s
      const auto number = rtp::encode_transport_sequence(client.next_transport_number());
      const std::array<rtp::ExtensionElement, 1> elements{
          rtp::ExtensionElement{.id = client.ids().transport_cc, .bytes = number}};
      const std::uint64_t sequence = out.sequence++;
      client.send_rtp(world.now(),
                      {.payload_type = kOpusType,
                       .sequence = static_cast<std::uint16_t>(sequence),
                       .timestamp = static_cast<std::uint32_t>(sequence) * 960,
                       .ssrc = out.ssrc},
                      sequence, elements, garbage(1000, 1000));
    }
    world.run_for(milliseconds{1});
  }
  EXPECT_GE(world.audio(alice, bob, begin, world.now() - milliseconds{400}).received, 230U);
  for (const auto& [from, to] : {std::pair{alice, bob}, std::pair{bob, alice}}) {
    const Duration freeze = world.freeze(from, to, begin, world.now());
    note("freeze_ms_at_" + std::to_string(to), static_cast<double>(in_ms(freeze)));
    EXPECT_LE(in_ms(freeze), 1000) << world.story(from, to);
  }
}

TEST_P(MediaHostile, LiesAboutArrivalsDoNotMakeTheServerSendMuchMore) {
  meet({.layers = {}, .sends_transport_feedback = false});
  const std::uint64_t usual = bytes_during(seconds{5}, [] {});
  const TimePoint begin = world.now();
  std::uint64_t number = 0x10000;
  std::uint8_t count = 0;
  const std::uint64_t lied = bytes_during(seconds{10}, [&] {
    std::array<std::uint8_t, 1200> buffer{};
    ByteWriter writer{buffer};
    std::vector<rtcp::PacketArrival> arrivals;
    // All of the number space in turn, each faster than it can have been.
    for (int i = 0; i < 200; ++i) {
      arrivals.push_back(
          {.sequence = number++, .arrival = begin + microseconds{250} * static_cast<int>(number & 0xFFF)});
    }
    static_cast<void>(rtcp::write_transport_feedback(writer,
                                                     {.source = {.sender = rtp::Ssrc{5}, .media = rtp::Ssrc{6}},
                                                      .feedback_count = count++,
                                                      .first_sequence = arrivals.front().sequence},
                                                     arrivals));
    world.client(mallory).send_rtcp(world.now(), writer.written());
  });
  note("amplification", static_cast<double>(lied) / 2 / static_cast<double>(usual));
  EXPECT_LE(lied, usual * 2 * 3) << "seed " << GetParam();
  expect_undisturbed(begin);
}

TEST_P(MediaHostile, AFloodOfNacksDoesNotMakeTheServerSendMuchMore) {
  for (const bool with_feedback : {true, false}) {
    if (alice == 0) {
      meet({.layers = {}, .sends_transport_feedback = with_feedback});
    } else {
      world.leave(mallory);
      mallory = world.join({.layers = {}, .sends_transport_feedback = with_feedback});
      world.run_for(seconds{5});
    }
    const std::uint64_t usual = bytes_during(seconds{5}, [] {});
    const std::uint64_t up_before = world.member(mallory).up_bytes;
    const TimePoint begin = world.now();
    const std::uint64_t flooded = bytes_during(seconds{5}, [&] {
      for (const auto& [ssrc, in] : world.client(mallory).ins()) {
        if (in.parameters.kind != media::Kind::Video || in.seen.empty()) continue;
        std::array<std::uint8_t, 1100> buffer{};
        ByteWriter writer{buffer};
        std::vector<std::uint16_t> lost;
        for (std::uint64_t back = 500; back > 0; --back)
          lost.push_back(static_cast<std::uint16_t>(*in.seen.rbegin() - back));
        static_cast<void>(rtcp::write_nack(writer, {.sender = rtp::Ssrc{5}, .media = ssrc}, lost));
        world.client(mallory).send_rtcp(world.now(), writer.written());
      }
    });
    note(with_feedback ? "amplification_with_feedback" : "amplification_without",
         static_cast<double>(flooded) / static_cast<double>(usual));
    EXPECT_LE(flooded, usual * 3) << (with_feedback ? "with" : "without") << " transport feedback; it sent "
                                  << world.member(mallory).up_bytes - up_before << ", got " << flooded << ", usually "
                                  << usual;
    expect_undisturbed(begin);
  }
}

TEST_P(MediaHostile, ARembOfNothingStopsNoAudio) {
  meet({.layers = {}, .sends_transport_feedback = false});
  const TimePoint begin = world.now();
  static_cast<void>(bytes_during(seconds{5}, [&] {
    std::array<std::uint8_t, 100> buffer{};
    ByteWriter writer{buffer};
    static_cast<void>(rtcp::write_remb(writer, rtp::Ssrc{5}, 0, {}));
    world.client(mallory).send_rtcp(world.now(), writer.written());
  }));
  const World::Audio audio = world.audio(alice, mallory, begin, world.now() - milliseconds{200});
  EXPECT_EQ(audio.received, audio.sent);
  expect_undisturbed(begin);
}

TEST_P(MediaHostile, ReplayedPacketsFromHereOrElsewhereChangeNothing) {
  alice = world.join({.layers = simulcast()});
  bob = world.join({.layers = single()});
  world.member(alice).record = true;
  run_until(seconds{5});
  world.member(alice).record = false;
  const TimePoint begin = world.now();
  const auto recorded = world.member(alice).recorded;
  ASSERT_GT(recorded.size(), 1000U);
  const std::uint16_t port = world.client(alice).port();
  for (std::size_t i = 0; i < recorded.size(); i += random.between(1, 3)) {
    const bool check = recorded[i][0] < 4;
    if (check) continue;
    const bool elsewhere = random.chance(50);
    world.inject(elsewhere ? 0x0B000001 : World::ip_of(alice), elsewhere ? 666 : port, recorded[i], alice);
    if (i % 7 == 0) world.run_for(milliseconds{1});
  }
  world.run_for(seconds{2});
  expect_undisturbed(begin);
}

/// Whoever can record a check can repeat it from elsewhere (nothing in STUN forbids it) and gets what is sent, sealed,
/// until the next check of the client's own.
TEST_P(MediaHostile, AReplayedCheckFromElsewhereIsMadeGoodByTheNextOne) {
  alice = world.join({.layers = single()});
  bob = world.join({.layers = single()});
  world.member(alice).record = true;
  run_until(seconds{6});
  for (const auto& datagram : world.member(alice).recorded) {
    if (datagram[0] < 4) world.inject(0x0B000001, 666, datagram, alice);
  }
  const TimePoint begin = world.now();
  world.run_for(seconds{10});
  const World::Audio heard = world.audio(alice, bob, begin, world.now() - milliseconds{200});
  EXPECT_EQ(heard.received, heard.sent);
  const World::Audio back = world.audio(bob, alice, begin + milliseconds{2600}, world.now() - milliseconds{200});
  EXPECT_EQ(back.received, back.sent);
}

TEST_P(MediaHostile, AStrangersHelloNeitherHarmsNorHindersALaterReload) {
  alice = world.join({.layers = single()});
  bob = world.join({.layers = single()});
  run_until(seconds{4});
  // A hello of a certificate that nobody announced, from nowhere and in Alice's name.
  std::vector<std::vector<std::uint8_t>> hellos;
  World other{GetParam() + 1000};
  const auto eve = other.join({.layers = {}});
  other.member(eve).record = true;
  other.run_for(seconds{1});
  for (const auto& datagram : other.member(eve).recorded) {
    if (datagram[0] >= 20 && datagram[0] <= 63) hellos.push_back(datagram);
  }
  ASSERT_FALSE(hellos.empty());
  const auto spoof = [&] {
    for (const auto& hello : hellos) {
      world.inject(0x0B000001, 666, hello, alice);
      world.inject(World::ip_of(alice), world.client(alice).port(), hello, alice);
    }
  };
  const TimePoint begin = world.now();
  spoof();
  world.run_for(seconds{3});
  expect_undisturbed(begin);

  world.restart_ice(alice);  // from here on another association would be taken
  world.run_for(milliseconds{200});
  const TimePoint restarted = world.now();
  spoof();
  world.run_for(seconds{3});
  expect_undisturbed(restarted);

  world.reload(alice);
  world.run_for(milliseconds{45});
  spoof();
  world.run_for(seconds{6});
  expect_undisturbed(world.now() - seconds{3});
}

INSTANTIATE_TEST_SUITE_P(Seeds, MediaHostile, testing::Range<std::uint64_t>(1, 1 + kSeeds));

}  // namespace
}  // namespace zvonok::sim
