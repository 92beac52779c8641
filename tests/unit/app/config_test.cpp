// Settings: where they come from, what is accepted, what is shown.
#include "app/config/config.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

namespace zvonok::app {
namespace {

ConfigSources sources(std::vector<NamedValue> flags, std::map<std::string, std::string> environment,
                      std::vector<NamedValue> dotenv) {
  ConfigSources out;
  out.flags = std::move(flags);
  out.environment = [environment](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional{found->second};
  };
  out.dotenv = std::move(dotenv);
  return out;
}

TEST(Config, FlagsBeatTheEnvironmentWhichBeatsDotenv) {
  const auto report = load_config(sources({{"CALLS_MAX", "1"}}, {{"CALLS_MAX", "2"}, {"BIND_ADDRESS", "::1"}},
                                          {{"CALLS_MAX", "3"}, {"BIND_ADDRESS", "x"}, {"DATA_DIR", "/d"}}));
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->config.calls_max, 1U);
  EXPECT_EQ(report->config.bind_address, "::1");
  EXPECT_EQ(report->config.data_dir, "/d");
}

TEST(Config, AliasesAndUnknownNamesAreUnderstood) {
  const auto report = load_config(sources({}, {{"PORT", "9000"}}, {{"SERVER_PROT", "1"}}));
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->config.server_port, 9000);
  ASSERT_EQ(report->warnings.size(), 1U);
  EXPECT_NE(report->warnings[0].find("SERVER_PROT"), std::string::npos);
}

TEST(Config, RefusesWhatItCannotUseAndNamesIt) {
  struct Case {
    const char* name;
    const char* value;
  };
  for (const Case& wrong : {Case{"SERVER_PORT", "0"},
                            Case{"SERVER_PORT", "65536"},
                            Case{"SERVER_PORT", "80a"},
                            Case{"SERVER_PORT", ""},
                            Case{"LOG_LEVEL", "loud"},
                            Case{"LOG_FORMAT", "xml"},
                            Case{"CALL_RING_TIMEOUT", "0"},
                            Case{"CALL_RING_TIMEOUT", "ten"},
                            Case{"CALL_RING_TIMEOUT", "-1s"},
                            Case{"CALLS_MAX", "0"},
                            Case{"CALLS_MAX", "1T"},
                            Case{"JWT_REQUIRE_EXP", "yes"},
                            Case{"POSTGRES_SSLMODE", "maybe"},
                            Case{"POSTGRES_SSLMODE", "disable|allow"},
                            Case{"WS_MESSAGE_BYTES_MAX", "10"},
                            Case{"JWT_USER_CLAIMS", ""},
                            Case{"TLS_CERT", "only.pem"},
                            Case{"ROOM_AUTHORIZER_URL", "messenger.example.org"},
                            Case{"ROOM_AUTHORIZER_URL", "https://user:pass@messenger.example.org/"},
                            Case{"ROOM_AUTHORIZER_URL", "https://"},
                            Case{"ROOM_AUTHORIZER_CACHE", "-1"},
                            Case{"MEDIA_THREADS", "17"},
                            Case{"MEDIA_THREADS", "-1"},
                            Case{"STUN_URLS", "https://x"},
                            Case{"TURN_URLS", "turn:without.a.secret"}}) {
    const auto report = load_config(sources({}, {{wrong.name, wrong.value}}, {}));
    ASSERT_FALSE(report) << wrong.name << "=" << wrong.value;
    EXPECT_NE(report.error().find(wrong.name), std::string::npos) << report.error();
  }
}

