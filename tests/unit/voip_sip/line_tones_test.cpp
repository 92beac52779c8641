// Digits within the sound, where no telephone events were agreed on: sent and read.
#include "proto/dtmf/dtmf.h"
#include "proto/g711/g711.h"
#include "unit/voip_sip/rtp_world.h"

namespace zvonok::voip_sip {
namespace {

AgreedMedia without_events(G711 law = G711::Ulaw) {
  AgreedMedia agreed = plain(law);
  agreed.remote.event_type.reset();
  return agreed;
}

TEST_F(RtpSessions, SendDigitsAsTonesToWhoTakesNoEvents) {
  for (const G711 law : {G711::Ulaw, G711::Alaw}) {
    session_.agree(now_, without_events(law));
    now_ += milliseconds{40};
    speak(0, true, law);
    const std::uint32_t before = last().timestamp;
    wire_.rtp.clear();
    now_ += milliseconds{20};
    session_.add_digits(now_, "4,#");
    pass(Duration::zero());
    speak(320, false, law);
    EXPECT_EQ(wire_.rtp.size(), 1U) << "the key sounds in place of speech";
    pass(seconds{1});
    dtmf::ToneReader reader;
    std::string keys;
    ASSERT_EQ(wire_.rtp.size(), 10U + 25U + 10U) << "steadily, to the end of the last pause";
    for (std::size_t i = 0; i < wire_.rtp.size(); ++i) {
      const auto view = sent(i);
      EXPECT_EQ(view.payload_type, rtp::PayloadType{law == G711::Ulaw ? std::uint8_t{0} : std::uint8_t{8}});
      EXPECT_EQ(view.marker, i == 0);
      EXPECT_EQ(view.timestamp, before + 160 + 160 * i);
      EXPECT_EQ(static_cast<std::uint16_t>(view.sequence - sent(0).sequence), i);
      std::array<std::int16_t, 160> samples{};
      g711::decode(law == G711::Ulaw ? g711::Law::Ulaw : g711::Law::Alaw, view.body, samples);
      keys += reader.read(samples);
    }
    EXPECT_EQ(keys, "4#");
    // Speech goes on where the clock is by now.
    speak(320 + 160 * 52, false, law);
    EXPECT_TRUE(last().marker);
    EXPECT_NEAR(static_cast<double>(last().timestamp - before), 160 + 8000, 160);
    wire_.rtp.clear();
  }
  EXPECT_EQ(session_.counters().tones_sent, 4U);
  EXPECT_EQ(session_.counters().digits_dropped, 0U);
  session_.add_digits(now_, std::string(500, '1'));
  EXPECT_EQ(session_.counters().digits_dropped, 500U - dtmf::ToneWriter::kWaitingMax);
}

class Tones : public RtpSessions {
 protected:
  /// The telephone presses keys; `lost`: which of its packets are.
  void press(std::string_view keys, const std::vector<int>& lost = {}) {
    dtmf::ToneWriter writer;
    for (const char key : keys) (void)writer.add(key);
    for (int i = 0; writer.is_sending(); ++i) {
      std::array<std::int16_t, 160> samples{};
      (void)writer.write(samples);
      std::vector<std::uint8_t> bytes(samples.size());
      g711::encode(g711::Law::Ulaw, samples, bytes);
      now_ += milliseconds{20};
      if (std::ranges::count(lost, i) == 0) hear(packet(0, sequence_, timestamp_, bytes));
      ++sequence_;
      timestamp_ += 160;
    }
  }
  std::uint16_t sequence_ = 1;
  std::uint32_t timestamp_ = 0xFFFFF000;
};

TEST_F(Tones, AreDigitsOfWhoSendsNoEvents) {
  session_.agree(now_, without_events());
  press("0123456789*#ABCD");
  EXPECT_EQ(ears_.digits, "0123456789*#ABCD");
  EXPECT_EQ(session_.counters().tones_heard, 16U);
  EXPECT_EQ(ears_.heard.size(), 160U) << "and sound all the same";
}

TEST_F(Tones, AreOneDigitThroughALoss) {
  session_.agree(now_, without_events());
  press("77", {2, 12});
  EXPECT_EQ(ears_.digits, "77");
  timestamp_ += 8000;  // silence that was not sent
  press("7");
  EXPECT_EQ(ears_.digits, "777");
}

TEST_F(Tones, AreSoundOfWhoSendsEvents) {
  session_.agree(now_, plain());
  press("12");
  EXPECT_EQ(ears_.digits, "");
  // Of one that did not say so, too.
  AgreedMedia silent = without_events();
  silent.our_event_type = 101;
  session_.agree(now_, silent);
  std::array<std::uint8_t, 4> payload{};
  write_event({.event = 5, .end = true, .duration = 800}, payload);
  hear(packet(101, sequence_++, timestamp_, payload));
  press("34");
  EXPECT_EQ(ears_.digits, "5");
}

TEST_F(Tones, OnHoldAreHeardByNobody) {
  session_.agree(now_, without_events());
  session_.set_hold(now_, true);
  press("12");
  EXPECT_EQ(ears_.digits, "");
}

}  // namespace
}  // namespace zvonok::voip_sip
