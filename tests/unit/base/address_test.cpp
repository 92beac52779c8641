#include "base/address.h"

#include <set>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace zvonok {
namespace {

std::string round_trip(std::string_view text) {
  const auto ip = IpAddress::parse(text);
  return ip ? ip->to_text() : "refused";
}

TEST(IpAddress, PrintsWhatItParsedInTheFormOfRfc5952) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"0.0.0.0", "0.0.0.0"},
      {"192.0.2.1", "192.0.2.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:0db8::0001", "2001:db8::1"},
      {"2001:DB8::AbCd", "2001:db8::abcd"},
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"0:0:1:2:3:4:0:0", "::1:2:3:4:0:0"},
      {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
      {"::1.2.3.4", "::102:304"},
  };
  for (const auto& [text, expected] : table) {
    EXPECT_EQ(round_trip(text), expected) << text;
    EXPECT_EQ(round_trip(expected), expected) << expected;
  }
}

TEST(IpAddress, HasOneFormForAnIpv4AddressHoweverItIsWritten) {
  const IpAddress plain = *IpAddress::parse("127.0.0.1");
  for (const char* text : {"::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:ffff:7f00:0001", "0::ffff:127.0.0.1"}) {
    const auto mapped = IpAddress::parse(text);
    ASSERT_TRUE(mapped) << text;
    EXPECT_EQ(*mapped, plain) << text;
    EXPECT_EQ(mapped->family(), IpAddress::Family::V4);
    EXPECT_TRUE(mapped->is_loopback());
    EXPECT_EQ(std::hash<IpAddress>{}(*mapped), std::hash<IpAddress>{}(plain));
  }
  EXPECT_EQ(IpAddress::from_bytes(plain.v6_bytes()), plain);
  const std::array<std::uint8_t, 4> four{127, 0, 0, 1};
  EXPECT_EQ(IpAddress::from_bytes(four), plain);
  EXPECT_FALSE(IpAddress::from_bytes(Bytes{four}.first(3)));
  EXPECT_FALSE(IpAddress::from_bytes({}));
  EXPECT_NE(*IpAddress::parse("::127.0.0.1"), plain) << "not a mapped address";
}

TEST(IpAddress, RefusesEverythingElse) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "01.2.3.4",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.",
                           "1..3.4",
                           "+1.2.3.4",
                           "-1.2.3.4",
                           "0x1.2.3.4",
                           "1.2.3.4a",
                           ":",
                           ":::",
                           "1:2:3:4",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "::1%eth0",
                           "[::1]",
                           "::1/64",
                           "1:",
                           ":1",
                           "1:2:3:4:5:6:7:",
                           ":1:2:3:4:5:6:7",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "::1.2.3",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::+1",
                           "99999999999.1.1.1",
                           "localhost"}) {
    EXPECT_EQ(round_trip(text), "refused") << text;
  }
}

TEST(IpAddress, KnowsItsKind) {
  struct Row {
    const char* text;
    const char* kinds;  // u(nspecified) l(oopback) p(rivate) k (link-local)
  };
  for (const Row& row : {Row{"0.0.0.0", "u"},     Row{"::", "u"},
                         Row{"0.0.0.1", ""},      Row{"127.0.0.1", "l"},
                         Row{"127.255.0.9", "l"}, Row{"::1", "l"},
                         Row{"::2", ""},          Row{"10.1.2.3", "p"},
                         Row{"11.0.0.0", ""},     Row{"172.15.9.9", ""},
                         Row{"172.16.0.0", "p"},  Row{"172.31.255.255", "p"},
                         Row{"172.32.0.0", ""},   Row{"192.168.0.1", "p"},
                         Row{"192.169.0.1", ""},  Row{"100.63.255.255", ""},
                         Row{"100.64.0.0", "p"},  Row{"100.127.255.255", "p"},
                         Row{"100.128.0.0", ""},  Row{"169.254.1.1", "k"},
                         Row{"169.255.0.0", ""},  Row{"fe80::1", "k"},
                         Row{"febf::1", "k"},     Row{"fec0::1", ""},
                         Row{"fc00::1", "p"},     Row{"fdff::1", "p"},
                         Row{"fe00::1", ""},      Row{"8.8.8.8", ""},
                         Row{"2001:db8::1", ""},  Row{"::ffff:10.0.0.1", "p"}}) {
    const auto ip = IpAddress::parse(row.text);
    ASSERT_TRUE(ip) << row.text;
    std::string kinds;
    if (ip->is_unspecified()) kinds += 'u';
    if (ip->is_loopback()) kinds += 'l';
    if (ip->is_private()) kinds += 'p';
    if (ip->is_link_local()) kinds += 'k';
    EXPECT_EQ(kinds, row.kinds) << row.text;
  }
  EXPECT_TRUE(IpAddress{}.is_unspecified());
}

