// Asking a messenger: what is sent, every kind of answer and of failure, limits, TLS, and what is remembered.
#include <filesystem>
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <stdlib.h>

#include "adapter/authorizer_http/cached_authorizer.h"
#include "adapter/authorizer_http/http_authorizer.h"
#include "contract/authorizer/fixture.h"
#include "contract/authorizer/http_stub.h"

namespace zvonok::test {
namespace {

using authorizer_http::CachedAuthorizer;
using authorizer_http::HttpAuthorizer;
using authorizer_http::HttpPosterOptions;
using testing::HasSubstr;
using testing::Not;

const port::RoomQuestion kQuestion{.room = group_room("1"), .user = UserId{"alice"}, .rooms_claim = {}};

std::unique_ptr<HttpAuthorizer> authorizer_for(HttpPosterOptions options) {
  auto made = HttpAuthorizer::create(std::move(options));
  EXPECT_TRUE(made.has_value()) << made.error();
  return made ? std::move(*made) : nullptr;
}

HttpPosterOptions options_for(const std::string& url) {
  HttpPosterOptions options;
  options.url = url;
  return options;
}

StubReply plain(int status, const std::string& body) {
  return {.bytes = http_response(status, body), .afterwards = Afterwards::KeepOpen};
}

TEST(HttpQuestion, CarriesTheRoomTheUserAndTheSecret) {
  HttpStub stub{[](const StubRequest&) { return plain(200, R"({"allowed":true})"); }};
  auto options = options_for(stub.url() + "?tenant=7");
  options.secret = Private<std::string>{"the-shared-secret"};
  const auto authorizer = authorizer_for(options);
  (void)authorizer->authorize({.room = chat_room("c\"1"), .user = UserId{"я\n"}, .rooms_claim = "[\"group:1\"]"});
  const auto requests = stub.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_THAT(requests[0].head, HasSubstr("POST /may-enter?tenant=7 HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("\r\nAuthorization: Bearer the-shared-secret\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(requests[0].head, Not(HasSubstr("Expect:")));
  EXPECT_EQ(boost::json::parse(requests[0].body),
            (boost::json::object{{"kind", "chat"}, {"roomId", "c\"1"}, {"userId", "я\n"}}));
}

TEST(HttpQuestion, CarriesNoAuthorizationWithoutASecretAndReusesTheConnection) {
  HttpStub stub{[](const StubRequest&) { return plain(403, ""); }};
  const auto authorizer = authorizer_for(options_for(stub.url()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(summary(authorizer->authorize(kQuestion)), "denied");
  EXPECT_EQ(stub.requests().size(), 5U);
  EXPECT_EQ(stub.connections(), 1);
  EXPECT_THAT(stub.requests()[0].head, Not(HasSubstr("Authorization")));
}

TEST(HttpAnswers, AreReadStrictly) {
  struct Row {
    int status;
    std::string body;
    std::string group;
    std::string chat;
  };
  const Row table[] = {
      {200, R"({"allowed":true})", "allowed", "moderator"},
      {200, R"({"allowed":true,"role":null})", "allowed", "moderator"},
      {200, R"({"allowed":true,"role":"host"})", "host", "host"},
      {200, R"({"allowed":true,"role":"moderator"})", "moderator", "moderator"},
      {200, R"({"allowed":true,"role":"member","more":{"a":[1]}})", "member", "member"},
      {200, R"({"allowed":false})", "denied", "denied"},
      {200, R"({"allowed":false,"role":"host"})", "denied", "denied"},
      {403, "", "denied", "denied"},
      {403, R"({"allowed":true})", "denied", "denied"},
      {200, R"({"allowed":true,"role":"owner"})", "unavailable", "unavailable"},
      {200, R"({"allowed":true,"role":2})", "unavailable", "unavailable"},
      {200, R"({"allowed":"true"})", "unavailable", "unavailable"},
      {200, R"({"allowed":1})", "unavailable", "unavailable"},
      {200, R"({"allow":true})", "unavailable", "unavailable"},
      {200, "{}", "unavailable", "unavailable"},
      {200, "[]", "unavailable", "unavailable"},
      {200, "true", "unavailable", "unavailable"},
      {200, "", "unavailable", "unavailable"},
      {200, "<html>", "unavailable", "unavailable"},
      {200, "{\"allowed\":true,\"name\":\"\xFF\"}", "unavailable", "unavailable"},
      {200, R"({"allowed":true}x)", "unavailable", "unavailable"},
      {200, "{\"allowed\":true,\"x\":" + std::string(1000, '[') + std::string(1000, ']') + "}", "unavailable",
       "unavailable"},
      {201, R"({"allowed":true})", "unavailable", "unavailable"},
      {204, "", "unavailable", "unavailable"},
      {302, R"({"allowed":true})", "unavailable", "unavailable"},
      {401, R"({"allowed":true})", "unavailable", "unavailable"},
      {404, R"({"allowed":true})", "unavailable", "unavailable"},
      {500, R"({"allowed":true})", "unavailable", "unavailable"},
  };
  for (const Row& row : table) {
    HttpStub stub{[&row](const StubRequest&) { return plain(row.status, row.body); }};
    const auto authorizer = authorizer_for(options_for(stub.url()));
    const std::string what = std::to_string(row.status) + " " + row.body.substr(0, 60);
    EXPECT_EQ(summary(authorizer->authorize(kQuestion)), row.group) << what;
    EXPECT_EQ(summary(authorizer->authorize({.room = chat_room("1"), .user = UserId{"alice"}, .rooms_claim = {}})),
              row.chat)
        << what;
  }
}

TEST(HttpAnswers, NameTheUserWhereTheNameCanBeShown) {
  const std::pair<std::string, std::string> table[] = {
      {R"("Алиса")", "Алиса"},
      {R"("")", ""},
      {"null", ""},
      {"5", ""},
      {R"("a\u0000b")", ""},
      {R"("a\nb")", ""},
      {"\"" + std::string(401, 'x') + "\"", ""},
  };
  for (const auto& [name, expected] : table) {
    HttpStub stub{[&name](const StubRequest&) { return plain(200, R"({"allowed":true,"name":)" + name + "}"); }};
    const auto answer = authorizer_for(options_for(stub.url()))->authorize(kQuestion);
    ASSERT_EQ(summary(answer), "allowed") << name;
    EXPECT_EQ(std::get<port::RoomAllowed>(answer).display_name, expected) << name;
  }
}

TEST(HttpAnswers, FollowNoRedirect) {
  HttpStub elsewhere{[](const StubRequest&) { return plain(200, R"({"allowed":true})"); }};
  HttpStub stub{[&elsewhere](const StubRequest&) {
    return StubReply{.bytes = "HTTP/1.1 307 Moved\r\nLocation: " + elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n",
                     .afterwards = Afterwards::KeepOpen};
  }};
  EXPECT_EQ(summary(authorizer_for(options_for(stub.url()))->authorize(kQuestion)), "unavailable");
  EXPECT_TRUE(elsewhere.requests().empty()) << "the secret goes to one place only";
}

TEST(HttpFailures, OfEveryKindAreUnavailable) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  const std::string big_json = R"({"allowed":true,"x":")" + std::string(70'000, 'x') + "\"}";
  std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i) chunked += "400\r\n" + std::string(1024, ' ') + "\r\n";
  struct Row {
    const char* name;
    StubReply reply;
  };
  const Row table[] = {
      {"nothing", {.bytes = "", .afterwards = Afterwards::Close}},
      {"garbage", {.bytes = "\x16\x03\x01 not HTTP\r\n\r\n", .afterwards = Afterwards::Close}},
      {"half a head", {.bytes = head, .afterwards = Afterwards::Close}},
      {"half a body",
       {.bytes = head + "Content-Length: 100\r\n\r\n{\"allowed\":true}", .afterwards = Afterwards::Close}},
      {"too big, said so", {.bytes = http_response(200, big_json), .afterwards = Afterwards::KeepOpen}},
      {"too big, without an end", {.bytes = head + "\r\n" + big_json, .afterwards = Afterwards::Hang}},
      {"too big, in chunks", {.bytes = chunked, .afterwards = Afterwards::Hang}},
      {"endless head", {.bytes = head + "X: " + std::string(200'000, 'x'), .afterwards = Afterwards::Hang}},
      {"endless heads",
       {.bytes =
            [&head] {
              std::string many = head;
              for (int i = 0; i < 3000; ++i) many += "X-Header: some value of some length\r\n";
              return many;
            }(),
        .afterwards = Afterwards::Hang}},
  };
  for (const Row& row : table) {
    HttpStub stub{[&row](const StubRequest&) { return row.reply; }};
    const auto answer = authorizer_for(options_for(stub.url()))->authorize(kQuestion);
    EXPECT_EQ(summary(answer), "unavailable") << row.name;
    if (const auto* failure = std::get_if<port::AuthorizerUnavailable>(&answer)) {
      EXPECT_FALSE(failure->detail.empty()) << row.name;
    }
  }
}

TEST(HttpFailures, OfASilentServerEndInTime) {
  for (const char* begun : {"", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"}) {
    HttpStub stub{[begun](const StubRequest&) { return StubReply{.bytes = begun, .afterwards = Afterwards::Hang}; }};
    auto options = options_for(stub.url());
    options.total_timeout = milliseconds{150};
    const auto authorizer = authorizer_for(options);
    EXPECT_EQ(summary(authorizer->authorize(kQuestion)), "unavailable");
    EXPECT_EQ(summary(authorizer->authorize(kQuestion)), "unavailable") << "again, after a request that was given up";
  }
}

TEST(HttpFailures, OfAServerThatIsNotThere) {
  const auto refused = authorizer_for(options_for("http://127.0.0.1:" + std::to_string(closed_port()) + "/"));
  EXPECT_EQ(summary(refused->authorize(kQuestion)), "unavailable");
  const auto nameless = authorizer_for(options_for("http://no-such-host.invalid/"));
  EXPECT_EQ(summary(nameless->authorize(kQuestion)), "unavailable");
}

TEST(HttpFailures, NeverTellTheSecret) {
  auto options = options_for("http://127.0.0.1:" + std::to_string(closed_port()) + "/");
  options.secret = Private<std::string>{"the-shared-secret"};
  const auto answer = authorizer_for(options)->authorize(kQuestion);
  EXPECT_THAT(std::get<port::AuthorizerUnavailable>(answer).detail, Not(HasSubstr("the-shared-secret")));
}

TEST(HttpFailures, AConnectionThatWasClosedMeanwhileIsMadeAgain) {
  HttpStub stub{[](const StubRequest&) {
    return StubReply{.bytes = http_response(200, R"({"allowed":true})"), .afterwards = Afterwards::Close};
  }};
  const auto authorizer = authorizer_for(options_for(stub.url()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(summary(authorizer->authorize(kQuestion)), "allowed") << i;
}

TEST(HttpSettings, ThatCannotWorkAreRefused) {
  for (const char* url : {"", "localhost", "/path", "ftp://host/", "file:///etc/passwd", "gopher://host/", "http://",
                          "http://host/\r\nX: y", "http://ho st/", "https://[::1"}) {
    EXPECT_FALSE(HttpAuthorizer::create(options_for(url)).has_value()) << url;
  }
  for (const char* url : {"http://host", "https://host/a?b=c", "HTTP://host:8080/", "http://[::1]:80/"}) {
    EXPECT_TRUE(HttpAuthorizer::create(options_for(url)).has_value()) << url;
  }
  auto options = options_for("http://host/");
  options.secret = Private<std::string>{"a\r\nX: y"};
  const auto made = HttpAuthorizer::create(options);
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error(), Not(HasSubstr("X: y")));
}

TEST(HttpOverTls, TrustsOnlyWhatItWasToldTo) {
  std::string folder = testing::TempDir() + "zvonok-authorizer-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  {
    const auto stub =
        HttpStub::with_tls([](const StubRequest&) { return plain(200, R"({"allowed":true,"role":"host"})"); }, folder);
    auto options = options_for(stub->url());
    EXPECT_EQ(summary(authorizer_for(options)->authorize(kQuestion)), "unavailable") << "self-signed";
    EXPECT_TRUE(stub->requests().empty());
    options.ca_file = stub->certificate();
    EXPECT_EQ(summary(authorizer_for(options)->authorize(kQuestion)), "host");
    options.url = "https://127.0.0.1:" + std::to_string(stub->port()) + "/";
    EXPECT_EQ(summary(authorizer_for(options)->authorize(kQuestion)), "unavailable") << "another name";
    EXPECT_EQ(stub->requests().size(), 1U);
  }
  std::filesystem::remove_all(folder);
}

// ---- the cache -----------------------------------------------------------------------------------------------------

class Counting final : public port::RoomAuthorizer {
 public:
  port::RoomAnswer authorize(const port::RoomQuestion&) override {
    ++asked;
    return answer;
  }
  port::RoomAnswer answer = port::RoomAllowed{.role = call::RoomRole::Host, .display_name = "Alice"};
  int asked = 0;
};

class Cache : public testing::Test {
 protected:
  std::unique_ptr<CachedAuthorizer> cache(std::size_t entries_max = 100, Duration fresh_for = seconds{10}) {
    return std::make_unique<CachedAuthorizer>(
        inner_, authorizer_http::CacheOptions{
                    .fresh_for = fresh_for, .entries_max = entries_max, .clock = [this] { return now_; }});
  }
  static port::RoomQuestion question(const call::RoomKey& room, const std::string& user) {
    return {.room = room, .user = UserId{user}, .rooms_claim = {}};
  }

  Counting inner_;
  TimePoint now_{seconds{1000}};
};

TEST_F(Cache, RemembersYesAndNoForAWhile) {
  for (const port::RoomAnswer& answer : {inner_.answer, port::RoomAnswer{port::RoomDenied{}}}) {
    const auto cached = cache();
    inner_.answer = answer;
    inner_.asked = 0;
    EXPECT_EQ(cached->authorize(kQuestion), answer);
    now_ += seconds{10} - Duration{1};
    inner_.answer = port::AuthorizerUnavailable{.detail = "down"};
    EXPECT_EQ(cached->authorize(kQuestion), answer);
    EXPECT_EQ(inner_.asked, 1);
    now_ += Duration{1};
    EXPECT_EQ(summary(cached->authorize(kQuestion)), "unavailable");
    EXPECT_EQ(inner_.asked, 2);
  }
}

TEST_F(Cache, DoesNotRememberThatItCouldNotBeFoundOut) {
  const auto cached = cache();
  inner_.answer = port::AuthorizerUnavailable{.detail = "down"};
  EXPECT_EQ(summary(cached->authorize(kQuestion)), "unavailable");
  inner_.answer = port::RoomDenied{};
  EXPECT_EQ(summary(cached->authorize(kQuestion)), "denied");
}

TEST_F(Cache, KeepsUsersRoomsAndKindsApart) {
  const auto cached = cache();
  for (const auto& room : {group_room("1"), group_room("2"), chat_room("1")}) {
    for (const char* user : {"alice", "bob"}) (void)cached->authorize(question(room, user));
  }
  EXPECT_EQ(inner_.asked, 6);
  EXPECT_EQ(cached->size(), 6U);
}

TEST_F(Cache, IsBoundedAndForgetsWhatWasNotAskedForLongest) {
  const auto cached = cache(2);
  (void)cached->authorize(question(group_room("1"), "alice"));
  (void)cached->authorize(question(group_room("1"), "bob"));
  (void)cached->authorize(question(group_room("1"), "alice"));
  (void)cached->authorize(question(group_room("1"), "carol"));  // bob goes
  EXPECT_EQ(inner_.asked, 3);
  (void)cached->authorize(question(group_room("1"), "alice"));
  EXPECT_EQ(inner_.asked, 3);
  (void)cached->authorize(question(group_room("1"), "bob"));
  EXPECT_EQ(inner_.asked, 4);
  EXPECT_EQ(cached->size(), 2U);
}

TEST_F(Cache, ForgetsOnRequestAndCanBeOff) {
  const auto cached = cache();
  (void)cached->authorize(kQuestion);
  cached->forget(kQuestion.room, kQuestion.user);
  cached->forget(kQuestion.room, UserId{"nobody"});
  (void)cached->authorize(kQuestion);
  EXPECT_EQ(inner_.asked, 2);
  const auto off = cache(100, Duration::zero());
  (void)off->authorize(kQuestion);
  (void)off->authorize(kQuestion);
  EXPECT_EQ(inner_.asked, 4);
  EXPECT_EQ(off->size(), 0U);
}

}  // namespace
}  // namespace zvonok::test
