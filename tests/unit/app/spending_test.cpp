// Who may dial what for the operator's money.
#include "app/phone/spending.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "call/phone_number.h"

namespace zvonok::app {
namespace {

bool denies(const Config& config, const std::string& prefix) {
  const auto denied = denied_prefixes(config);
  return std::ranges::find(denied, prefix) != denied.end();
}

TEST(Spending, OpenRegistrationAndMoneyWantCountries) {
  Config config;
  EXPECT_FALSE(spending_risk(config)) << "the mock costs nothing";
  EXPECT_FALSE(spending_doubt(config));
  for (const char* provider : {"twilio", "sip"}) {
    config = {};
    config.voip_provider = provider;
    const auto risk = spending_risk(config);
    ASSERT_TRUE(risk);
    EXPECT_NE(risk->find("VOIP_ALLOW_PREFIXES"), std::string::npos) << *risk;
    EXPECT_EQ(risk->find('\n'), std::string::npos);
    config.voip_allow_prefixes = {"+49"};
    EXPECT_FALSE(spending_risk(config));
    EXPECT_FALSE(spending_doubt(config));
    config.voip_allow_prefixes = {"+"};
    EXPECT_FALSE(spending_risk(config)) << "said in words";
    EXPECT_TRUE(spending_doubt(config));
    config.voip_allow_prefixes = {};
    config.registration = Registration::Closed;
    EXPECT_FALSE(spending_risk(config));
    EXPECT_TRUE(spending_doubt(config));
  }
}

TEST(Spending, DearNumbersAreDeniedUnlessTheyAreNamed) {
  Config config;
  config.voip_deny_prefixes = {"+7"};
  for (const char* prefix : {"+7", "+979", "+882", "+883", "+881", "+870", "+878", "+808", "+1900", "+1976"}) {
    EXPECT_TRUE(denies(config, prefix)) << prefix;
  }
  for (const std::string& prefix : denied_prefixes(config)) EXPECT_TRUE(call::phone::is_number_prefix(prefix));
  config.voip_allow_prefixes = {"+", "+870"};
  EXPECT_FALSE(denies(config, "+870"));
  EXPECT_TRUE(denies(config, "+979"));
}

}  // namespace
}  // namespace zvonok::app
