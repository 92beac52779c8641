// Trunks by text, what refusals mean, how numbers are read.
#include "adapter/voip_sip/trunk.h"

#include <gtest/gtest.h>

#include "adapter/voip_sip/incoming.h"
#include "adapter/voip_sip/outcome.h"
#include "adapter/voip_sip/telephone_event.h"

namespace zvonok::voip_sip {
namespace {

using call::phone::Over;
using call::phone::ProviderFault;

TEST(TrunkServer, IsReadWithItsPortAndTransport) {
  struct Case {
    std::string_view text, host;
    std::uint16_t port;
    Transport transport;
  };
  for (const Case& c :
       {Case{"sip.example.org", "sip.example.org", 5060, Transport::Udp},
        Case{"sip:sip.example.org", "sip.example.org", 5060, Transport::Udp},
        Case{"10.0.0.5:5080", "10.0.0.5", 5080, Transport::Udp},
        Case{"sip:a.b;transport=tcp", "a.b", 5060, Transport::Tcp},
        Case{"sip:a.b:99;transport=tls", "a.b", 99, Transport::Tls}, Case{"sips:a.b", "a.b", 5061, Transport::Tls},
        Case{"sip:[2001:db8::1]:5062", "[2001:db8::1]", 5062, Transport::Udp},
        Case{"[2001:db8::1]", "[2001:db8::1]", 5060, Transport::Udp}}) {
    Trunk trunk;
    ASSERT_TRUE(read_server(c.text, trunk).has_value()) << c.text;
    EXPECT_EQ(trunk.host, c.host) << c.text;
    EXPECT_EQ(trunk.port, c.port) << c.text;
    EXPECT_EQ(trunk.transport, c.transport) << c.text;
  }
  for (const std::string_view wrong :
       {"", "sip:", "http://a.b", "a b", "a.b:0", "a.b:70000", "a.b:x", "sip:me@a.b", "a.b;transport=sctp", "a.b;lr",
        "2001:db8::1", "[2001:db8::1", "[x]:5060", "a.b\r\nX: y", "a.b>", "[2001:db8::1]x"}) {
    Trunk trunk;
    EXPECT_FALSE(read_server(wrong, trunk).has_value()) << wrong;
  }
}

TEST(Trunks, AreReadFromJson) {
  const auto trunks = parse_trunks(R"([
    {"server": "sip:one.example.org"},
    {"name": "pbx", "server": "sip:10.0.0.5;transport=tcp", "user": "me", "password": "p w\"d", "domain": "pbx.example",
     "register": true, "from_number": "+4930123456", "plus": false, "srtp": "required", "codecs": ["PCMA", "PCMU"],
     "sources": ["10.0.0.6", "2001:db8::9"], "calls_max": 7}])");
  ASSERT_TRUE(trunks.has_value()) << trunks.error();
  ASSERT_EQ(trunks->size(), 2U);
  EXPECT_EQ((*trunks)[0].name, "trunk-1");
  EXPECT_EQ((*trunks)[0].realm_domain(), "one.example.org");
  const Trunk& pbx = (*trunks)[1];
  EXPECT_EQ(pbx.password.reveal(), "p w\"d");
  EXPECT_TRUE(pbx.registers && !pbx.plus);
  EXPECT_EQ(pbx.sealing, Sealing::Required);
  EXPECT_EQ(pbx.laws.front(), port::G711::Alaw);
  EXPECT_EQ(pbx.sources.size(), 2U);
  EXPECT_EQ(pbx.calls_max, 7U);
}

TEST(Trunks, SayWhichMemberIsWrongAndNotItsValue) {
  for (const auto& [json, member] : std::vector<std::pair<std::string, std::string>>{
           {"", "list"},
           {"{}", "list"},
           {"[]", "list"},
           {"[7]", "object"},
           {"[{}]", "server"},
           {R"([{"server": 7}])", "server"},
           {R"([{"server": "hunter2 x"}])", "server"},
           {R"([{"server": "a.b", "user": "hunter2\r\nX: y"}])", "user"},
           {R"([{"server": "a.b", "user": "hunter2@x"}])", "user"},
           {R"([{"server": "a.b", "password": ["hunter2"]}])", "password"},
           {R"([{"server": "a.b", "password": "hunter2:x"}])", "password"},
           {R"([{"server": "a.b", "domain": "hunter2>"}])", "domain"},
           {R"([{"server": "a.b", "from_number": "hunter2\""}])", "from_number"},
           {R"([{"server": "a.b", "register": "hunter2"}])", "register"},
           {R"([{"server": "a.b", "register": true}])", "user"},
           {R"([{"server": "a.b", "codecs": ["hunter2"]}])", "codecs"},
           {R"([{"server": "a.b", "codecs": []}])", "codecs"},
           {R"([{"server": "a.b", "sources": ["hunter2"]}])", "sources"},
           {R"([{"server": "a.b", "srtp": "hunter2"}])", "srtp"},
           {R"([{"server": "a.b", "calls_max": 0}])", "calls_max"},
           {R"([{"server": "a.b", "passwort": "hunter2"}])", "passwort"},
           {R"([{"server": "a.b", "name": "x"}, {"server": "a.b", "name": "x"}])", "two trunks"}}) {
    const auto trunks = parse_trunks(json);
    ASSERT_FALSE(trunks.has_value()) << json;
    EXPECT_NE(trunks.error().find(member), std::string::npos) << trunks.error();
    EXPECT_EQ(trunks.error().find("hunter2"), std::string::npos) << trunks.error();
  }
  std::string many = "[";
  for (int i = 0; i < 33; ++i) many += std::string{i == 0 ? "" : ","} + R"({"server": "a.b"})";
  EXPECT_FALSE(parse_trunks(many + "]").has_value());
}

