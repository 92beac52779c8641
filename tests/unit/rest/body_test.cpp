// Request bodies: what every route with a body refuses, and what each of them reads.
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rest/auth_api.h"
#include "rest/chats_api.h"
#include "rest/groups_api.h"
#include "unit/rest/request.h"

namespace zvonok::rest {
namespace {

using namespace test;
using namespace std::string_literals;

/// Every decoder, with a body that it takes.
struct Decoder {
  const char* name;
  std::function<std::string(const HttpRequest&)> read;
  std::string good;
};

std::vector<Decoder> decoders() {
  return {
      {"register", [](const HttpRequest& r) { return summary(decode_register(r)); },
       R"({"email":"a@b","password":"password123"})"},
      {"login", [](const HttpRequest& r) { return summary(decode_login(r)); },
       R"({"email":"a@b","password":"password123"})"},
      {"refresh", [](const HttpRequest& r) { return summary(decode_refresh(r)); }, R"({"refresh_token":"r"})"},
      {"logout", [](const HttpRequest& r) { return summary(decode_logout(r)); }, R"({"refresh_token":"r"})"},
      {"update me", [](const HttpRequest& r) { return summary(decode_update_me(r)); }, R"({"display_name":"Alice"})"},
      {"create chat", [](const HttpRequest& r) { return summary(decode_create_chat(r)); }, R"({"userId":"bob"})"},
      {"create group", [](const HttpRequest& r) { return summary(decode_create_group(r)); }, R"({"title":"Team"})"},
      {"rename group", [](const HttpRequest& r) { return summary(decode_rename_group(r)); }, R"({"title":"Team"})"},
      {"member role", [](const HttpRequest& r) { return summary(decode_member_role(r)); }, R"({"role":"admin"})"},
  };
}

TEST(Bodies, OfEveryRouteAreTakenInTheirGoodForms) {
  for (const Decoder& decoder : decoders()) {
    const std::string& good = decoder.good;
    EXPECT_EQ(decoder.read(post(good)), "good") << decoder.name;
    EXPECT_EQ(decoder.read(post(" \r\n" + good + "\t")), "good") << decoder.name;
    EXPECT_EQ(decoder.read(post(R"({"unknown":[{"a":1}],)" + good.substr(1))), "good") << decoder.name;
    const std::string many = good.substr(0, good.size() - 1) + R"(,"x":")";
    EXPECT_EQ(decoder.read(post(many + std::string(64 * 1024 - many.size() - 2, 'x') + "\"}")), "good")
        << decoder.name << " of 64 KiB";
    for (const char* type : {"", "application/json", "Application/JSON", "application/json; charset=utf-8",
                             "application/json ;charset=utf-8", "application/json;"}) {
      EXPECT_EQ(decoder.read(post(good, type)), "good") << decoder.name << " as " << type;
    }
  }
}

TEST(Bodies, OfAnotherTypeAreRefused) {
  for (const Decoder& decoder : decoders()) {
    for (const char* type :
         {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp",
          "application/json, text/plain", "application/problem+json", "json", "text/json", "*/*"}) {
      EXPECT_EQ(decoder.read(post(decoder.good, type)), "415 unsupported_media_type") << decoder.name << " as " << type;
    }
  }
}

TEST(Bodies, ThatAreNoJsonObjectAreRefused) {
  const std::string deep = R"({"x":)" + std::string(20, '[') + std::string(20, ']') + "}";
  const std::string table[] = {
      " ",
      "null",
      "true",
      "1",
      "\"text\"",
      "[]",
      "[{}]",
      "{",
      "}",
      "{]",
      "{}{}",
      "{} x",
      "{,}",
      R"({"a"})",
      R"({"a":})",
      R"({a:1})",
      R"({'a':1})",
      R"({"a":1,})",
      R"({"a":01})",
      R"({"a":NaN})",
      R"({"a":.5})",
      "{/**/}",
      "{}//",
      "\xEF\xBB\xBF{}",
      "{}\0"s,
      "\0{}"s,
      "{\"a\":\"\n\"}",
      "{\"a\":\"\xFF\"}",
      "{\"a\":\"\xC3\"}",
      R"({"a":"\ud83d"})",
      R"({"a":"\x41"})",
      "email=a%40b&password=password123",
      "<xml/>",
      deep,
      std::string(30'000, '['),
      "{\"a\":" + std::string(10'000, '{'),
  };
  for (const Decoder& decoder : decoders()) {
    for (const std::string& body : table) {
      EXPECT_EQ(decoder.read(post(body)), "400 bad_request") << decoder.name << ": " << body.substr(0, 60);
    }
    const bool optional = std::string{decoder.name} == "logout";
    EXPECT_EQ(decoder.read(post("")), optional ? "good" : "400 bad_request") << decoder.name << " without a body";
  }
}

TEST(Bodies, ThatNameAMemberTwiceAreRefused) {
  for (const Decoder& decoder : decoders()) {
    const std::string inner = decoder.good.substr(1, decoder.good.size() - 2);
    EXPECT_EQ(decoder.read(post("{" + inner + "," + inner + "}")), "400 bad_request") << decoder.name;
    EXPECT_EQ(decoder.read(post("{\"x\":1,\"\\u0078\":2," + inner + "}")), "400 bad_request") << decoder.name;
    EXPECT_EQ(decoder.read(post("{\"x\":{\"y\":1},\"y\":{\"x\":1}," + inner + "}")), "good") << decoder.name;
  }
}

TEST(Bodies, Over64KiBAreRefused) {
  for (const Decoder& decoder : decoders()) {
    EXPECT_EQ(decoder.read(post(decoder.good + std::string(64 * 1024 + 1 - decoder.good.size(), ' '))),
              "413 body_too_large")
        << decoder.name;
    EXPECT_EQ(decoder.read(post(std::string(1'000'000, '['))), "413 body_too_large") << decoder.name;
  }
}

struct Row {
  std::string body;
  std::string expected;
};

TEST(Bodies, OfRegisterNameWhatIsWrong) {
  const Row table[] = {
      {"{}", "400 invalid_field email"},
      {R"({"email":"a@b"})", "400 invalid_field password"},
      {R"({"password":"password123"})", "400 invalid_field email"},
      {R"({"email":null,"password":"password123"})", "400 invalid_field email"},
      {R"({"email":5,"password":"password123"})", "400 invalid_field email"},
      {R"({"email":["a@b"],"password":"password123"})", "400 invalid_field email"},
      {R"({"email":{"$ne":null},"password":"password123"})", "400 invalid_field email"},
      {R"({"email":"a@b","password":12345678})", "400 invalid_field password"},
      {R"({"email":"a@b","password":true})", "400 invalid_field password"},
      {R"({"email":"a@b","password":{"$gt":""}})", "400 invalid_field password"},
      {R"({"email":"a@b","password":"password123","display_name":5})", "400 invalid_field display_name"},
      {R"({"email":"a@b","password":"password123","display_name":["x"]})", "400 invalid_field display_name"},
      {R"({"Email":"a@b","password":"password123"})", "400 invalid_field email"},
      {R"({"email":"","password":""})", "good"},
      {R"({"email":"a@b","password":"password123","display_name":null})", "good"},
      {R"({"email":"a@b","password":"password123","displayName":5})", "good"},
  };
  for (const Row& row : table) EXPECT_EQ(summary(decode_register(post(row.body))), row.expected) << row.body;
}

TEST(Bodies, OfRegisterAreRead) {
  const auto body = decode_register(post(
      R"({"email":" Alice@Example.org","password":"p\u0000ss \u00e9","display_name":"\u0410\u043b\u0438\u0441\u0430"})"));
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->email, " Alice@Example.org") << "the rules are the service's";
  EXPECT_EQ(body->password.reveal(), "p\0ss \xC3\xA9"s);
  EXPECT_EQ(body->display_name, "Алиса");
  EXPECT_EQ(decode_register(post(R"({"email":"a","password":"b"})"))->display_name, "");
}

TEST(Bodies, OfLoginAreRead) {
  const auto body = decode_login(post(R"({"email":"a@b","password":"password123"})"));
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->email, "a@b");
  EXPECT_EQ(body->password.reveal(), "password123");
  EXPECT_EQ(summary(decode_login(post(R"({"email":"a@b"})"))), "400 invalid_field password");
  EXPECT_EQ(summary(decode_login(post(R"({"username":"a@b","password":"p"})"))), "400 invalid_field email");
}

TEST(Bodies, OfRefreshAndLogoutAreRead) {
  EXPECT_EQ(decode_refresh(post(R"({"refresh_token":"r1"})"))->reveal(), "r1");
  EXPECT_EQ(summary(decode_refresh(post("{}"))), "400 invalid_field refresh_token");
  EXPECT_EQ(summary(decode_refresh(post(R"({"refresh_token":null})"))), "400 invalid_field refresh_token");
  EXPECT_EQ(summary(decode_refresh(post(R"({"refresh_token":1})"))), "400 invalid_field refresh_token");
  EXPECT_EQ(decode_logout(post(R"({"refresh_token":"r1"})"))->reveal(), "r1");
  for (const char* body : {"", "{}", R"({"refresh_token":null})", R"({"refresh_token":""})"}) {
    const auto token = decode_logout(post(body));
    ASSERT_TRUE(token.has_value()) << body;
    EXPECT_EQ(token->reveal(), "") << body;
  }
  EXPECT_TRUE(decode_logout(post("", "text/plain")).has_value()) << "no body has no type";
  EXPECT_EQ(summary(decode_logout(post(R"({"refresh_token":1})"))), "400 invalid_field refresh_token");
}

TEST(Bodies, OfUpdateMeAreRead) {
  EXPECT_EQ(*decode_update_me(post(R"({"display_name":"Alice"})")), "Alice");
  EXPECT_EQ(summary(decode_update_me(post(R"({"display_name":null})"))), "400 invalid_field display_name");
  EXPECT_EQ(summary(decode_update_me(post("{}"))), "400 invalid_field display_name");
}

TEST(Bodies, OfCreateChatNameTheOtherUser) {
  const Row good[] = {
      {R"({"userId":"bob"})", "bob"},
      {R"({"user_id":"bob"})", "bob"},
      {R"({"userId":"bob","user_id":"carol"})", "bob"},
      {R"({"userId":42})", "42"},
      {R"({"userId":0})", "0"},
      {R"({"userId":18446744073709551615})", "18446744073709551615"},
      {R"({"userId":")" + std::string(128, 'b') + R"("})", std::string(128, 'b')},
  };
  for (const Row& row : good) {
    const auto user = decode_create_chat(post(row.body));
    ASSERT_TRUE(user.has_value()) << row.body;
    EXPECT_EQ(user->value(), row.expected) << row.body;
  }
  for (const std::string& body :
       {"{}"s, R"({"userId":""})"s, R"({"userId":null})"s, R"({"userId":-1})"s, R"({"userId":1.5})"s,
        R"({"userId":1e3})"s, R"({"userId":true})"s, R"({"userId":["bob"]})"s, R"({"userId":"a\nb"})"s,
        R"({"userId":"\u0000"})"s, R"({"userId":null,"user_id":"bob"})"s,
        R"({"userId":")"s + std::string(129, 'b') + R"("})"}) {
    EXPECT_EQ(summary(decode_create_chat(post(body))), "400 invalid_field userId") << body;
  }
}

}  // namespace
}  // namespace zvonok::rest
