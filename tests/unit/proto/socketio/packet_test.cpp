#include "proto/socketio/packet.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::socketio {
namespace {

struct Expected {
  std::string_view text;
  PacketType type;
  std::string_view nsp = "/";
  std::optional<AckId> id{};
  std::size_t attachments = 0;
  std::string_view payload{};
  std::string_view name{};
  std::string_view args{};
};

TEST(SocketPacket, IsReadInAllItsParts) {
  const Expected cases[] = {
      {.text = "0", .type = PacketType::Connect},
      {.text = R"(0{"token":"x"})", .type = PacketType::Connect, .payload = R"({"token":"x"})"},
      {.text = "0/call", .type = PacketType::Connect, .nsp = "/call"},
      {.text = "0/call,", .type = PacketType::Connect, .nsp = "/call"},
      {.text = "0/call?x=1,{}", .type = PacketType::Connect, .nsp = "/call?x=1", .payload = "{}"},
      {.text = "1", .type = PacketType::Disconnect},
      {.text = "1/call,", .type = PacketType::Disconnect, .nsp = "/call"},
      {.text = R"(2["a"])", .type = PacketType::Event, .name = R"("a")"},
      {.text = R"(2["a",1,"2",{"3":[true]}])",
       .type = PacketType::Event,
       .name = R"("a")",
       .args = R"(1,"2",{"3":[true]})"},
      {.text = R"(2/call,7["a",{}])",
       .type = PacketType::Event,
       .nsp = "/call",
       .id = 7,
       .name = R"("a")",
       .args = "{}"},
      {.text = R"(20["a"])", .type = PacketType::Event, .id = 0, .name = R"("a")"},
      {.text = R"(2999999999["a"])", .type = PacketType::Event, .id = 999999999, .name = R"("a")"},
      {.text = R"(29007199254740992["a"])", .type = PacketType::Event, .id = 9007199254740992, .name = R"("a")"},
      {.text = "2[1,2]", .type = PacketType::Event, .name = "1", .args = "2"},
      {.text = "2", .type = PacketType::Event},
      {.text = "3456[]", .type = PacketType::Ack, .id = 456},
      {.text = R"(3/call,1[1,"2"])", .type = PacketType::Ack, .nsp = "/call", .id = 1, .args = R"(1,"2")"},
      {.text = R"(4{"message":"x"})", .type = PacketType::ConnectError, .payload = R"({"message":"x"})"},
      {.text = R"(4"x")", .type = PacketType::ConnectError, .payload = R"("x")"},
      {.text = R"(52-["a",{"_placeholder":true,"num":0}])",
       .type = PacketType::BinaryEvent,
       .attachments = 2,
       .name = R"("a")",
       .args = R"({"_placeholder":true,"num":0})"},
      {.text = R"(510-/call,3["a"])",
       .type = PacketType::BinaryEvent,
       .nsp = "/call",
       .id = 3,
       .attachments = 10,
       .name = R"("a")"},
      {.text = "61-7[1]", .type = PacketType::BinaryAck, .id = 7, .attachments = 1, .args = "1"},
  };
  for (const Expected& c : cases) {
    const auto packet = parse_packet(c.text);
    ASSERT_TRUE(packet) << c.text << ": " << to_text(packet.error());
    EXPECT_EQ(packet->type, c.type) << c.text;
    EXPECT_EQ(packet->nsp, c.nsp) << c.text;
    EXPECT_EQ(packet->id, c.id) << c.text;
    EXPECT_EQ(packet->attachments, c.attachments) << c.text;
    EXPECT_EQ(packet->payload, c.payload) << c.text;
    EXPECT_EQ(packet->name, c.name) << c.text;
    EXPECT_EQ(packet->args, c.args) << c.text;
  }
}

TEST(SocketPacket, FaultsHaveTheirReasons) {
  const struct {
    std::string text;
    PacketError error;
  } cases[] = {
      {"", PacketError::UnknownType},
      {"abc", PacketError::UnknownType},
      {"7", PacketError::UnknownType},
      {"-1", PacketError::UnknownType},
      {R"(5["a"])", PacketError::BadAttachments},
      {R"(5-["a"])", PacketError::BadAttachments},
      {R"(50-["a"])", PacketError::BadAttachments},
      {R"(511-["a"])", PacketError::BadAttachments},
      {R"(5999999999999999999999-["a"])", PacketError::BadAttachments},
      {R"(51.5-["a"])", PacketError::BadAttachments},
      {R"(5x-["a"])", PacketError::BadAttachments},
      {R"(5-1-["a"])", PacketError::BadAttachments},
      {"51", PacketError::BadAttachments},
      {"0/" + std::string(2000, 'x'), PacketError::BadNamespace},
      {R"(29007199254740993["a"])", PacketError::BadAckId},
      {R"(299999999999999999999999["a"])", PacketError::BadAckId},
      {"0[]", PacketError::BadShape},
      {"0\"x\"", PacketError::BadShape},
      {"0{", PacketError::BadJson},
      {"0{}x", PacketError::BadJson},
      {"1{}", PacketError::BadShape},
      {"1[]", PacketError::BadShape},
      {"2{}", PacketError::BadShape},
      {"2[]", PacketError::BadShape},
      {"2[{}]", PacketError::BadShape},
      {"2[null]", PacketError::BadShape},
      {"2\"a\"", PacketError::BadShape},
      {R"(2abc["a"])", PacketError::BadJson},
      {R"(2["a"]x)", PacketError::BadJson},
      {R"(2["a")", PacketError::BadJson},
      {R"(2["a"])" + std::string(1, '\0'), PacketError::BadJson},
      {"2" + std::string(65, '[') + std::string(65, ']'), PacketError::BadJson},
      {R"(2["connect"])", PacketError::ReservedName},
      {R"(2["connect_error"])", PacketError::ReservedName},
      {R"(2["disconnect"])", PacketError::ReservedName},
      {R"(2["disconnecting"])", PacketError::ReservedName},
      {R"(2["newListener"])", PacketError::ReservedName},
      {R"(2["removeListener"])", PacketError::ReservedName},
      {R"(2["\u0063onnect"])", PacketError::ReservedName},
      {R"(51-["connect"])", PacketError::ReservedName},
      {"31{}", PacketError::BadShape},
      {"31\"a\"", PacketError::BadShape},
      {"31[", PacketError::BadJson},
      {"4[]", PacketError::BadShape},
      {"51-{}", PacketError::BadShape},
      {R"(51-[{"_placeholder":true,"num":0}])", PacketError::BadShape},
  };
  for (const auto& c : cases) {
    const auto packet = parse_packet(c.text);
    ASSERT_FALSE(packet) << c.text;
    EXPECT_EQ(to_text(packet.error()), to_text(c.error)) << c.text;
  }
}

TEST(SocketPacket, ThirtyTwoLevelsPass) {
  EXPECT_TRUE(parse_packet(R"(2["a",)" + std::string(32, '[') + std::string(32, ']') + "]"));
}

TEST(SocketPacket, IsWrittenAsItIsRead) {
  const auto event = [](const PacketHead& head, std::string_view name, std::string_view args) {
    std::string out;
    append_event(out, head, name, args);
    return out;
  };
  EXPECT_EQ(event({}, "a", ""), R"(42["a"])");
  EXPECT_EQ(event({}, "a", R"(1,"2",{"3":[true]})"), R"(42["a",1,"2",{"3":[true]}])");
  EXPECT_EQ(event({.nsp = "/call", .id = 7}, "a\"b", "{}"), R"(42/call,7["a\"b",{}])");
  EXPECT_EQ(event({.nsp = "/call", .attachments = 2}, "a", "1"), R"(452-/call,["a",1])");
  std::string ack;
  append_ack(ack, {.type = PacketType::Ack, .id = 456}, R"(1,"2")");
  EXPECT_EQ(ack, R"(43456[1,"2"])");
  ack.clear();
  append_ack(ack, {.type = PacketType::Ack, .nsp = "/call", .id = 0, .attachments = 1}, "");
  EXPECT_EQ(ack, "461-/call,0[]");
  std::string head;
  append_head(head, {.type = PacketType::Disconnect, .nsp = "/call"});
  EXPECT_EQ(head, "41/call,");
}

}  // namespace
}  // namespace zvonok::socketio