TEST(Config, PortsOfMediaThreadsHaveToFit) {
  for (const std::string name : {"MEDIA_UDP_PORT", "MEDIA_TCP_PORT"}) {
    const auto fits = load_config(sources({}, {{"MEDIA_THREADS", "4"}, {name, "65532"}}, {}));
    ASSERT_TRUE(fits) << fits.error();
    EXPECT_EQ(media_threads(fits->config), 4U);
    const auto refused = load_config(sources({}, {{"MEDIA_THREADS", "4"}, {name, "65533"}}, {}));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find(name), std::string::npos) << refused.error();
  }
  const std::size_t threads = media_threads(Config{});
  EXPECT_GE(threads, 1U);
  EXPECT_LE(threads, 16U);
}

TEST(Config, SecretsAreNeverShown) {
  const auto refused = load_config(sources({{"JWT_SECRET", "hunter2"}}, {}, {}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().find("hunter2"), std::string::npos);
  const std::string secret = "0123456789abcdef0123456789abcdef";
  const auto report = load_config(sources({{"JWT_SECRET", secret}, {"DATABASE_URL", "postgres://u:p4ss@h/d"}}, {}, {}));
  ASSERT_TRUE(report);
  const std::string shown = print_config(*report);
  EXPECT_EQ(shown.find(secret), std::string::npos);
  EXPECT_EQ(shown.find("p4ss"), std::string::npos);
  EXPECT_NE(shown.find("JWT_SECRET=***"), std::string::npos);
  EXPECT_NE(shown.find("METRICS_TOKEN=(not set)"), std::string::npos);
}

TEST(Config, WhatIsShownCanBeReadBack) {
  const auto defaults = load_config(sources({}, {}, {}));
  ASSERT_TRUE(defaults);
  for (const Setting& setting : settings()) {
    if (setting.secret) continue;
    Config config;
    const std::string shown = setting.show(defaults->config);
    // An empty text is the default of texts and lists only.
    if (setting.name == "JWT_USER_CLAIMS" || !shown.empty()) {
      EXPECT_TRUE(setting.read(config, shown)) << setting.name << "=" << shown;
    }
    EXPECT_EQ(setting.show(config), shown) << setting.name;
  }
}

TEST(Config, EveryNameIsThereOnceAndExplained) {
  std::set<std::string_view> names;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_FALSE(setting.help.empty()) << setting.name;
    EXPECT_FALSE(setting.accepted.empty()) << setting.name;
  }
}

TEST(Config, DurationsAndSizes) {
  EXPECT_EQ(parse_duration("1500ms"), milliseconds{1500});
  EXPECT_EQ(parse_duration("10"), seconds{10});
  EXPECT_EQ(parse_duration("0.5s"), milliseconds{500});
  EXPECT_EQ(parse_duration("2m"), minutes{2});
  EXPECT_EQ(parse_duration("30d"), hours{720});
  for (const char* wrong : {"", "s", "1 s", "1y", "1e30", "-1", "nan", "inf", "1.5.5"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
  EXPECT_EQ(parse_size("64K"), 65536U);
  EXPECT_EQ(parse_size("1M"), 1048576U);
  EXPECT_EQ(parse_size("7"), 7U);
  for (const char* wrong : {"", "K", "-1", "1KB", "99999999999999999999", "1.5M"})
    EXPECT_FALSE(parse_size(wrong)) << wrong;
}

TEST(Dotenv, KnowsCommentsQuotesAndExports) {
  const auto values = parse_dotenv("# comment\n\nA=1\nexport B = two # why\nC=\" # kept \"\nD='x=y'\r\nE=\nF=a#b");
  ASSERT_TRUE(values) << values.error();
  std::map<std::string, std::string> found;
  for (const NamedValue& value : *values) found[value.name] = value.value;
  EXPECT_EQ(found, (std::map<std::string, std::string>{
                       {"A", "1"}, {"B", "two"}, {"C", " # kept "}, {"D", "x=y"}, {"E", ""}, {"F", "a#b"}}));
  const auto broken = parse_dotenv("A=1\nnonsense\n");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().find("line 2"), std::string::npos);
  EXPECT_FALSE(parse_dotenv("=1"));
}

}  // namespace
}  // namespace zvonok::app
