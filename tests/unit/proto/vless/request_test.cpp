#include "proto/vless/request.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::vless {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr std::string_view kUuid = "00112233-4455-4677-8899-aabbccddeeff";
const Buffer kKeyBytes{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};

/// A request with these addons, and after them these bytes.
Buffer request(const Buffer& addons, const Buffer& rest) {
  Buffer bytes{0};
  bytes.insert(bytes.end(), kKeyBytes.begin(), kKeyBytes.end());
  bytes.push_back(static_cast<std::uint8_t>(addons.size()));
  bytes.insert(bytes.end(), addons.begin(), addons.end());
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

struct Read {
  std::optional<Request> request;
  std::optional<RequestError> error;
  std::size_t used = 0;
};

Read read(const Buffer& stream, std::size_t piece) {
  RequestReader reader;
  Read result;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    Bytes chunk = Bytes{stream}.subspan(at, std::min(piece, stream.size() - at));
    const std::size_t before = chunk.size();
    const auto got = reader.next(chunk);
    result.used += before - chunk.size();
    if (!got) {
      result.error = got.error();
      return result;
    }
    if (*got) {
      result.request = **got;
      return result;
    }
    EXPECT_TRUE(chunk.empty());
  }
  return result;
}

struct Good {
  std::string name;
  Buffer bytes;
  Command command;
  std::string target;  // empty: none
};

const std::vector<Good> kGood{
    {"TCP to IPv4", request({}, {1, 0x01, 0xBB, 1, 198, 18, 0, 2}), Command::Tcp, "198.18.0.2:443"},
    {"UDP to IPv4", request({}, {2, 0x27, 0x10, 1, 198, 18, 0, 2}), Command::Udp, "198.18.0.2:10000"},
    {"TCP to IPv6", request({}, {1, 0, 5, 3, 0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), Command::Tcp,
     "[2001:db8::1]:5"},
    {"UDP to a mapped IPv4", request({}, {2, 0, 5, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1}),
     Command::Udp, "127.0.0.1:5"},
    {"TCP to a name", request({}, {1, 0, 80, 2, 4, 'h', 'o', 's', 't'}), Command::Tcp, ""},
    {"TCP to a name of no bytes", request({}, {1, 0, 80, 2, 0}), Command::Tcp, ""},
    {"Mux", request({}, {3}), Command::Mux, ""},
    {"a seed is ignored", request({0x12, 3, 1, 2, 3}, {3}), Command::Mux, ""},
    {"an empty flow is none", request({0x0A, 0}, {3}), Command::Mux, ""},
    {"unknown fields are ignored", request({0x18, 0x96, 0x01, 0x25, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8}, {3}),
     Command::Mux, ""},
    {"as many addons as there can be",
     request(
         [] {
           Buffer addons(255, 0);
           addons[0] = 0x12;
           addons[1] = 0xFC;
           addons[2] = 0x01;
           return addons;
         }(),
         {3}),
     Command::Mux, ""},
};

TEST(VlessRequest, IsReadHoweverItIsCut) {
  for (const Good& good : kGood) {
    Buffer stream = good.bytes;
    stream.insert(stream.end(), {9, 9, 9});  // payload is left alone
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
      const Read got = read(stream, piece);
      ASSERT_TRUE(got.request) << good.name << " in pieces of " << piece;
      EXPECT_EQ(got.used, good.bytes.size()) << good.name << " in pieces of " << piece;
      EXPECT_EQ(got.request->command, good.command) << good.name;
      EXPECT_EQ(got.request->target.at ? got.request->target.at->to_text() : "", good.target) << good.name;
      EXPECT_TRUE(std::ranges::equal(got.request->user.bytes, kKeyBytes)) << good.name;
    }
  }
}

TEST(VlessRequest, SplitInTwoAtEveryByte) {
  for (const Good& good : kGood) {
    for (std::size_t cut = 0; cut <= good.bytes.size(); ++cut) {
      RequestReader reader;
      Bytes first = Bytes{good.bytes}.first(cut);
      const auto half = reader.next(first);
      ASSERT_TRUE(half) << good.name;
      if (cut == good.bytes.size()) {
        EXPECT_TRUE(*half) << good.name;
        continue;
      }
      EXPECT_FALSE(*half) << good.name << " at " << cut;
      Bytes second = Bytes{good.bytes}.subspan(cut);
      const auto whole = reader.next(second);
      EXPECT_TRUE(whole && *whole && second.empty()) << good.name << " at " << cut;
    }
  }
}

