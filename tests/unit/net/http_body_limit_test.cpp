// A body that is limited when its request's header is there.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "net/http_parser.h"

namespace zvonok::net {
namespace {

using Progress = HttpParser::Progress;

/// Feeds `text` in pieces of `piece` bytes, and limits the body as soon as that can be done.
int status_of(std::string_view text, std::size_t piece, std::size_t body_bytes_max) {
  HttpParser parser{{.body_bytes_max = 100, .stops_before_body = true}};
  std::string input;
  bool limited = false;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    input += text.substr(at, piece);
    for (;;) {
      std::size_t consumed = 0;
      const Progress progress = parser.feed(as_bytes(input), consumed);
      input.erase(0, consumed);
      if (progress == Progress::Failed) return parser.failure_status();
      if (progress == Progress::Complete) return 200;
      if (progress == Progress::NeedsBody && !limited) {
        limited = true;
        EXPECT_EQ(parser.head().method, Method::Post);
        EXPECT_EQ(parser.head().path, "/engine.io/");
        EXPECT_EQ(parser.head().query, "sid=x");
        if (!parser.limit_body(body_bytes_max)) return 413;
        continue;
      }
      if (consumed == 0 || input.empty()) break;
    }
  }
  return 0;
}

TEST(HttpBodyLimit, HoldsForLengthsAndForChunks) {
  constexpr std::string_view kHead = "POST http://host/engine.io/?sid=x HTTP/1.1\r\nHost: host\r\n";
  const std::string by_length = std::string{kHead} + "Content-Length: 10\r\n\r\n0123456789";
  const std::string by_chunks =
      std::string{kHead} + "Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n";
  for (const std::string& text : {by_length, by_chunks}) {
    for (const std::size_t piece : {1U, 3U, 1000U}) {
      EXPECT_EQ(status_of(text, piece, 1000), 200) << piece << " of " << text;
      EXPECT_EQ(status_of(text, piece, 10), 200) << piece << " of " << text;
      EXPECT_EQ(status_of(text, piece, 9), 413) << piece << " of " << text;
      EXPECT_EQ(status_of(text, piece, 0), 413) << piece << " of " << text;
    }
  }
}

TEST(HttpBodyLimit, TheHeadIsKnownOfWhatIsTooLongByItsOwnWord) {
  HttpParser parser{{.body_bytes_max = 100, .stops_before_body = true}};
  const std::string_view text = "POST /x?y HTTP/1.1\r\nHost: host\r\nOrigin: https://a\r\nContent-Length: 101\r\n\r\n";
  std::size_t consumed = 0;
  EXPECT_FALSE(parser.has_head());
  ASSERT_EQ(parser.feed(as_bytes(text), consumed), Progress::Failed);
  EXPECT_EQ(parser.failure_status(), 413);
  ASSERT_TRUE(parser.has_head());
  EXPECT_EQ(parser.head().path, "/x");
  EXPECT_EQ(parser.head().header("origin"), "https://a");
  EXPECT_FALSE(parser.head().header("cookie").has_value());
}

TEST(HttpBodyLimit, IsNotAskedForWithoutBody) {
  HttpParser parser{{.stops_before_body = true}};
  const std::string_view text = "GET / HTTP/1.1\r\nHost: host\r\n\r\n";
  std::size_t consumed = 0;
  EXPECT_EQ(parser.feed(as_bytes(text), consumed), Progress::Complete);
  EXPECT_EQ(consumed, text.size());
}

TEST(HttpBodyLimit, NeverRaisesTheServersOwn) {
  HttpParser parser{{.body_bytes_max = 10, .stops_before_body = true}};
  const std::string_view text = "POST / HTTP/1.1\r\nHost: host\r\nContent-Length: 11\r\n\r\n";
  std::size_t consumed = 0;
  EXPECT_EQ(parser.feed(as_bytes(text), consumed), Progress::Failed);
  EXPECT_EQ(parser.failure_status(), 413);
}

}  // namespace
}  // namespace zvonok::net