TEST(IpAddress, RandomAddressesSurviveTheirText) {
  constexpr std::uint64_t kSeed = 11;
  test::SeededEntropy entropy{kSeed};
  for (int round = 0; round < 20'000; ++round) {
    std::array<std::uint8_t, 17> bytes{};
    entropy.fill(bytes);
    for (std::size_t i = 0; i < 16; ++i) {
      if ((bytes[16] >> (i / 2) & 1) != 0) bytes[i] = 0;  // runs of zeros
    }
    const IpAddress ip = *IpAddress::from_bytes(Bytes{bytes}.first(round % 2 == 0 ? 16 : 4));
    ASSERT_EQ(IpAddress::parse(ip.to_text()), ip) << ip.to_text() << " seed " << kSeed << " round " << round;
    const SocketAddress at{ip, static_cast<std::uint16_t>(round)};
    ASSERT_EQ(SocketAddress::parse(at.to_text()), at) << at.to_text();
  }
}

TEST(SocketAddress, PrintsAndParsesWithItsPort) {
  EXPECT_EQ((SocketAddress{IpAddress::v4(0x01020304), 5}).to_text(), "1.2.3.4:5");
  EXPECT_EQ((SocketAddress{IpAddress::v6(0, 1), 65535}).to_text(), "[::1]:65535");
  EXPECT_EQ(SocketAddress::parse("[::ffff:1.2.3.4]:5"), (SocketAddress{IpAddress::v4(0x01020304), 5}));
  for (const char* text : {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:01", "::1:5",
                           "[1.2.3.4]:5", "[::1]5", "[::1]:", "[]:5", "[::1:5", "1.2.3.4:5:6", "[::1]:+5"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

TEST(SocketAddress, HashesSpreadOverTheBucketsOfATable) {
  // What a busy server sees: many ports of few addresses, and neighbouring addresses with the same port.
  std::unordered_set<std::size_t> hashes;
  std::vector<int> buckets(4096);
  std::size_t count = 0;
  const auto add = [&](const SocketAddress& at) {
    const std::size_t hash = std::hash<SocketAddress>{}(at);
    hashes.insert(hash);
    ++buckets[hash % buckets.size()];
    ++count;
  };
  for (std::uint32_t host = 0; host < 16; ++host) {
    for (std::uint32_t port = 0; port < 2048; ++port) {
      add({IpAddress::v4(0xCB007100 + host), static_cast<std::uint16_t>(32768 + port * 2)});
      add({IpAddress::v6(0x20010DB800000000 + port, host), 50000});
    }
  }
  EXPECT_EQ(hashes.size(), count);
  // 16 a bucket on average; a random function leaves none above 45 and few below 3.
  EXPECT_LT(*std::max_element(buckets.begin(), buckets.end()), 45);
  EXPECT_LT(std::count_if(buckets.begin(), buckets.end(), [](int n) { return n < 3; }), 5);
}

TEST(SocketAddress, HasATotalOrder) {
  const std::set<SocketAddress> set{{IpAddress::v6(0, 1), 1},
                                    {IpAddress::v4(1), 2},
                                    {IpAddress::v4(1), 1},
                                    {IpAddress::v4(2), 0},
                                    {IpAddress::v4(1), 2}};
  EXPECT_EQ(set.size(), 4U);
}

}  // namespace
}  // namespace zvonok
