// The bytes that an external tunnel server is sent, against what another encoder made of the same messages, and what
// its answers mean.
#include "adapter/tunnel_xray/messages.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "adapter/tunnel_xray/server_config.h"
#include "adapter/tunnel_xray/stats_messages.h"
#include "adapter/tunnel_xray/user_api.h"

namespace zvonok::tunnel_xray {
namespace {

using namespace std::string_literals;

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 0x0F]);
  }
  return out;
}

const TunnelUser kUser{.email = "zvonok.node.0c", .id = Private<std::string>{"b831381d-6324-4d53-ad4f-8cda48b30811"}};

TEST(Messages, AddUserForXrayHasTheTypesAndFieldsOfItsServer) {
  EXPECT_EQ(hex(add_user_request(Flavour::Xray, "calls-in", kUser)),
            "0a0863616c6c732d696e128a010a2a787261792e6170702e70726f78796d616e2e636f6d6d616e642e416464557365724f70"
            "65726174696f6e125c0a5a120e7a766f6e6f6b2e6e6f64652e30631a480a18787261792e70726f78792e766c6573732e4163"
            "636f756e74122c0a2462383331333831642d363332342d346435332d616434662d3863646134386233303831311a046e6f6e"
            "65");
}

TEST(Messages, AddUserForV2rayHasTheTypesAndFieldsOfItsServer) {
  EXPECT_EQ(hex(add_user_request(Flavour::V2ray, "calls-in", kUser)),
            "0a0863616c6c732d696e1296010a3076327261792e636f72652e6170702e70726f78796d616e2e636f6d6d616e642e416464"
            "557365724f7065726174696f6e12620a60120e7a766f6e6f6b2e6e6f64652e30631a4e0a1e76327261792e636f72652e7072"
            "6f78792e766c6573732e4163636f756e74122c0a2462383331333831642d363332342d346435332d616434662d3863646134"
            "386233303831311a046e6f6e65");
}

TEST(Messages, RemoveUserHasTheTypesAndFieldsOfItsServer) {
  EXPECT_EQ(hex(remove_user_request(Flavour::Xray, "calls-in", kUser.email)),
            "0a0863616c6c732d696e12410a2d787261792e6170702e70726f78796d616e2e636f6d6d616e642e52656d6f766555736572"
            "4f7065726174696f6e12100a0e7a766f6e6f6b2e6e6f64652e3063");
  EXPECT_EQ(hex(remove_user_request(Flavour::V2ray, "calls-in", kUser.email)),
            "0a0863616c6c732d696e12470a3376327261792e636f72652e6170702e70726f78796d616e2e636f6d6d616e642e52656d6f"
            "7665557365724f7065726174696f6e12100a0e7a766f6e6f6b2e6e6f64652e3063");
}

TEST(Messages, LengthsOverSevenBitsTakeTwoBytes) {
  const std::string tag(300, 'x');
  const std::string bytes = remove_user_request(Flavour::Xray, tag, "e");
  EXPECT_EQ(hex(bytes.substr(0, 3)), "0aac02");
  EXPECT_EQ(bytes.substr(3, 300), tag);
}

TEST(Messages, AFrameHasItsLengthInFront) {
  EXPECT_EQ(frame("abc"), "\0\0\0\0\3abc"s);
  EXPECT_EQ(frame(std::string(0x10203, 'x')).substr(0, 5), "\0\0\1\2\3"s);
}

TEST(Messages, StatusTextsAreUnescaped) {
  EXPECT_EQ(unescape_status("User a%20b already%3a exists"), "User a b already: exists");
  EXPECT_EQ(unescape_status("100%"), "100%");
  EXPECT_EQ(unescape_status("%zz%4"), "%zz%4");
}

TEST(Messages, TheServersTextsAreUnderstood) {
  struct Case {
    int code;
    std::string text;
    ApiStatus status;
  };
  for (const Case& c : {
           Case{0, "", ApiStatus::Done},
           Case{2, "proxy/vless: User a@b already exists.", ApiStatus::AlreadyExists},
           Case{2, "proxy/vless: User a@b not found.", ApiStatus::NotFound},
           // An inbound that is not there is no user that is not there.
           Case{2, "failed to get handler: x > handler not found: x", ApiStatus::Refused},
           Case{2, "failed to parse user: invalid UUID", ApiStatus::Refused},
           Case{12, "unknown service", ApiStatus::Refused},
           Case{14, "refused", ApiStatus::Unavailable},
           Case{7, "", ApiStatus::Refused},
       }) {
    EXPECT_EQ(read_status({.code = static_cast<GrpcCode>(c.code), .message = c.text}).status, c.status)
        << c.code << " " << c.text;
  }
}

// ---- statistics -----------------------------------------------------------------------------------------------------

TEST(Stats, TheQuestionHasTheFieldsOfItsServer) {
  EXPECT_EQ(hex(query_stats_request("z.0", Reset::No)), "0a0a757365723e3e3e7a2e30");
  EXPECT_EQ(hex(query_stats_request("z.0", Reset::Yes)), "0a0a757365723e3e3e7a2e301001");
  EXPECT_EQ(query_stats_path(Flavour::Xray), "/xray.app.stats.command.StatsService/QueryStats");
  EXPECT_EQ(query_stats_path(Flavour::V2ray), "/v2ray.core.app.stats.command.StatsService/QueryStats");
}

std::string stat(std::string_view name, std::string_view value) {
  std::string inner = "\x0a"s + static_cast<char>(name.size()) + std::string{name} + std::string{value};
  return "\x0a"s + static_cast<char>(inner.size()) + inner;
}

