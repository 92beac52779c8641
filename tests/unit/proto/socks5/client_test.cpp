#include "proto/socks5/client.h"

#include <string>

#include <gtest/gtest.h>

namespace zvonok::socks5 {
namespace {

using namespace std::string_literals;

const SocketAddress kTarget{.ip = IpAddress::v4(0xC6120001), .port = 10000};

TEST(Socks5, OpensWhateverThePieces) {
  const std::string answers = "\x05\x00\x05\x00\x00\x01\x7F\x00\x00\x01\x12\x34rest"s;
  for (std::size_t piece = 1; piece <= answers.size(); ++piece) {
    Opening opening{Command::UdpAssociate, kTarget};
    std::optional<SocketAddress> bound;
    std::string rest;
    bool asked = false;
    for (std::size_t at = 0; at < answers.size(); at += piece) {
      Bytes chunk = as_bytes(std::string_view{answers}.substr(at, piece));
      const auto answer = opening.feed(chunk);
      ASSERT_TRUE(answer);
      asked = opening.wants_request() || asked;
      if (*answer) bound = *answer;
      rest += as_text(chunk);
    }
    EXPECT_TRUE(asked);
    EXPECT_EQ(bound, (SocketAddress{.ip = IpAddress::v4(0x7F000001), .port = 0x1234})) << piece;
    EXPECT_EQ(rest, "rest") << piece;
  }
}

TEST(Socks5, AsksAsTheRfcSays) {
  EXPECT_EQ(Opening::greeting(), "\x05\x01\x00"s);
  EXPECT_EQ((Opening{Command::Connect, kTarget}.request()), "\x05\x01\x00\x01\xC6\x12\x00\x01\x27\x10"s);
  EXPECT_EQ((Opening{Command::UdpAssociate, {.ip = IpAddress::v6(1, 2), .port = 3}}.request()),
            "\x05\x03\x00\x04\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\3"s);
}

TEST(Socks5, SaysWhyNot) {
  const struct {
    std::string answer;
    Error error;
  } cases[] = {{"\x04\x00"s, Error::NotSocks5},
               {"\x05\xFF"s, Error::WantsAuthentication},
               {"\x05\x00\x05\x01\x00\x01"s, Error::Refused},
               {"\x05\x00\x05\x00\x00\x03"s, Error::NamedAddress},
               {"\x05\x00\x05\x00\x00\x09"s, Error::NotSocks5},
               {"HTTP/1.1 400"s, Error::NotSocks5}};
  for (const auto& one : cases) {
    Opening opening{Command::Connect, kTarget};
    Bytes chunk = as_bytes(one.answer);
    const auto answer = opening.feed(chunk);
    ASSERT_FALSE(answer) << one.answer;
    EXPECT_EQ(answer.error(), one.error);
    EXPECT_FALSE(to_text(answer.error()).empty());
  }
}

TEST(Socks5, WrapsDatagrams) {
  std::array<std::uint8_t, 64> buffer{};
  for (const IpAddress ip : {IpAddress::v4(0xC6120001), IpAddress::v6(0x20010DB800000000, 1)}) {
    const std::size_t size = write_datagram(buffer, {.ip = ip, .port = 7}, as_bytes("hello"));
    const auto datagram = parse_datagram(Bytes{buffer}.first(size));
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->from, (SocketAddress{.ip = ip, .port = 7}));
    EXPECT_EQ(as_text(datagram->payload), "hello");
    for (std::size_t cut = 0; cut < size - 5; ++cut) EXPECT_FALSE(parse_datagram(Bytes{buffer}.first(cut)));
  }
  EXPECT_EQ(write_datagram(MutableBytes{buffer}.first(12), kTarget, as_bytes("hello")), 0U);
  buffer[2] = 1;
  EXPECT_FALSE(parse_datagram(buffer)) << "a fragment";
}

}  // namespace
}  // namespace zvonok::socks5
