// Log lines, byte ranges, content codings, and what the web policy lets through.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "app/log_sink.h"
#include "app/web/static_files.h"
#include "app/web/web_policy.h"

namespace zvonok::app {
namespace {

TEST(LogLine, EscapesWhatCouldForgeALine) {
  const std::string line = format_text("said", {{"text", "a b\n2026 error forged\x1b[31m \xe2\x80\xae \"q\""}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find("\xe2\x80\xae"), std::string::npos) << "right-to-left override";
  EXPECT_TRUE(line.starts_with("said text=")) << line;
}

TEST(LogLine, IsOneJsonObjectWhateverTheValues) {
  for (const std::string& value :
       {std::string{"plain"}, std::string{"\"\\\n\t\0\x7f", 6}, std::string{"\xff\xfe"}, std::string(100'000, 'x')}) {
    const std::string line = "{" + format_json("m", {{"k", value}, {"n", 7}}) + "}";
    boost::system::error_code error;
    boost::json::parse(line.starts_with("{{") ? line.substr(1, line.size() - 2) : line, error);
    EXPECT_FALSE(error) << line.substr(0, 200);
    EXPECT_LT(line.size(), 20'000U);
  }
}

TEST(LogLine, MasksPrivateValues) {
  const Private<std::string> secret{"hush"};
  EXPECT_EQ(format_text("m", {{"token", secret}}).find("hush"), std::string::npos);
}

TEST(ByteRange, FollowsTheRfc) {
  struct Case {
    const char* header;
    RangeVerdict verdict;
    std::size_t first = 0;
    std::size_t last = 0;
  };
  using enum RangeVerdict;
  for (const Case& c : {Case{"bytes=0-0", Satisfiable, 0, 0}, Case{"bytes=0-", Satisfiable, 0, 9},
                        Case{"bytes=3-100", Satisfiable, 3, 9}, Case{"bytes=-4", Satisfiable, 6, 9},
                        Case{"bytes=-100", Satisfiable, 0, 9}, Case{"bytes=9-9", Satisfiable, 9, 9},
                        Case{"bytes=10-", Unsatisfiable}, Case{"bytes=-0", Unsatisfiable}, Case{"", None},
                        Case{"bytes=5-3", None}, Case{"bytes=a-b", None}, Case{"bytes=0-1,3-4", None},
                        Case{"items=0-1", None}, Case{"bytes=99999999999999999999-", None}, Case{"bytes=-", None}}) {
    ByteRange range;
    EXPECT_EQ(parse_range(c.header, 10, range), c.verdict) << c.header;
    if (c.verdict != Satisfiable) continue;
    EXPECT_EQ(range.first, c.first) << c.header;
    EXPECT_EQ(range.last, c.last) << c.header;
  }
}

TEST(AcceptEncoding, KnowsWeightsAndStars) {
  EXPECT_TRUE(accepts_encoding("gzip, br", "br"));
  EXPECT_TRUE(accepts_encoding("GZIP;q=0.5", "gzip"));
  EXPECT_TRUE(accepts_encoding("*", "br"));
  EXPECT_FALSE(accepts_encoding("br;q=0", "br"));
  EXPECT_FALSE(accepts_encoding("br;q=0.000, *", "br"));
  EXPECT_FALSE(accepts_encoding("gzipped", "gzip"));
  EXPECT_FALSE(accepts_encoding("", "gzip"));
}

class Policy : public ::testing::Test {
 protected:
  static HttpRequest from(const std::string& address, std::vector<HttpHeader> headers) {
    HttpRequest request;
    request.remote_address = address;
    request.headers = std::move(headers);
    return request;
  }
  static WebPolicy make(std::vector<std::string> origins, std::vector<std::string> proxies = {}) {
    auto policy = WebPolicy::create({.allowed_origins = std::move(origins), .trusted_proxies = std::move(proxies)});
    EXPECT_TRUE(policy) << policy.error();
    return std::move(*policy);
  }
};

TEST_F(Policy, OriginsMatchWhole) {
  const WebPolicy policy = make({"https://chat.example.org"});
  const auto allows = [&](const char* origin) {
    return policy.allows_origin(from("1.2.3.4", {{"Host", "calls.example.org"}, {"Origin", origin}}));
  };
  EXPECT_TRUE(allows("https://chat.example.org"));
  EXPECT_TRUE(allows("https://calls.example.org"));
  EXPECT_FALSE(allows("https://chat.example.org:8443"));
  EXPECT_FALSE(allows("http://chat.example.org"));
  EXPECT_FALSE(allows("https://chat.example.org.evil.org"));
  EXPECT_FALSE(allows("https://evil.org/chat.example.org"));
  EXPECT_FALSE(allows("null"));
  EXPECT_FALSE(allows(""));
  EXPECT_TRUE(policy.allows_origin(from("1.2.3.4", {{"Host", "calls.example.org"}}))) << "not a browser";
  EXPECT_TRUE(make({"*"}).allows_origin(from("1.2.3.4", {{"Host", "h"}, {"Origin", "https://any.example"}})));
}

TEST_F(Policy, OnlyTrustedProxiesSpeakForTheirClients) {
  const WebPolicy policy = make({}, {"10.0.0.0/8", "::1"});
  const auto resolved = [&](const char* peer, const char* forwarded) {
    HttpRequest request = from(peer, {{"X-Forwarded-For", forwarded}, {"X-Forwarded-Proto", "https"}});
    policy.resolve_client(request);
    return request;
  };
  EXPECT_EQ(resolved("10.1.2.3", "203.0.113.7").remote_address, "203.0.113.7");
  EXPECT_TRUE(resolved("10.1.2.3", "203.0.113.7").is_tls);
  EXPECT_EQ(resolved("::1", "2001:db8::1").remote_address, "2001:db8::1");
  // The client may have written entries of its own: only those added by trusted proxies count, from the right.
  EXPECT_EQ(resolved("10.1.2.3", "198.51.100.1, 203.0.113.7, 10.9.9.9").remote_address, "203.0.113.7");
  EXPECT_EQ(resolved("192.0.2.1", "203.0.113.7").remote_address, "192.0.2.1");
  EXPECT_FALSE(resolved("192.0.2.1", "203.0.113.7").is_tls);
  EXPECT_EQ(resolved("10.1.2.3", "nonsense").remote_address, "10.1.2.3");
}

TEST_F(Policy, RefusesEntriesItDoesNotUnderstand) {
  for (const char* wrong : {"10.0.0.0/33", "10.0.0", "host.example", "::/129", "/8"}) {
    EXPECT_FALSE(WebPolicy::create({.allowed_origins = {}, .trusted_proxies = {wrong}})) << wrong;
  }
  for (const char* wrong : {"chat.example.org", "https://chat.example.org/path"}) {
    EXPECT_FALSE(WebPolicy::create({.allowed_origins = {wrong}, .trusted_proxies = {}})) << wrong;
  }
}

TEST_F(Policy, KnowsLocalAddresses) {
  for (const char* local :
       {"127.0.0.1", "10.1.1.1", "172.16.0.1", "192.168.1.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"}) {
    EXPECT_TRUE(WebPolicy::is_local(local)) << local;
  }
  for (const char* remote : {"8.8.8.8", "172.32.0.1", "2001:db8::1", "", "localhost"}) {
    EXPECT_FALSE(WebPolicy::is_local(remote)) << remote;
  }
}

}  // namespace
}  // namespace zvonok::app