TEST(Stats, TheAnswerIsReadAndOtherCountersArePassedOver) {
  const std::string message = stat("user>>>z.0c>>>traffic>>>uplink", "\x10\xac\x02") +
                              stat("inbound>>>api>>>traffic>>>uplink", "\x10\x07") +
                              stat("user>>>z.0p>>>traffic>>>downlink", "") +  // zero is not written
                              stat("user>>>z.0p>>>online", "\x10\x01") +
                              stat("user>>>Z.1c>>>traffic>>>downlink", "\x10\x01\x18\x05\x25zzzz\x31zzzzzzzz");
  const auto counters = read_query_stats(frame(message));
  ASSERT_TRUE(counters) << counters.error();
  EXPECT_EQ(*counters, (std::vector<TrafficCounter>{{.email = "z.0c", .way = TrafficWay::Uplink, .bytes = 300},
                                                    {.email = "z.0p", .way = TrafficWay::Downlink, .bytes = 0},
                                                    {.email = "Z.1c", .way = TrafficWay::Downlink, .bytes = 1}}));
  EXPECT_EQ(read_query_stats(frame("")), std::vector<TrafficCounter>{});
}

TEST(Stats, ANegativeCounterIsNobodysTraffic) {
  const auto counters =
      read_query_stats(frame(stat("user>>>a>>>traffic>>>uplink", "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")));
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->at(0).bytes, 0);
}

TEST(Stats, BrokenAnswersAreRefused) {
  const std::string good = stat("user>>>a>>>traffic>>>uplink", "\x10\x05");
  const std::string framed = frame(good);
  for (std::size_t cut = 0; cut < framed.size(); ++cut) EXPECT_FALSE(read_query_stats(framed.substr(0, cut))) << cut;
  for (std::size_t cut = 1; cut < good.size(); ++cut) EXPECT_FALSE(read_query_stats(frame(good.substr(0, cut)))) << cut;
  EXPECT_FALSE(read_query_stats(framed + "x"));
  EXPECT_FALSE(read_query_stats("\1" + framed.substr(1))) << "compressed";
  EXPECT_FALSE(read_query_stats(frame("\x0a\x02\x10\xff"))) << "a number without an end";
  EXPECT_FALSE(read_query_stats(frame("\x0b"))) << "a group";
  EXPECT_FALSE(read_query_stats(frame("\x02\x01x"))) << "field 0";
  EXPECT_FALSE(read_query_stats(frame(std::string(11, '\xff')))) << "a number of eleven bytes";
}

TEST(Stats, NamesOfCountersAreUnderstood) {
  EXPECT_EQ(parse_counter_name("user>>>a>>>b>>>traffic>>>uplink")->email, "a>>>b");
  for (const char* name : {"", "user>>>", "user>>>traffic>>>uplink", "user>>>>>>traffic>>>uplink", "user>>>a>>>online",
                           "inbound>>>a>>>traffic>>>uplink", "user>>>a>>>traffic>>>uplink "}) {
    EXPECT_FALSE(parse_counter_name(name)) << name;
  }
}

TEST(Stats, TheServersWordsAreUnderstood) {
  const auto read = [](int code, std::string text) {
    return read_stats_status({.code = static_cast<GrpcCode>(code), .message = std::move(text)});
  };
  EXPECT_EQ(read(0, "").status, ApiStatus::Done);
  EXPECT_EQ(read(14, "refused").status, ApiStatus::Unavailable);
  EXPECT_EQ(read(2, "QueryStats only works its own stats.Manager.").status, ApiStatus::Refused);
  EXPECT_NE(read(12, "unknown service").detail.find("StatsService"), std::string::npos);
}

TEST(ServerConfig, CountsWhatUsersSendAndGet) {
  ServerConfig config;
  config.media = *SocketAddress::parse("203.0.113.7:3478");
  for (const Flavour flavour : {Flavour::Xray, Flavour::V2ray}) {
    config.flavour = flavour;
    const std::string text = print_server_config(config);
    for (const char* part : {R"("services":["HandlerService","StatsService"])", R"("stats":{})",
                             R"("statsUserUplink":true,"statsUserDownlink":true)"}) {
      EXPECT_NE(text.find(part), std::string::npos) << part;
    }
  }
}

TEST(ServerConfig, LetsThroughTheMediaEndpointOnly) {
  ServerConfig config;
  config.media = *SocketAddress::parse("203.0.113.7:3478");
  config.certificate_file = "cert.pem";
  config.key_file = "key.pem";
  const std::string xray = print_server_config(config);
  // The default way, the first one, leads nowhere.
  EXPECT_LT(xray.find(R"("protocol":"blackhole")"), xray.find(R"("protocol":"freedom")"));
  EXPECT_NE(xray.find(R"("ip":["203.0.113.7/32"],"port":"3478","outboundTag":"media")"), std::string::npos);
  EXPECT_NE(xray.find(R"("tag":"api-in","listen":"127.0.0.1")"), std::string::npos);
  EXPECT_NE(xray.find(R"("finalRules":[{"action":"allow","network":"tcp,udp","ip":["203.0.113.7/32"],"port":"3478"},)"
                      R"({"action":"block"}])"),
            std::string::npos);
  EXPECT_NE(xray.find(R"("security":"tls")"), std::string::npos);
  config.flavour = Flavour::V2ray;
  EXPECT_EQ(print_server_config(config).find("finalRules"), std::string::npos);
}

}  // namespace
}  // namespace zvonok::tunnel_xray
