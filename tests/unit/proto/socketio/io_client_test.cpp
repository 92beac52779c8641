#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/socketio/client.h"

namespace zvonok::socketio {
namespace {

constexpr TimePoint kStart = TimePoint{} + hours{1};
constexpr const char* kOpen = R"(0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

struct Scene {
  Client client{{.nsp = "/call", .auth = R"({"token":"t"})"}, kStart};
  TimePoint now = kStart;

  Result<void, std::string> tell(std::string_view text) { return client.handle_text(text, now); }
  std::vector<std::string> said() {
    std::vector<std::string> out;
    while (auto text = client.poll_transmit()) out.push_back(std::move(*text));
    return out;
  }
  void join() {
    ASSERT_TRUE(tell(kOpen));
    ASSERT_TRUE(tell(R"(40/call,{"sid":"x"})"));
    said();
    ASSERT_TRUE(std::holds_alternative<Client::Joined>(*client.poll_event()));
  }
};

TEST(IoClient, JoinsItsNamespaceAndTalks) {
  Scene scene;
  scene.client.emit("too-early", "{}");
  ASSERT_TRUE(scene.tell(kOpen));
  EXPECT_EQ(scene.said(), std::vector<std::string>{R"(40/call,{"token":"t"})"});
  ASSERT_TRUE(scene.tell(R"(40/call,{"sid":"x"})"));
  EXPECT_TRUE(std::holds_alternative<Client::Joined>(*scene.client.poll_event()));
  scene.client.emit("hangup", R"({"callId":"c"})");
  EXPECT_EQ(scene.said(), std::vector<std::string>{R"(42/call,["hangup",{"callId":"c"}])"});
  ASSERT_TRUE(scene.tell(R"(42/call,["call-hangup",{"callId":"c"}])"));
  ASSERT_TRUE(scene.tell(R"(42["not-ours"])"));
  ASSERT_TRUE(scene.tell("2"));
  EXPECT_EQ(scene.said(), std::vector<std::string>{"3"});
  const auto event = std::get<Client::Event>(*scene.client.poll_event());
  EXPECT_EQ(event.name, "call-hangup");
  EXPECT_EQ(event.args, R"({"callId":"c"})");
  EXPECT_FALSE(scene.client.poll_event());
}

TEST(IoClient, HearsWhyItIsNotLetIn) {
  Scene scene;
  ASSERT_TRUE(scene.tell(kOpen));
  ASSERT_TRUE(scene.tell(R"(44/call,{"message":"Unauthorized"})"));
  EXPECT_EQ(std::get<Client::Refused>(*scene.client.poll_event()).message, "Unauthorized");
  ASSERT_TRUE(scene.tell("41/call,"));
  EXPECT_TRUE(std::holds_alternative<Client::PutOut>(*scene.client.poll_event()));
}

TEST(IoClient, MindsSilence) {
  Scene scene;
  EXPECT_EQ(scene.client.next_timeout(), kStart + seconds{10});
  EXPECT_TRUE(scene.client.handle_timeout(kStart + seconds{9}));
  EXPECT_FALSE(scene.client.handle_timeout(kStart + seconds{10}));
  scene.join();
  EXPECT_EQ(scene.client.next_timeout(), kStart + seconds{45});
  scene.now += seconds{30};
  ASSERT_TRUE(scene.tell("2"));
  EXPECT_TRUE(scene.client.handle_timeout(kStart + seconds{46}));
  EXPECT_FALSE(scene.client.handle_timeout(kStart + seconds{75}));
}

TEST(IoClient, EndsWithAServerThatBreaksTheRules) {
  for (const char* text : {"", "x", "2", "40/call,{}", R"(0{"pingInterval":1})", "0"}) {
    EXPECT_FALSE(Scene{}.tell(text)) << text;
  }
  for (const char* text : {"1", "", "9", "42/call,{}", "42/call,[", "48"}) {
    Scene scene;
    scene.join();
    EXPECT_FALSE(scene.tell(text)) << text;
  }
  Scene flood;
  flood.join();
  bool refused = false;
  for (int i = 0; i < 2000 && !refused; ++i) refused = !flood.tell(R"(42/call,["x"])");
  EXPECT_TRUE(refused) << "what nobody takes is not kept for ever";
}

}  // namespace
}  // namespace zvonok::socketio