TEST(Refusals, MeanWhatTheTableSays) {
  struct Case {
    Refused refused;
    bool rang;
    Over::How how;
    ProviderFault fault;
    bool another;
  };
  const auto by = [](int status, std::optional<int> cause = std::nullopt) {
    return Refused{.dialog = {}, .status = status, .by_peer = true, .cause = cause};
  };
  using How = Over::How;
  for (const Case& c : {Case{by(486), false, How::Busy, {}, false},
                        Case{by(600), true, How::Busy, {}, false},
                        Case{by(603), true, How::Busy, {}, false},
                        Case{by(480), true, How::NoAnswer, {}, false},
                        Case{by(487), true, How::NoAnswer, {}, false},
                        Case{by(408), true, How::NoAnswer, {}, false},
                        Case{by(408), false, How::Failed, ProviderFault::Unreachable, true},
                        Case{by(404), false, How::Failed, ProviderFault::BadNumber, false},
                        Case{by(484), false, How::Failed, ProviderFault::BadNumber, false},
                        Case{by(403), false, How::Failed, ProviderFault::BadNumber, false},
                        Case{by(401), false, How::Failed, ProviderFault::Unauthorized, true},
                        Case{by(407), false, How::Failed, ProviderFault::Unauthorized, true},
                        Case{by(429), false, How::Failed, ProviderFault::RateLimited, true},
                        Case{by(500), false, How::Failed, ProviderFault::Other, true},
                        Case{by(503), false, How::Failed, ProviderFault::Other, true},
                        Case{by(302), false, How::Failed, ProviderFault::Other, false},
                        Case{by(488), false, How::Failed, ProviderFault::Other, false},
                        Case{by(606), false, How::Failed, ProviderFault::Other, false},
                        Case{by(503, 17), false, How::Busy, {}, false},
                        Case{by(480, 1), false, How::Failed, ProviderFault::BadNumber, false},
                        Case{by(480, 17), false, How::Busy, {}, false},
                        Case{by(404, 34), false, How::Failed, ProviderFault::Other, true},
                        Case{by(486, 99), false, How::Busy, {}, false},
                        Case{Refused{.dialog = {}, .status = 408, .by_peer = false, .cause = {}}, false, How::Failed,
                             ProviderFault::Unreachable, true}}) {
    const Verdict verdict = verdict_of(c.refused, c.rang);
    EXPECT_EQ(verdict.over.how, c.how) << c.refused.status;
    if (c.how == How::Failed) {
      EXPECT_EQ(verdict.over.fault, c.fault) << c.refused.status;
    }
    EXPECT_EQ(verdict.another_trunk, c.another) << c.refused.status;
  }
}

