// Whom DNS makes a trunk of, over hours in which it changes and fails, in virtual time.
#include "adapter/voip_sip/trunk_addresses.h"

#include <gtest/gtest.h>

namespace zvonok::voip_sip {
namespace {

IpAddress ip(std::uint32_t last) {
  return IpAddress::v4(0xC0000200 + last);
}

class TrunkAddressesOfTwo : public testing::Test {
 protected:
  static std::vector<Trunk> trunks() {
    std::vector<Trunk> two(2);
    two[0].sources = {ip(200)};
    return two;
  }
  [[nodiscard]] std::vector<std::pair<IpAddress, std::size_t>> all() const {
    std::vector<std::pair<IpAddress, std::size_t>> list;
    for (const auto& [address, trunk] : addresses_.sources()) list.emplace_back(address, trunk);
    return list;
  }
  using List = std::vector<std::pair<IpAddress, std::size_t>>;

  TimePoint now_{hours{5}};
  TrunkAddresses addresses_{trunks()};
};

TEST_F(TrunkAddressesOfTwo, StayWhenALookUpFails) {
  EXPECT_FALSE(addresses_.complete());
  EXPECT_EQ(all(), (List{{ip(200), 0}})) << "the settings' own";
  addresses_.on_looked_up(now_, 0, {ip(1)});
  EXPECT_FALSE(addresses_.complete());
  addresses_.on_looked_up(now_, 1, {ip(2)});
  EXPECT_TRUE(addresses_.complete());
  for (int i = 0; i < 100; ++i) {
    now_ += hours{1};
    addresses_.on_looked_up(now_, 0, {});
    addresses_.on_looked_up(now_, 1, {ip(2)});
  }
  EXPECT_EQ(all(), (List{{ip(200), 0}, {ip(2), 1}, {ip(1), 0}})) << "what was seen last goes first";
}

TEST_F(TrunkAddressesOfTwo, LingerAfterAChange) {
  addresses_.on_looked_up(now_, 0, {ip(1)});
  // One at a time.
  for (std::uint32_t i = 0; i < 8; ++i) {
    now_ += minutes{1};
    addresses_.on_looked_up(now_, 0, {ip(1 + i % 3)});
  }
  EXPECT_EQ(all().size(), 4U);
  now_ += TrunkAddresses::kLinger;
  addresses_.on_looked_up(now_, 0, {ip(9)});
  EXPECT_EQ(all().size(), 3U) << "the one of the last minute, and the new one";
  now_ += minutes{1};
  addresses_.on_looked_up(now_, 0, {ip(9)});
  EXPECT_EQ(all(), (List{{ip(200), 0}, {ip(9), 0}}));
}

TEST_F(TrunkAddressesOfTwo, AreLimitedAndOfOneTrunkEach) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    now_ += seconds{5};
    addresses_.on_looked_up(now_, 1, {ip(i)});
  }
  EXPECT_EQ(all().size(), 1 + TrunkAddresses::kPerTrunkMax);
  EXPECT_EQ(all()[1], std::pair(ip(99), std::size_t{1}));
  addresses_.on_looked_up(now_, 1, {ip(200)});
  EXPECT_EQ(all()[0], std::pair(ip(200), std::size_t{0})) << "as settings say";
  EXPECT_EQ(all().size(), TrunkAddresses::kPerTrunkMax);
}

}  // namespace
}  // namespace zvonok::voip_sip
