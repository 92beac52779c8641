#include "app/media/advertised.h"

#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/turn_probe.h"
#include "net/stun_query.h"

namespace zvonok::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}
std::vector<IpAddress> ips(const std::vector<const char*>& texts) {
  std::vector<IpAddress> out;
  for (const char* text : texts) out.push_back(ip(text));
  return out;
}
std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> out;
  for (const IpAddress& address : addresses) out.push_back(address.to_text());
  return out;
}

constexpr auto kPublic = AddressFacts::Listen::Public;
constexpr auto kLoopback = AddressFacts::Listen::Loopback;

struct Case {
  const char* what;
  AddressFacts facts;
  bool asks;
  std::vector<std::string> advertised;
  const char* doubt;  // part of it; "" when there is none
};

TEST(AdvertisedAddresses, AreChosenAndDoubted) {
  const std::vector<Case> cases{
      {"a public machine", {{}, ips({"8.8.4.4", "2001:4860::1"}), {}, kPublic}, false, {"8.8.4.4", "2001:4860::1"}, ""},
      {"behind NAT", {{}, ips({"192.168.1.5"}), {}, kPublic}, true, {"192.168.1.5"}, "private addresses only"},
      {"behind NAT, and asked",
       {{}, ips({"192.168.1.5"}), ip("8.8.4.4"), kPublic},
       true,
       {"8.8.4.4", "192.168.1.5"},
       ""},
      {"asked, and no NAT at all", {{}, ips({"10.0.0.1"}), ip("10.0.0.1"), kPublic}, true, {"10.0.0.1"}, "private"},
      {"no network", {{}, ips({"127.0.0.1"}), {}, kPublic}, true, {"127.0.0.1"}, "loopback addresses only"},
      {"for this machine alone", {{}, ips({"127.0.0.1"}), {}, kLoopback}, true, {"127.0.0.1"}, ""},
      {"a proxy in front", {{}, ips({"10.0.0.1"}), {}, kLoopback}, true, {"10.0.0.1"}, ""},
      {"configured behind NAT", {ips({"8.8.4.4"}), ips({"10.0.0.1"}), {}, kPublic}, false, {"8.8.4.4"}, ""},
      {"several configured",
       {ips({"8.8.4.4", "10.0.0.1", "2001:4860::1"}), ips({"10.0.0.1"}), {}, kPublic},
       false,
       {"8.8.4.4", "10.0.0.1", "2001:4860::1"},
       ""},
      {"a typing error",
       {ips({"8.8.4.5"}), ips({"8.8.4.4"}), {}, kPublic},
       false,
       {"8.8.4.5"},
       "8.8.4.5 in MEDIA_ADVERTISED_IP is not of this machine"},
      {"of the other family", {ips({"2001:4860::1"}), ips({"8.8.4.4"}), {}, kPublic}, false, {"2001:4860::1"}, ""},
      {"the address of no machine",
       {ips({"0.0.0.0", "8.8.4.4"}), ips({"8.8.4.4"}), {}, kPublic},
       false,
       {"0.0.0.0", "8.8.4.4"},
       "0.0.0.0 in MEDIA_ADVERTISED_IP is no address"},
      {"loopback configured", {ips({"127.0.0.1"}), ips({"8.8.4.4"}), {}, kPublic}, false, {"127.0.0.1"}, "loopback"},
      {"private configured", {ips({"10.0.0.9"}), ips({"10.0.0.1"}), {}, kPublic}, false, {"10.0.0.9"}, "private"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(needs_discovery(c.facts), c.asks);
    const AdvertisedAddresses chosen = choose_addresses(c.facts);
    EXPECT_EQ(texts(chosen.addresses), c.advertised);
    if (*c.doubt == '\0') {
      EXPECT_THAT(chosen.doubts, IsEmpty());
    } else {
      ASSERT_EQ(chosen.doubts.size(), 1U);
      EXPECT_THAT(chosen.doubts[0].text, HasSubstr(c.doubt));
      EXPECT_FALSE(chosen.doubts[0].advice.empty());
    }
  }
}

TEST(AdvertisedAddresses, GiveOneStunUrlOfEachFamily) {
  EXPECT_THAT(stun_urls_of(ips({"2001:4860::1", "8.8.4.4", "8.8.8.8"}), 3478),
              ElementsAre("stun:8.8.4.4:3478", "stun:[2001:4860::1]:3478"));
  EXPECT_THAT(stun_urls_of({}, 3478), IsEmpty());
}

TEST(ResolveUdp, ReadsNumericAddressesWithAndWithoutPort) {
  const std::vector<std::pair<const char*, const char*>> cases{{"192.0.2.1", "192.0.2.1:3478"},
                                                               {"192.0.2.1:19302", "192.0.2.1:19302"},
                                                               {"[2001:db8::1]", "[2001:db8::1]:3478"},
                                                               {"2001:db8::1", "[2001:db8::1]:3478"},
                                                               {"[2001:db8::1]:5", "[2001:db8::1]:5"}};
  for (const auto& [text, expected] : cases) {
    const auto resolved = net::resolve_udp(text, 3478);
    ASSERT_TRUE(resolved) << text << ": " << resolved.error();
    EXPECT_EQ(resolved->to_text(), expected) << text;
  }
  for (const char* bad : {"192.0.2.1:0", "192.0.2.1:70000", "192.0.2.1:x", "192.0.2.1:"}) {
    EXPECT_FALSE(net::resolve_udp(bad, 3478)) << bad;
  }
}

TEST(TurnUrl, IsTakenApart) {
  const auto plain = parse_turn_url("turn:turn.example.org:3478");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host_and_port, "turn.example.org:3478");
  EXPECT_EQ(plain->transport, ice::Protocol::Udp);
  EXPECT_EQ(plain->security, TurnUrl::Security::Plain);
  EXPECT_EQ(parse_turn_url("turn:[2001:db8::1]:5?transport=tcp")->transport, ice::Protocol::Tcp);
  EXPECT_EQ(parse_turn_url("turn:turn.example.org?transport=udp")->transport, ice::Protocol::Udp);
  EXPECT_EQ(parse_turn_url("turns:turn.example.org")->security, TurnUrl::Security::Tls);
  for (const char* bad : {"stun:turn.example.org", "turn:", "turn:?transport=tcp", "turn:a?transport=sctp", ""}) {
    EXPECT_FALSE(parse_turn_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace zvonok::app