TEST(IncomingNumbers, AreE164WhereThatCanBeTold) {
  Trunk with_plus;
  Trunk without;
  without.plus = false;
  EXPECT_EQ(number_from("+491512345678", with_plus), "+491512345678");
  EXPECT_EQ(number_from("00491512345678", with_plus), "+491512345678");
  EXPECT_EQ(number_from("+49-151-2345678", with_plus), "+491512345678");
  EXPECT_EQ(number_from("+491512345678;npdi", with_plus), "+491512345678");
  EXPECT_EQ(number_from("491512345678", without), "+491512345678");
  EXPECT_EQ(number_from("491512345678", with_plus), "491512345678");
  EXPECT_EQ(number_from("100", with_plus), "100");
  EXPECT_EQ(number_from("alice", with_plus), "alice");
  EXPECT_EQ(number_from("anonymous", with_plus), "");
  EXPECT_EQ(number_from("", with_plus), "");
  EXPECT_EQ(number_from("a\r\nb \x01\xFF", with_plus), "ab");
  EXPECT_LE(number_from(std::string(500, '1'), with_plus).size(), call::phone::kIncomingTextBytesMax);
}

TEST(Digits, AreReadOnceWhateverIsLostOrLate) {
  DigitReader reader;
  EXPECT_EQ(reader.on_packet(1000, {.event = 1, .duration = 160}), '1');
  EXPECT_EQ(reader.on_packet(1000, {.event = 1, .end = true, .duration = 800}), std::nullopt);
  EXPECT_EQ(reader.on_packet(3000, {.event = 11, .duration = 160}), '#');
  EXPECT_EQ(reader.on_packet(1000, {.event = 1, .end = true, .duration = 800}), std::nullopt) << "late";
  EXPECT_EQ(reader.on_packet(3000 + 0xFFFF, {.event = 11, .duration = 160}), '#') << "the first one was short";
  DigitReader long_one;
  EXPECT_EQ(long_one.on_packet(0, {.event = 2, .duration = 0xFFFF}), '2');
  EXPECT_EQ(long_one.on_packet(0xFFFF, {.event = 2, .duration = 160}), std::nullopt) << "the same key, still pressed";
  EXPECT_EQ(reader.on_packet(5, {.event = 16}), std::nullopt) << "flash is no digit";
  DigitReader wraps;
  EXPECT_EQ(wraps.on_packet(0xFFFFFF00, {.event = 3, .duration = 160}), '3');
  EXPECT_EQ(wraps.on_packet(0x00000500, {.event = 3, .duration = 160}), '3');
}

TEST(Digits, AreWrittenWithPausesBetween) {
  DigitWriter writer;
  EXPECT_TRUE(writer.add('1'));
  EXPECT_TRUE(writer.add(','));
  EXPECT_TRUE(writer.add('2'));
  EXPECT_FALSE(writer.add('x'));
  TimePoint now{seconds{9}};
  std::vector<std::pair<Duration, TelephoneEvent>> packets;
  const TimePoint began = now;
  while (!writer.empty()) {
    now = std::max(now, writer.next());
    while (const auto packet = writer.poll(now)) packets.emplace_back(now - began, packet->event);
  }
  ASSERT_EQ(packets.size(), 18U);
  EXPECT_EQ(packets[8].second.end, true);
  EXPECT_EQ(packets[6].second.duration, packets[8].second.duration);
  EXPECT_EQ(packets[9].second.event, 2);
  EXPECT_EQ(packets[9].first - packets[8].first, DigitWriter::kPause + DigitWriter::kComma);
}

}  // namespace
}  // namespace zvonok::voip_sip
