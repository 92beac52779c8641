#include "adapter/voip_twilio/signature.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace zvonok::voip_twilio {
namespace {

const Private<std::string> kToken{std::string{"12345"}};

HttpRequest request_with(std::string signature) {
  HttpRequest request;
  request.headers.push_back({"x-twilio-signature", std::move(signature)});
  return request;
}

TEST(TwilioForm, IsReadAndWritten) {
  const auto form = parse_form("To=%2B491512345678&Caller+Name=J%C3%BCrgen&Empty=&Bare&&a=1&a=2");
  ASSERT_TRUE(form);
  EXPECT_EQ(*form, (Form{{"To", "+491512345678"},
                         {"Caller Name", "J\xC3\xBCrgen"},
                         {"Empty", ""},
                         {"Bare", ""},
                         {"a", "1"},
                         {"a", "2"}}));
  EXPECT_EQ(value_of(*form, "a"), "1");
  EXPECT_EQ(value_of(*form, "b"), "");
  EXPECT_EQ(parse_form(write_form(*form)), form);
  EXPECT_EQ(write_form({{"Url", "https://a.b/c?d=e&f"}}), "Url=https%3A%2F%2Fa.b%2Fc%3Fd%3De%26f");
  EXPECT_FALSE(parse_form("a=%2"));
  EXPECT_FALSE(parse_form("%zz=1"));
  std::string many;
  for (std::size_t i = 0; i <= kFormFieldsMax; ++i) many += "a=1&";
  EXPECT_FALSE(parse_form(many));
}

TEST(TwilioSignature, IsWhatTwilioDocuments) {
  const Form form{{"CallSid", "CA1234567890ABCDE"},
                  {"Caller", "+14158675309"},
                  {"Digits", "1234"},
                  {"From", "+14158675309"},
                  {"To", "+18005551212"}};
  const std::string url = "https://mycompany.com/myapp.php?foo=1&bar=2";
  EXPECT_EQ(sign(kToken, url, form), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
  Form shuffled = form;
  std::ranges::reverse(shuffled);
  EXPECT_EQ(sign(kToken, url, shuffled), sign(kToken, url, form));
  EXPECT_EQ(
      sign(kToken, url,
           {{"Sid", "CA123"}, {"SidAccount", "AC123"}, {"Digits", "5678"}, {"Digits", "1234"}, {"Digits", "1234"}}),
      "IK+Dwps556ElfBT0I3Rgjkr1wJU=")
      << "by names, then by values; what is there twice counts once";
}

TEST(TwilioSignature, IsBelievedForWhatItSigns) {
  const Form form{{"CallSid", "CA1"}, {"CallStatus", "ringing"}};
  const auto urls = spellings("https://calls.example.org", "/api/voip/twilio/status?call=1", false);
  const std::string good = sign(kToken, "https://calls.example.org/api/voip/twilio/status?call=1", form);
  EXPECT_TRUE(is_signed(kToken, request_with(good), urls, form));
  EXPECT_TRUE(is_signed(kToken,
                        request_with(sign(kToken, "https://calls.example.org:443/api/voip/twilio/status?call=1", form)),
                        urls, form))
      << "with the port, as some of Twilio's machines do";

  EXPECT_FALSE(is_signed(kToken, request_with(""), urls, form));
  EXPECT_FALSE(is_signed(kToken, HttpRequest{}, urls, form));
  EXPECT_FALSE(is_signed(kToken, request_with(good + "="), urls, form));
  EXPECT_FALSE(is_signed(kToken, request_with(good.substr(0, good.size() - 1)), urls, form));
  EXPECT_FALSE(is_signed(Private<std::string>{std::string{"12346"}}, request_with(good), urls, form));
  EXPECT_FALSE(is_signed(kToken, request_with(good), urls, {{"CallSid", "CA1"}, {"CallStatus", "completed"}}));
  EXPECT_FALSE(is_signed(kToken, request_with(good), urls, {{"CallSid", "CA1"}}));
  EXPECT_FALSE(is_signed(kToken, request_with(good), spellings("https://calls.example.org", "/other", false), form));
  EXPECT_FALSE(
      is_signed(Private<std::string>{}, request_with(sign(Private<std::string>{}, urls.front(), form)), urls, form))
      << "no token is no secret";
}

TEST(TwilioSignature, OfABodyIsInTheUrl) {
  HttpRequest request;
  request.body = R"({"a":1})";
  request.query = "bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
  const std::string target = "/x?" + request.query;
  request.headers.push_back({"X-Twilio-Signature", sign(kToken, "https://a.b" + target, {})});
  const auto urls = spellings("https://a.b", target, false);
  EXPECT_TRUE(is_signed(kToken, request, urls, {}));
  request.body = R"({"a":2})";
  EXPECT_FALSE(is_signed(kToken, request, urls, {}));
}

TEST(TwilioSignature, UrlsAreSpelledInAllWaysThatAreMet) {
  EXPECT_EQ(spellings("https://a.b", "/x", false), (std::vector<std::string>{"https://a.b/x", "https://a.b:443/x"}));
  EXPECT_EQ(spellings("http://a.b:8080/base", "/x", false),
            (std::vector<std::string>{"http://a.b:8080/base/x", "http://a.b/base/x"}));
  EXPECT_EQ(spellings("https://[::1]", "/x", false),
            (std::vector<std::string>{"https://[::1]/x", "https://[::1]:443/x"}));
  EXPECT_EQ(spellings("https://[::1]:8443", "/x", false),
            (std::vector<std::string>{"https://[::1]:8443/x", "https://[::1]/x"}));
  const auto of_socket = spellings("https://a.b", "/s", true);
  for (const char* url : {"wss://a.b/s", "wss://a.b/s/", "wss://a.b:443/s", "https://a.b/s"}) {
    EXPECT_TRUE(std::ranges::find(of_socket, url) != of_socket.end()) << url;
  }
}

}  // namespace
}  // namespace zvonok::voip_twilio
