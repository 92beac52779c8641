// What `zvonok doctor` says about phone calls by Twilio, and about an external tunnel server.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/fake_twilio.h"
#include "support/server_process.h"
#include "support/test_node.h"

namespace zvonok::test {
namespace {

class PhoneDoctor : public testing::Test {
 protected:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  /// Its output, with these settings on top of good ones.
  std::string examine(const Settings& more) const {
    ProcessOptions options{.arguments = {"doctor"}, .environment = {}, .input = {}, .folder = folder_.path()};
    options.environment = {{"SERVER_PORT", std::to_string(free_port())},
                           {"DATA_DIR", folder_.path() + "/data"},
                           {"VOIP_PROVIDER", "twilio"},
                           {"VOIP_API_BASE", twilio_.base()},
                           {"VOIP_ACCOUNT_SID", twilio_.options().account_sid},
                           {"VOIP_AUTH_TOKEN", twilio_.options().auth_token},
                           {"VOIP_FROM_NUMBER", "+15005550100"}};
    for (const auto& setting : more) {
      std::erase_if(options.environment, [&](const auto& old) { return old.first == setting.first; });
      options.environment.push_back(setting);
    }
    ServerProcess process{options};
    (void)process.wait();
    return process.output();
  }
  static void expect_line(const std::string& output, const std::string& line) {
    EXPECT_NE(output.find(line), std::string::npos) << line << "\n" << output;
  }

  FakeTwilio twilio_;
  TempFolder folder_;
};

TEST_F(PhoneDoctor, SaysWhetherTheTunnelServerIsReached) {
  EXPECT_EQ(examine({}).find("XRAY_API"), std::string::npos) << "tunnels are made here";
  const std::string api = "127.0.0.1:" + std::to_string(free_port());
  const std::string output =
      examine({{"VPN_PROVIDER", "v2ray"}, {"XRAY_API", api}, {"XRAY_MEDIA", "203.0.113.7:3478"}, {"VPN_PORT", "443"}});
  expect_line(output, "FAIL  the API of the tunnel server at XRAY_API=" + api + " can't be reached");
}

TEST_F(PhoneDoctor, SaysWhatIsWellAndWhatIsNot) {
  const std::string well = examine({});
  expect_line(well, "ok    Twilio takes the account and its token");
  expect_line(well, "ok    the Twilio account has 12.50 USD");
  expect_line(well, "FAIL  PUBLIC_URL is not set");
  expect_line(well, "FAIL  strangers may register and dial every country");
  expect_line(examine({{"VOIP_ALLOW_PREFIXES", "+"}}), "warn  strangers may register and dial every country");
  expect_line(examine({{"REGISTRATION", "closed"}}), "warn  every number in the world may be called");
  EXPECT_EQ(well.find(twilio_.options().auth_token), std::string::npos);

  const std::string wrong_token = examine({{"VOIP_AUTH_TOKEN", "another"}, {"PUBLIC_URL", "http://192.168.1.2:8080"}});
  expect_line(wrong_token, "FAIL  Twilio does not take VOIP_ACCOUNT_SID and VOIP_AUTH_TOKEN (401)");
  expect_line(wrong_token, "FAIL  PUBLIC_URL=http://192.168.1.2:8080 can't be reached from the internet");

  expect_line(examine({{"VOIP_FROM_NUMBER", "491512345678"}}), "FAIL  VOIP_FROM_NUMBER=491512345678: ");
  expect_line(examine({{"VOIP_API_BASE", "http://127.0.0.1:" + std::to_string(free_port())}}),
              "FAIL  Twilio is not reached at http://127.0.0.1:");
  expect_line(examine({{"VOIP_ACCOUNT_SID", ""}}), "FAIL  VOIP_ACCOUNT_SID and VOIP_AUTH_TOKEN are not both set");
  expect_line(examine({{"VOIP_PROVIDER", "mock"}}), "ok    phone calls are imitated");
}

TEST_F(PhoneDoctor, TriesTrunksAndTheServerTellsOfThem) {
  const std::string nowhere = "sip:127.0.0.1:" + std::to_string(free_port()) + ";transport=tcp";
  const Settings trunk{{"VOIP_PROVIDER", "sip"},      {"VOIP_SIP_SERVER", nowhere},
                       {"VOIP_SIP_PORT", "0"},        {"VOIP_ALLOW_PREFIXES", "+49"},
                       {"VOIP_SIP_USER", "somebody"}, {"VOIP_SIP_PASSWORD", "a secret"}};
  const std::string output = examine(trunk);
  expect_line(output, "FAIL  the SIP trunk default is not reached");
  EXPECT_EQ(output.find("a secret"), std::string::npos);
  expect_line(examine({{"VOIP_PROVIDER", "sip"}}), "FAIL  VOIP_PROVIDER=sip needs VOIP_SIP_SERVER");

  const std::uint16_t port = free_port();
  ProcessOptions options{.arguments = {"serve"}, .environment = trunk, .input = {}, .folder = folder_.path()};
  options.environment.insert(
      options.environment.end(),
      {{"SERVER_PORT", std::to_string(port)}, {"BIND_ADDRESS", "127.0.0.1"}, {"DATA_DIR", folder_.path() + "/data"}});
  ServerProcess server{options};
  server.await_output("Backend running on port");
  const auto metrics = [&] {
    return http(port, {.method = "GET", .target = "/metrics", .headers = {}, .body = {}, .token = {}}).body;
  };
  EXPECT_NE(metrics().find("zvonok_sip_trunk_up{trunk=\"default\"} 0"), std::string::npos) << metrics();
}

}  // namespace
}  // namespace zvonok::test
