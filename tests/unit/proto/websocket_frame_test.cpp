// RFC 6455 framing: examples of section 5.7, every refusal, and random chunking of random streams.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/websocket/frame.h"
#include "proto/websocket/handshake.h"

namespace zvonok::websocket {
namespace {

using namespace std::string_literals;

class Recorder final : public MessageSink {
 public:
  void on_message(Opcode opcode, std::string_view payload) override {
    events.push_back((opcode == Opcode::Text ? "text:" : "binary:") + std::string{payload});
  }
  void on_ping(std::string_view payload) override { events.push_back("ping:" + std::string{payload}); }
  void on_pong(std::string_view payload) override { events.push_back("pong:" + std::string{payload}); }
  void on_close(std::uint16_t code, std::string_view reason) override {
    events.push_back("close:" + std::to_string(code) + ":" + std::string{reason});
  }
  [[nodiscard]] bool wants_more() const override { return events.size() < stop_after; }

  std::vector<std::string> events;
  std::size_t stop_after = SIZE_MAX;
};

struct Outcome {
  std::vector<std::string> events;
  bool broken = false;
  CloseCode code{};
  std::size_t buffered = 0;
};

Outcome decode(std::string wire, Sender sender = Sender::Client, DecoderLimits limits = {}) {
  Decoder decoder{sender, limits};
  Recorder recorder;
  const bool ok = decoder.feed({reinterpret_cast<std::uint8_t*>(wire.data()), wire.size()}, recorder);
  return {recorder.events, !ok, ok ? CloseCode{} : decoder.failure().code, decoder.buffered_bytes()};
}

std::string masked(Opcode opcode, std::string_view payload) {
  std::string out;
  append_masked_frame(out, opcode, payload, 0xA1B2C3D4);
  return out;
}

/// A frame with any first byte, masked with zero.
std::string raw_frame(std::uint8_t first, std::string_view payload) {
  std::string out;
  out.push_back(static_cast<char>(first));
  out.push_back(static_cast<char>(0x80 | payload.size()));
  out += "\0\0\0\0"s;
  out += payload;
  return out;
}

using Events = std::vector<std::string>;

TEST(WebSocketFrame, DecodesTheExamplesOfTheRfc) {
  EXPECT_EQ(decode("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s).events, Events{"text:Hello"});
  EXPECT_EQ(decode("\x81\x05\x48\x65\x6c\x6c\x6f"s, Sender::Server).events, Events{"text:Hello"});
  EXPECT_EQ(decode("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f"s, Sender::Server).events, Events{"text:Hello"});
  EXPECT_EQ(decode("\x89\x05\x48\x65\x6c\x6c\x6f"s, Sender::Server).events, Events{"ping:Hello"});
  EXPECT_EQ(decode("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s).events, Events{"pong:Hello"});
}

TEST(WebSocketFrame, RoundTripsEveryLengthForm) {
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 127UL, 65535UL, 65536UL, 100000UL}) {
    const std::string payload(size, 'x');
    EXPECT_EQ(decode(masked(Opcode::Text, payload)).events, Events{"text:" + payload});
    std::string plain;
    append_frame(plain, Opcode::Binary, payload);
    EXPECT_EQ(decode(plain, Sender::Server).events, Events{"binary:" + payload});
  }
}

TEST(WebSocketFrame, DecodesManyFramesOfOneReadAndKeepsTheRest) {
  const std::string wire = masked(Opcode::Text, "one") + masked(Opcode::Ping, "p") + masked(Opcode::Text, "two");
  const Outcome outcome = decode(wire + masked(Opcode::Text, "three").substr(0, 5));
  EXPECT_EQ(outcome.events, (Events{"text:one", "ping:p", "text:two"}));
  EXPECT_EQ(outcome.buffered, 5U);
}

TEST(WebSocketFrame, ControlFramesMayComeBetweenFragments) {
  const std::string wire = raw_frame(0x01, "Hel") + raw_frame(0x89, "?") + raw_frame(0x80, "lo");
  EXPECT_EQ(decode(wire).events, (Events{"ping:?", "text:Hello"}));
}

TEST(WebSocketFrame, ReadsCloseCodes) {
  EXPECT_EQ(decode(raw_frame(0x88, "")).events, Events{"close:1005:"});
  EXPECT_EQ(decode(raw_frame(0x88, "\x03\xe8"s)).events, Events{"close:1000:"});
  EXPECT_EQ(decode(raw_frame(0x88, "\x0f\xa1"s + "bye")).events, Events{"close:4001:bye"});
}

struct Refusal {
  const char* name;
  std::string wire;
  CloseCode code;
};

TEST(WebSocketFrame, RefusesWhatTheRfcForbids) {
  const std::vector<Refusal> refusals{
      {"reserved bit", raw_frame(0xC1, "x"), CloseCode::ProtocolError},
      {"unmasked client", "\x81\x01x"s, CloseCode::ProtocolError},
      {"unknown data opcode", raw_frame(0x83, "x"), CloseCode::ProtocolError},
      {"unknown control opcode", raw_frame(0x8B, "x"), CloseCode::ProtocolError},
      {"fragmented ping", raw_frame(0x09, "x"), CloseCode::ProtocolError},
      {"continuation of nothing", raw_frame(0x80, "x"), CloseCode::ProtocolError},
      {"text within text", raw_frame(0x01, "x") + raw_frame(0x81, "y"), CloseCode::ProtocolError},
      {"long ping", "\x89\xfe\x00\x7e\0\0\0\0"s, CloseCode::ProtocolError},
      {"length not shortest, 16 bits", "\x81\xfe\x00\x7d\0\0\0\0"s, CloseCode::ProtocolError},
      {"length not shortest, 64 bits", "\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"s, CloseCode::ProtocolError},
      {"length with its top bit", "\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0"s, CloseCode::ProtocolError},
      {"huge length, refused at the header", "\x81\xff\0\0\0\x10\0\0\0\0"s, CloseCode::MessageTooBig},
      {"close of one byte", raw_frame(0x88, "x"), CloseCode::ProtocolError},
      {"close code 1005", raw_frame(0x88, "\x03\xed"s), CloseCode::ProtocolError},
      {"close code 999", raw_frame(0x88, "\x03\xe7"s), CloseCode::ProtocolError},
      {"close reason not UTF-8", raw_frame(0x88, "\x03\xe8\xff"s), CloseCode::InvalidPayload},
      {"text not UTF-8", raw_frame(0x81, "\xc3\x28"), CloseCode::InvalidPayload},
  };
  for (const Refusal& refusal : refusals) {
    const Outcome outcome = decode(refusal.wire);
    EXPECT_TRUE(outcome.broken) << refusal.name;
    EXPECT_EQ(outcome.code, refusal.code) << refusal.name;
    EXPECT_TRUE(outcome.events.empty()) << refusal.name;
  }
}

TEST(WebSocketFrame, BoundsMessagesAcrossFragments) {
  const DecoderLimits limits{.message_bytes_max = 10, .fragments_max = 3};
  EXPECT_FALSE(decode(raw_frame(0x01, "12345") + raw_frame(0x80, "67890"), Sender::Client, limits).broken);
  EXPECT_EQ(decode(raw_frame(0x01, "12345") + raw_frame(0x80, "678901"), Sender::Client, limits).code,
            CloseCode::MessageTooBig);
  const std::string tiny = raw_frame(0x00, "");
  EXPECT_EQ(decode(raw_frame(0x01, "") + tiny + tiny + tiny, Sender::Client, limits).code, CloseCode::PolicyViolation);
}

TEST(WebSocketFrame, StopsWhenTheSinkHasEnoughAndGoesOnLater) {
  std::string wire = masked(Opcode::Text, "one") + masked(Opcode::Text, "two") + masked(Opcode::Text, "three");
  Decoder decoder{Sender::Client, {}};
  Recorder recorder;
  recorder.stop_after = 1;
  ASSERT_TRUE(decoder.feed({reinterpret_cast<std::uint8_t*>(wire.data()), wire.size()}, recorder));
  EXPECT_EQ(recorder.events, Events{"text:one"});
  recorder.stop_after = SIZE_MAX;
  ASSERT_TRUE(decoder.feed({}, recorder));
  EXPECT_EQ(recorder.events, (Events{"text:one", "text:two", "text:three"}));
  EXPECT_EQ(decoder.buffered_bytes(), 0U);
}

TEST(WebSocketFrame, ChunkingNeverChangesTheOutcome) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random{seed};
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random); };
    std::string wire;
    for (std::size_t i = 0; i < 20; ++i) {
      const Opcode opcode = below(4) == 0 ? Opcode::Ping : Opcode::Text;
      wire +=
          masked(opcode, std::string(below(opcode == Opcode::Ping ? 126 : 400), static_cast<char>('a' + below(26))));
    }
    const Outcome whole = decode(wire);
    Decoder decoder{Sender::Client, {}};
    Recorder recorder;
    for (std::size_t at = 0; at < wire.size();) {
      const std::size_t size = std::min(1 + below(97), wire.size() - at);
      std::string chunk = wire.substr(at, size);
      ASSERT_TRUE(decoder.feed({reinterpret_cast<std::uint8_t*>(chunk.data()), chunk.size()}, recorder));
      at += size;
    }
    ASSERT_EQ(recorder.events, whole.events) << "seed " << seed;
    ASSERT_EQ(decoder.buffered_bytes(), 0U) << "seed " << seed;
  }
}