TEST(VlessRequest, RefusesWhatIsNotForThisServer) {
  struct Bad {
    std::string name;
    Buffer bytes;
    RequestError error;
  };
  const Buffer vision = [] {
    Buffer addons{0x0A, 16};
    for (const char c : std::string{"xtls-rprx-vision"}) addons.push_back(static_cast<std::uint8_t>(c));
    return addons;
  }();
  const std::vector<Bad> table{
      {"version 1", Buffer(40, 1), RequestError::Version},
      {"HTTP", {'G', 'E', 'T', ' '}, RequestError::Version},
      {"command 0", request({}, {0, 0, 80, 1, 1, 2, 3, 4}), RequestError::Command},
      {"reverse proxy", request({}, {4}), RequestError::Command},
      {"command 255", request({}, {255}), RequestError::Command},
      {"address kind 0", request({}, {1, 0, 80, 0}), RequestError::AddressKind},
      {"address kind of SOCKS's IPv6", request({}, {1, 0, 80, 4}), RequestError::AddressKind},
      {"a flow", request(vision, {3}), RequestError::Addons},
      {"a flow after a seed", request({0x12, 1, 7, 0x0A, 1, 'x'}, {3}), RequestError::Addons},
      {"a flow cut short", request({0x0A, 16, 'x'}, {3}), RequestError::Addons},
      {"a length past the end", request({0x12, 9, 1}, {3}), RequestError::Addons},
      {"a number without an end", request({0x18, 0xFF, 0xFF}, {3}), RequestError::Addons},
      {"a number longer than any", request(Buffer(30, 0xFF), {3}), RequestError::Addons},
      {"a group", request({0x1B}, {3}), RequestError::Addons},
  };
  for (const Bad& bad : table) {
    for (std::size_t piece = 1; piece <= bad.bytes.size(); ++piece) {
      const Read got = read(bad.bytes, piece);
      ASSERT_TRUE(got.error) << bad.name << " in pieces of " << piece;
      EXPECT_EQ(*got.error, bad.error) << bad.name;
    }
  }
}

TEST(VlessRequest, IsWrittenAsItIsRead) {
  for (const char* const target : {"198.18.0.2:443", "[2001:db8::1]:5"}) {
    for (const Command command : {Command::Tcp, Command::Udp, Command::Mux}) {
      Request request{.user = *parse_user_key(kUuid), .command = command, .target = {}};
      if (command != Command::Mux) request.target.at = SocketAddress::parse(target);
      Buffer buffer(kRequestBytesMax);
      ByteWriter writer{buffer};
      write_request(writer, request);
      ASSERT_TRUE(writer.ok());
      buffer.resize(writer.size());
      const Read got = read(buffer, buffer.size());
      ASSERT_TRUE(got.request);
      EXPECT_TRUE(*got.request == request);
    }
  }
}

TEST(VlessRequest, NeedsNoMoreThanTheLongestRequest) {
  Buffer name{1, 0, 80, 2, 255};
  name.resize(5 + 255, 'n');
  Buffer addons(255, 0);
  addons[0] = 0x12;
  addons[1] = 0xFC;
  addons[2] = 0x01;
  const Buffer longest = request(addons, name);
  EXPECT_EQ(longest.size(), kRequestBytesMax);
  const Read got = read(longest, 1);
  ASSERT_TRUE(got.request);
  EXPECT_FALSE(got.request->target.at);
}

TEST(VlessUserKey, IsReadFromAUuid) {
  const auto key = parse_user_key(kUuid);
  ASSERT_TRUE(key);
  EXPECT_TRUE(std::ranges::equal(key->bytes, kKeyBytes));
  EXPECT_TRUE(parse_user_key("00112233-4455-4677-8899-AABBCCDDEEFF") == key);
  for (const char* const bad :
       {"", "00112233", "00112233-4455-4677-8899-aabbccddeef", "00112233-4455-4677-8899-aabbccddeefff",
        "0011223-34455-4677-8899-aabbccddeeff", "00112233445546778899aabbccddeeff",
        "g0112233-4455-4677-8899-aabbccddeeff", "00112233-4455-4677-8899-aabbccddee-f"}) {
    EXPECT_FALSE(parse_user_key(bad)) << bad;
  }
}

}  // namespace
}  // namespace zvonok::vless
