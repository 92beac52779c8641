// A call's sound as RTP, two sessions talking to each other or one to a hand-made peer, in virtual time.
#include <vector>

#include "base/byte_io.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"
#include "support/seeded_entropy.h"
#include "unit/voip_sip/rtp_world.h"

namespace zvonok::voip_sip {
namespace {

TEST_F(RtpSessions, SayNothingBeforeAnythingIsAgreed) {
  speak(0);
  hear(packet(0, 1, 0, piece_));
  pass(seconds{30});
  EXPECT_TRUE(wire_.rtp.empty() && wire_.rtcp.empty() && ears_.heard.empty());
  EXPECT_EQ(session_.counters().not_listening, 1U);
  EXPECT_EQ(session_.counters().no_agreement, 1U);
}

TEST_F(RtpSessions, OpenTheWayWithSilence) {
  session_.agree(now_, plain(G711::Alaw));
  ASSERT_EQ(wire_.rtp.size(), 1U);
  EXPECT_EQ(wire_.rtp[0].to, kThere);
  EXPECT_EQ(sent(0).payload_type, rtp::PayloadType{8});
  EXPECT_EQ(sent(0).body[0], 0xD5);
  session_.agree(now_, plain(G711::Alaw));
  EXPECT_EQ(wire_.rtp.size(), 1U) << "once";
  EXPECT_EQ(session_.law(), G711::Alaw);
}

TEST_F(RtpSessions, PassSoundOnAsItIs) {
  session_.agree(now_, plain());
  for (std::uint32_t i = 0; i < 5; ++i) {
    now_ += milliseconds{20};
    speak(9000 + i * 160, i == 0);
  }
  ASSERT_EQ(wire_.rtp.size(), 6U);
  for (std::size_t i = 1; i < 6; ++i) {
    EXPECT_EQ(sent(i).sequence, kSequence + i);
    EXPECT_EQ(sent(i).marker, i == 1);
    EXPECT_EQ(sent(i).ssrc, rtp::Ssrc{42});
    EXPECT_EQ(sent(i).body.size(), 160U);
    EXPECT_EQ(sent(i).body[0], 0x31);
    if (i > 1) {
      EXPECT_EQ(sent(i).timestamp, sent(i - 1).timestamp + 160U) << "across the wrap";
    }
  }
}

TEST_F(RtpSessions, KeepTheirClockOverPausesAndNewBeginnings) {
  session_.agree(now_, plain());
  now_ += milliseconds{20};
  speak(100);
  const std::uint32_t before = last().timestamp;
  now_ += seconds{1};
  speak(5'000'000, true);  // another source, an unrelated clock
  EXPECT_EQ(last().timestamp, before + 8000);
  EXPECT_TRUE(last().marker);
  now_ += milliseconds{20};
  speak(5'000'160);
  EXPECT_EQ(last().timestamp, before + 8160);
  // A gap of lost pieces stays a gap.
  now_ += milliseconds{60};
  speak(5'000'160 + 480);
  EXPECT_EQ(last().timestamp, before + 8640);
  // A jump back without a word as well.
  now_ += milliseconds{20};
  speak(7);
  EXPECT_EQ(last().timestamp, before + 8800);
}

TEST_F(RtpSessions, LeaveTheNumbersOutOfWhatIsLostOnTheWayToThem) {
  session_.agree(now_, plain());
  now_ += milliseconds{20};
  speak(8000, true);
  const std::uint16_t first = last().sequence;
  const std::uint32_t at = last().timestamp;
  speak(8000 + 4 * 160);  // three are missing
  EXPECT_EQ(last().sequence, first + 4);
  EXPECT_EQ(last().timestamp, at + 4 * 160);
  speak(8000 + 2 * 160);  // one of them was only late
  EXPECT_EQ(last().sequence, first + 2);
  EXPECT_EQ(last().timestamp, at + 2 * 160);
  const std::size_t sent_before = wire_.rtp.size();
  speak(8000 + 2 * 160);  // again
  speak(8000);            // was never missing
  speak(8000 - 160 * 30);
  EXPECT_EQ(wire_.rtp.size(), sent_before);
  EXPECT_EQ(session_.counters().late, 3U);
  speak(8000 + 5 * 160);  // and on it goes
  EXPECT_EQ(last().sequence, first + 5);
  EXPECT_EQ(last().timestamp, at + 5 * 160);
  speak(8000 + 160);
  EXPECT_EQ(last().sequence, first + 1);
  speak(8000 + 56 * 160);  // fifty at most
  EXPECT_EQ(last().sequence, first + 5 + 51);
}

TEST_F(RtpSessions, LeaveNoNumbersOutForPausesAndDigits) {
  session_.agree(now_, plain());
  now_ += milliseconds{20};
  speak(8000, true);
  speak(8160);
  const std::uint16_t first = last().sequence;
  now_ += milliseconds{500};
  speak(8160 + 4000, true);  // after silence, as they say
  EXPECT_EQ(last().sequence, first + 1);
  const std::uint32_t before = last().timestamp;
  pass(seconds{3});  // one piece of silence of ours
  speak(8160 + 4000 + 23'900);
  EXPECT_EQ(last().sequence, first + 3);
  EXPECT_NEAR(static_cast<double>(last().timestamp - before), 24'000, 200);
  session_.add_digits(now_, "1");
  pass(milliseconds{300});
  const std::uint16_t digit = last().sequence;
  speak(8160 + 4000 + 26'400);
  EXPECT_EQ(last().sequence, digit + 1);
  EXPECT_EQ(session_.counters().late, 0U);
}

TEST_F(RtpSessions, SendSilenceWhileNobodySpeaks) {
  session_.agree(now_, plain());
  wire_.rtp.clear();
  pass(seconds{10} + milliseconds{1});
  EXPECT_EQ(wire_.rtp.size(), 5U);
  for (std::size_t i = 1; i < wire_.rtp.size(); ++i) EXPECT_EQ(sent(i).timestamp, sent(i - 1).timestamp + 16000);
}

TEST_F(RtpSessions, SendNothingToWhoDoesNotListen) {
  AgreedMedia held = plain();
  held.remote.receives = false;
  session_.agree(now_, held);
  speak(0);
  session_.add_digits(now_, "1");
  pass(seconds{4});
  EXPECT_TRUE(wire_.rtp.empty());
  session_.agree(now_, plain());
  pass(seconds{2});
  EXPECT_FALSE(wire_.rtp.empty());
}

TEST_F(RtpSessions, MuteAndHold) {
  session_.agree(now_, plain());
  session_.set_mute(true);
  speak(160);
  EXPECT_EQ(last().body[0], 0xFF);
  hear(packet(0, 1, 0, piece_));
  EXPECT_EQ(ears_.heard.size(), 1U) << "who is muted still hears";
  session_.set_mute(false);
  session_.set_hold(now_, true);
  speak(320);
  EXPECT_EQ(last().body[0], 0xFF);
  hear(packet(0, 2, 160, piece_));
  EXPECT_EQ(ears_.heard.size(), 1U);
  EXPECT_EQ(session_.counters().on_hold, 1U);
  session_.set_hold(now_, false);
  hear(packet(0, 3, 320, piece_));
  EXPECT_TRUE(ears_.heard.back().is_first) << "after silence";
}

TEST_F(RtpSessions, RefuseTheWrongLaw) {
  session_.agree(now_, plain());
  const std::size_t before = wire_.rtp.size();
  speak(0, false, G711::Alaw);
  EXPECT_EQ(wire_.rtp.size(), before);
  EXPECT_EQ(session_.counters().wrong_law, 1U);
}

TEST_F(RtpSessions, HearWhatComes) {
  session_.agree(now_, plain());
  hear(packet(0, 1, 1000, piece_));
  hear(packet(0, 2, 1160, piece_));
  hear(packet(8, 3, 1320, piece_));
  ASSERT_EQ(ears_.heard.size(), 3U);
  EXPECT_TRUE(ears_.heard[0].is_first);
  EXPECT_FALSE(ears_.heard[1].is_first);
  EXPECT_EQ(ears_.heard[1].timestamp, 1160U);
  EXPECT_EQ(ears_.heard[2].law, G711::Alaw) << "changed over without a word";
  hear(packet(13, 4, 1480, Bytes{piece_}.first(1)));
  EXPECT_EQ(session_.counters().comfort_noise, 1U);
  hear(packet(18, 5, 1480, piece_));
  EXPECT_EQ(session_.counters().unknown_type, 1U);
  hear({0x80});
  hear({1, 2, 3});
  hear(std::vector<std::uint8_t>(12, 0xBF));
  EXPECT_EQ(session_.counters().malformed, 3U);
  EXPECT_EQ(ears_.heard.size(), 3U);
}

TEST_F(RtpSessions, CutLongPackets) {
  session_.agree(now_, plain());
  const std::vector<std::uint8_t> long_one(1000, 0x11);
  hear(packet(0, 1, 0, long_one));
  ASSERT_EQ(ears_.heard.size(), 3U);
  EXPECT_EQ(ears_.heard[0].samples.size(), 480U);
  EXPECT_EQ(ears_.heard[1].timestamp, 480U);
  EXPECT_EQ(ears_.heard[2].samples.size(), 40U);
  EXPECT_FALSE(ears_.heard[1].is_first);
}

TEST_F(RtpSessions, AnswerThePortThatSends) {
  session_.agree(now_, plain());
  const SocketAddress other_port{.ip = kThere.ip, .port = 40000};
  hear(packet(0, 1, 0, piece_), other_port);
  EXPECT_EQ(ears_.heard.size(), 1U);
  speak(0);
  EXPECT_EQ(wire_.rtp.back().to, other_port);
  // Nobody else from then on: not another port, and never another address.
  hear(packet(0, 2, 160, piece_), kThere);
  hear(packet(0, 2, 160, piece_), {.ip = IpAddress::v4(0xC0000210), .port = 40000});
  EXPECT_EQ(ears_.heard.size(), 1U);
  EXPECT_EQ(session_.counters().strangers, 2U);
  // Unless it falls silent.
  pass(RtpSession::kLatchedFor + milliseconds{1});
  hear(packet(0, 3, 320, piece_), {.ip = IpAddress::v4(0xC0000210), .port = 40000});
  EXPECT_EQ(ears_.heard.size(), 1U);
  hear(packet(0, 3, 320, piece_), kThere);
  EXPECT_EQ(ears_.heard.size(), 2U);
  speak(160);
  EXPECT_EQ(wire_.rtp.back().to, kThere);
}

TEST_F(RtpSessions, FollowANewAgreement) {
  session_.agree(now_, plain());
  hear(packet(0, 1, 0, piece_));
  AgreedMedia moved = plain(G711::Alaw);
  moved.remote.rtp = {.ip = IpAddress::v4(0xC0000277), .port = 5000};
  moved.remote.rtcp = {.ip = IpAddress::v4(0xC0000277), .port = 5001};
  session_.agree(now_, moved);
  speak(0, false, G711::Alaw);
  EXPECT_EQ(wire_.rtp.back().to, moved.remote.rtp);
  hear(packet(8, 1, 0, piece_), kThere);
  EXPECT_EQ(ears_.heard.size(), 1U);
  hear(packet(8, 1, 0, piece_, false, 78), moved.remote.rtp);
  EXPECT_EQ(ears_.heard.size(), 2U);
  EXPECT_TRUE(ears_.heard.back().is_first) << "another stream";
}

TEST_F(RtpSessions, SendDigitsInTheirPlace) {
  session_.agree(now_, plain());
  now_ += milliseconds{20};
  speak(0);
  const std::uint32_t before = last().timestamp;
  wire_.rtp.clear();
  now_ += milliseconds{20};
  session_.add_digits(now_, "5#");
  const TimePoint began = now_;
  pass(milliseconds{150});
  speak(160 * 9);  // while the last end packet is still to come
  EXPECT_EQ(last().payload_type, rtp::PayloadType{101});
  pass(milliseconds{30});
  std::size_t ends = 0;
  for (std::size_t i = 0; i < wire_.rtp.size(); ++i) {
    const auto view = sent(i);
    if (view.payload_type != rtp::PayloadType{101}) continue;
    EXPECT_EQ(view.timestamp, before + 160) << "that of its beginning";
    EXPECT_EQ(view.marker, i == 0);
    const auto event = parse_event(view.body);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->event, 5);
    if (i > 0) {
      EXPECT_GE(event->duration, parse_event(sent(i - 1).body)->duration);
    }
    ends += event->end ? 1U : 0U;
  }
  EXPECT_EQ(ends, 3U);
  pass(seconds{1});
  EXPECT_LT(now_ - began, seconds{2});
  const auto hash = parse_event(sent(wire_.rtp.size() - 1).body);
  EXPECT_EQ(hash->event, 11);
  // Sound goes on where the clock is by now.
  wire_.rtp.clear();
  speak(160 * 60);
  const auto expected = before + static_cast<std::uint32_t>((now_ - began + milliseconds{20}).count() / 125'000);
  EXPECT_NEAR(static_cast<double>(last().timestamp), static_cast<double>(expected), 400);
  EXPECT_TRUE(last().marker);
}

TEST_F(RtpSessions, DropDigitsThatAreTooManyOrTooEarly) {
  session_.add_digits(now_, "123");
  EXPECT_EQ(session_.counters().digits_dropped, 3U);
  session_.agree(now_, plain());
  session_.add_digits(now_, std::string(500, '1'));
  EXPECT_EQ(session_.counters().digits_dropped, 3U + 500U - DigitWriter::kWaitingMax);
}

TEST_F(RtpSessions, TellDigitsOnce) {
  session_.agree(now_, plain());
  std::uint16_t sequence = 1;
  for (const std::uint32_t timestamp : {8000U, 16000U}) {
    for (std::uint16_t i = 1; i <= 8; ++i) {
      std::array<std::uint8_t, 4> payload{};
      write_event({.event = 7, .end = i > 5, .duration = static_cast<std::uint16_t>(i * 160)}, payload);
      if (i != 1) hear(packet(101, sequence, timestamp, payload));  // the first one is lost
      if (i == 4) hear(packet(101, sequence, timestamp, payload));
      ++sequence;
    }
  }
  EXPECT_EQ(ears_.digits, "77");
  hear(packet(101, sequence, 24000, Bytes{piece_}.first(3)));
  EXPECT_EQ(session_.counters().malformed, 1U);
}

TEST_F(RtpSessions, TakeDigitsUnderEithersType) {
  AgreedMedia agreed = plain();
  agreed.remote.event_type = 96;  // what they want to be sent
  agreed.our_event_type = 101;    // what they were told to send
  session_.agree(now_, agreed);
  const auto press = [&](std::uint8_t type, std::uint16_t sequence, std::uint32_t timestamp) {
    std::array<std::uint8_t, 4> payload{};
    write_event({.event = 5, .end = true, .duration = 800}, payload);
    hear(packet(type, sequence, timestamp, payload));
  };
  press(101, 1, 8000);
  press(96, 2, 16000);
  EXPECT_EQ(ears_.digits, "55");
  session_.add_digits(now_, "1");
  pass(milliseconds{100});
  EXPECT_EQ(last().payload_type, rtp::PayloadType{96});
}

TEST_F(RtpSessions, HearTheNewSourceAlone) {
  session_.agree(now_, plain());
  std::uint16_t sequence = 0;
  const auto both_speak = [&](int pieces) {
    for (int i = 0; i < pieces; ++i, ++sequence) {
      now_ += milliseconds{20};
      hear(packet(0, sequence, sequence * 160U, piece_, false, 1));
      hear(packet(0, sequence, 50'000 + sequence * 160U, piece_, false, 2));
    }
  };
  hear(packet(0, 0, 0, piece_, false, 1));
  both_speak(0);
  hear(packet(0, 0, 0, piece_, false, 2));  // takes its place
  both_speak(100);
  EXPECT_EQ(ears_.heard.size(), 102U);
  EXPECT_EQ(session_.counters().other_sources, 100U);
  now_ += seconds{2};
  hear(packet(0, 7, 7, piece_, false, 1));  // the new one has gone
  EXPECT_EQ(ears_.heard.size(), 103U);
}

TEST_F(RtpSessions, ReportNoLossWhereThereIsNone) {
  session_.agree(now_, plain());
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  const auto comes = [&](std::uint8_t type, std::size_t length) {
    now_ += milliseconds{20};
    hear(packet(type, sequence++, timestamp, Bytes{piece_}.first(length)));
    timestamp += 160;
  };
  for (int talk = 0; talk < 5; ++talk) {
    for (int i = 0; i < 10; ++i) comes(0, 160);
    for (int i = 0; i < 20; ++i) comes(13, 1);  // comfort noise
    for (int i = 0; i < 3; ++i) comes(18, 20);  // nothing that was agreed on
    for (std::uint16_t i = 1; i <= 8; ++i) {    // a digit: one timestamp
      now_ += milliseconds{20};
      std::array<std::uint8_t, 4> payload{};
      write_event({.event = 3, .end = i > 5, .duration = static_cast<std::uint16_t>(i * 160)}, payload);
      hear(packet(101, sequence++, timestamp, payload));
    }
    timestamp += 8 * 160;
  }
  pass(seconds{5});
  ASSERT_FALSE(wire_.rtcp.empty());
  rtcp::Reader reader{wire_.rtcp.front().bytes};
  const auto first = reader.next();
  ASSERT_TRUE(first && std::holds_alternative<rtcp::SenderReport>(*first));
  const auto& block = std::get<rtcp::SenderReport>(*first).blocks[0];
  EXPECT_EQ(block.fraction_lost, 0);
  EXPECT_EQ(block.cumulative_lost, 0);
  EXPECT_EQ(block.highest_sequence, sequence - 1U);
  EXPECT_LT(block.jitter, 20U);
}

TEST(Receptions, BeginAnewWhenTheNumbersDo) {
  for (const std::uint16_t anew : {std::uint16_t{100}, std::uint16_t{60'000}}) {
    Reception reception{rtp::Ssrc{1}};
    TimePoint now{seconds{1}};
    const auto hear = [&](std::uint16_t from, int packets) {
      for (int i = 0; i < packets; ++i, now += milliseconds{20}) {
        const auto sequence = static_cast<std::uint16_t>(from + i);
        reception.on_packet(now, sequence, sequence * 160U);
      }
    };
    hear(30'000, 500);
    hear(7, 1);  // one alone is not counted
    hear(30'500, 500);
    EXPECT_EQ(reception.report(now).cumulative_lost, 0);
    hear(anew, 500);
    const auto block = reception.report(now);
    EXPECT_EQ(block.cumulative_lost, 0);
    EXPECT_EQ(block.fraction_lost, 0);
    EXPECT_EQ(block.highest_sequence, anew + 499U);
    EXPECT_EQ(reception.received(), 499U);
  }
}

TEST_F(RtpSessions, Report) {
  session_.agree(now_, plain());
  for (std::uint16_t i = 0; i < 100; ++i) {
    now_ += milliseconds{20};
    speak(i * 160U);
    if (i % 4 != 3) hear(packet(0, i, i * 160U, piece_));  // a quarter is lost
  }
  pass(seconds{6});
  ASSERT_FALSE(wire_.rtcp.empty());
  EXPECT_EQ(wire_.rtcp[0].to, kThereRtcp);
  rtcp::Reader reader{wire_.rtcp[0].bytes};
  const auto first = reader.next();
  ASSERT_TRUE(first && std::holds_alternative<rtcp::SenderReport>(*first));
  const auto& report = std::get<rtcp::SenderReport>(*first);
  EXPECT_EQ(report.info.sender, rtp::Ssrc{42});
  ASSERT_EQ(report.blocks.size(), 1U);
  EXPECT_EQ(report.blocks[0].ssrc, rtp::Ssrc{77});
  EXPECT_NEAR(report.blocks[0].fraction_lost, 64, 4);
  EXPECT_LT(report.blocks[0].jitter, 20U);
  const auto second = reader.next();
  EXPECT_TRUE(second && std::holds_alternative<rtcp::Sdes>(*second));
  // The end says so, once, and is one.
  const std::size_t before = wire_.rtcp.size();
  session_.end(both());
  session_.end(both());
  ASSERT_EQ(wire_.rtcp.size(), before + 1);
  rtcp::Reader last_reader{wire_.rtcp.back().bytes};
  bool bye = false;
  while (const auto next = last_reader.next()) bye = bye || std::holds_alternative<rtcp::Bye>(*next);
  EXPECT_TRUE(bye);
  const std::size_t packets = wire_.rtp.size();
  speak(99999);
  hear(packet(0, 500, 500, piece_));
  pass(seconds{20});
  EXPECT_EQ(wire_.rtp.size(), packets);
  EXPECT_EQ(session_.next_timeout(), TimePoint::max());
}

TEST(SealedSessions, UnderstandEachOtherAndNobodyElse) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    test::SeededEntropy entropy{seed};
    const IpAddress here = IpAddress::v4(0x7F000001);
    MediaNegotiation caller{{.address = here, .port = 1000, .sealing = Sealing::Required}, entropy};
    MediaNegotiation callee{{.address = here, .port = 2000}, entropy};
    const auto answer = callee.answer(caller.offer(false), false);
    ASSERT_TRUE(answer.has_value());
    const auto agreed = caller.take_answer(answer->sdp);
    ASSERT_TRUE(agreed.has_value());
    Wire wire_a, wire_b;
    Ears ears_a, ears_b;
    RtpSession a{{.ssrc = rtp::Ssrc{1}, .sequence = 0x7FFE, .timestamp = 5, .cname = "a"}, wire_a, ears_a};
    RtpSession b{{.ssrc = rtp::Ssrc{2}, .sequence = 3, .timestamp = 5, .cname = "b"}, wire_b, ears_b};
    TimePoint now{seconds{100}};
    a.agree(now, *agreed);
    b.agree(now, answer->agreed);
    const std::vector<std::uint8_t> samples(160, 0x5A);
    for (std::uint32_t i = 0; i < 70'000 && i < 3000; ++i) {
      now += milliseconds{20};
      a.send(now, {.law = G711::Ulaw, .timestamp = i * 160, .samples = samples});
    }
    const SocketAddress from_a{.ip = here, .port = 1000};
    for (const Sent& sent : wire_a.rtp) {
      EXPECT_EQ(std::ranges::search(sent.bytes, samples).begin(), sent.bytes.end()) << "in clear";
      auto copy = sent.bytes;
      b.on_rtp(now, from_a, copy);
      copy = sent.bytes;
      b.on_rtp(now, from_a, copy);  // again: a replay
    }
    EXPECT_EQ(ears_b.heard.size(), 3001U);
    EXPECT_EQ(ears_b.heard.back().samples, samples);
    EXPECT_EQ(b.counters().unsealed, 3001U);
    auto clear = packet(0, 9, 9, samples);
    b.on_rtp(now, from_a, clear);
    EXPECT_EQ(ears_b.heard.size(), 3001U);
    // Reports are sealed as well, and agreeing again does not begin anew.
    a.agree(now, *agreed);
    a.send(now, {.law = G711::Ulaw, .timestamp = 999'999, .samples = samples});
    auto after = wire_a.rtp.back().bytes;
    b.on_rtp(now, from_a, after);
    EXPECT_EQ(ears_b.heard.size(), 3002U);
    a.poll({.mono = now + seconds{9}, .wall = WallTime{}});
    ASSERT_FALSE(wire_a.rtcp.empty());
    auto report = wire_a.rtcp.back().bytes;
    b.on_rtcp(now, {.ip = here, .port = 1001}, report);
    EXPECT_EQ(b.counters().malformed, 0U);
  }
}

/// One whose numbers have wrapped, and what it is told next.
class LongSealedCall : public testing::Test {
 protected:
  static AgreedMedia keyed(srtp::Profile profile, std::uint8_t seed, std::uint32_t tag) {
    const auto key = [&](std::uint8_t first) {
      std::array<std::uint8_t, srtp::kKeyBytesMax + srtp::kSaltBytesMax> bytes{};
      bytes.fill(first);
      SdesKey made{.tag = tag, .profile = profile, .master = {}};
      made.master.key = srtp::Secret<srtp::kKeyBytesMax>{Bytes{bytes}.first(srtp::key_bytes(profile))};
      made.master.salt = srtp::Secret<srtp::kSaltBytesMax>{Bytes{bytes}.first(srtp::salt_bytes(profile))};
      return made;
    };
    AgreedMedia agreed = plain();
    agreed.our_key = key(seed);
    agreed.remote.key = key(static_cast<std::uint8_t>(seed + 1));
    return agreed;
  }
  static AgreedMedia mirrored(AgreedMedia agreed) {
    std::swap(agreed.our_key, agreed.remote.key);
    return agreed;
  }
  void speak(int pieces) {
    const std::vector<std::uint8_t> samples(160, 0x5A);
    for (int i = 0; i < pieces; ++i, timestamp_ += 160) {
      now_ += milliseconds{20};
      a_.send(now_, {.law = G711::Ulaw, .timestamp = timestamp_, .samples = samples});
      bring();
    }
  }
  void bring() {
    for (Sent& sent : wire_a_.rtp) b_.on_rtp(now_, kThere, sent.bytes);
    wire_a_.rtp.clear();
  }
  const AgreedMedia first_ = keyed(srtp::Profile::Aes128CmSha1_80, 1, 4);
  TimePoint now_{seconds{100}};
  std::uint32_t timestamp_ = 0;
  Wire wire_a_, wire_b_;
  Ears ears_a_, ears_b_;
  RtpSession a_{{.ssrc = rtp::Ssrc{1}, .sequence = 0x7FFF, .timestamp = 5, .cname = "a"}, wire_a_, ears_a_};
  RtpSession b_{{.ssrc = rtp::Ssrc{2}, .sequence = 3, .timestamp = 5, .cname = "b"}, wire_b_, ears_b_};

  void SetUp() override {
    a_.agree(now_, first_);
    b_.agree(now_, mirrored(first_));
    speak(33'000);
    ASSERT_EQ(ears_b_.heard.size(), 33'001U);
  }
};

TEST_F(LongSealedCall, GoesOnUnderTheSameKeyWithAnotherTag) {
  b_.agree(now_, mirrored(keyed(srtp::Profile::Aes128CmSha1_80, 1, 1)));
  a_.agree(now_, keyed(srtp::Profile::Aes128CmSha1_80, 1, 1));
  speak(10);
  EXPECT_EQ(ears_b_.heard.size(), 33'011U);
  EXPECT_EQ(b_.counters().unsealed, 0U);
}

TEST_F(LongSealedCall, ReplaysStayRefusedAfterANewAgreement) {
  // As it was on the wire: what was opened is spoilt.
  const std::vector<std::uint8_t> samples(160, 0x5A);
  a_.send(now_, {.law = G711::Ulaw, .timestamp = timestamp_, .samples = samples});
  auto replay = wire_a_.rtp.back().bytes;
  bring();
  const std::size_t heard = ears_b_.heard.size();
  b_.agree(now_, mirrored(keyed(srtp::Profile::Aes128CmSha1_80, 1, 1)));
  b_.on_rtp(now_, kThere, replay);
  EXPECT_EQ(ears_b_.heard.size(), heard);
  EXPECT_EQ(b_.counters().unsealed, 1U);
}

TEST_F(LongSealedCall, BeginsItsCountOfWrapsAnewUnderANewKey) {
  const AgreedMedia other = keyed(srtp::Profile::AeadAes256Gcm, 9, 2);
  a_.agree(now_, other);
  b_.agree(now_, mirrored(other));
  speak(10);
  EXPECT_EQ(ears_b_.heard.size(), 33'011U);
}

// ---- silence of the other side
// ---------------------------------------------------------------------------------------

class Silence : public RtpSessions {
 protected:
  static constexpr Duration kMost = seconds{60};
  void hear_report() {
    std::array<std::uint8_t, 64> buffer{};
    ByteWriter writer{buffer};
    ASSERT_EQ(rtcp::write_receiver_report(writer, rtp::Ssrc{77}, {}), rtcp::Written::Yes);
    session_.on_rtcp(now_, kThereRtcp, MutableBytes{buffer}.first(writer.size()));
  }
};

TEST_F(Silence, IsToldOnceAndFromTheAnswerOn) {
  session_.agree(now_, plain());
  pass(minutes{10});
  EXPECT_EQ(wire_.silences, 0) << "who rings may be silent";
  session_.watch(now_, kMost);
  pass(kMost - milliseconds{1});
  EXPECT_EQ(wire_.silences, 0);
  pass(milliseconds{1});
  EXPECT_EQ(wire_.silences, 1);
  pass(hours{1});
  EXPECT_EQ(wire_.silences, 1);
}

TEST_F(Silence, EndsWithSoundAndReportsOfThatSideAlone) {
  session_.agree(now_, plain());
  session_.watch(now_, kMost);
  pass(seconds{50});
  hear(packet(0, 1, 0, piece_));
  pass(seconds{50});
  hear_report();
  pass(seconds{50});
  hear(packet(0, 2, 160, piece_), {.ip = IpAddress::v4(0xC0000299), .port = 1});  // a stranger
  hear({1, 2, 3});
  pass(seconds{10} - milliseconds{1});
  EXPECT_EQ(wire_.silences, 0);
  pass(milliseconds{1});
  EXPECT_EQ(wire_.silences, 1);
}

TEST_F(Silence, MayBeLongOnHold) {
  session_.agree(now_, plain());
  session_.watch(now_, kMost);
  session_.set_hold(now_, true);
  pass(hours{1});
  EXPECT_EQ(wire_.silences, 0) << "who never reports may be as silent as he likes";
  hear_report();
  pass(kMost * RtpSession::kHoldPatience - milliseconds{1});
  EXPECT_EQ(wire_.silences, 0);
  session_.set_hold(now_, false);
  pass(kMost - milliseconds{1});
  EXPECT_EQ(wire_.silences, 0) << "from the end of the hold on";
  AgreedMedia held = plain();
  held.remote.sends = false;
  session_.agree(now_, held);
  pass(kMost * RtpSession::kHoldPatience);
  EXPECT_EQ(wire_.silences, 1) << "theirs as well";
}

}  // namespace
}  // namespace zvonok::voip_sip