TEST(WebSocketFrame, KnowsUtf8) {
  for (const char* good :
       {"", "ascii only, long enough for the fast path", "\xc2\xa2", "\xe2\x82\xac", "\xf0\x9f\x93\x9e", "\xef\xbf\xbf",
        "\xf4\x8f\xbf\xbf", "\xd0\x97\xd0\xb2\xd0\xbe\xd0\xbd"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  }
  for (const std::string& bad :
       {"\x80"s, "\xc0\xaf"s, "\xc1\xbf"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s, "\xf0\x80\x80\x80"s, "\xf4\x90\x80\x80"s,
        "\xf5\x80\x80\x80"s, "\xe2\x82"s, "12345678\xff"s}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
}

TEST(WebSocketHandshake, AnswersTheKeyOfTheRfc) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  for (const char* bad : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ===", "dGhl IHNhbXBsZSBub25jZQ="}) {
    EXPECT_FALSE(accept_key(bad)) << bad;
  }
}

TEST(WebSocketHandshake, FindsTokensInLists) {
  EXPECT_TRUE(has_token("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(has_token("UPGRADE", "upgrade"));
  EXPECT_FALSE(has_token("upgraded", "upgrade"));
  EXPECT_FALSE(has_token("", "upgrade"));
}

}  // namespace
}  // namespace zvonok::websocket
