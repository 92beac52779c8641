// The bytes that an external tunnel server is sent, against what another encoder made of the same messages, and what
// its answers mean.
#include "adapter/tunnel_xray/messages.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "adapter/tunnel_xray/server_config.h"
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
