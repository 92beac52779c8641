// The HTTP request parser: framing, limits, refusals. Whatever the pieces, the result is the same.
#include "net/http_parser.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace zvonok::net {
namespace {

using Progress = HttpParser::Progress;

struct Parsed {
  Progress progress = Progress::NeedsHeader;
  HttpRequest request;
  int status = 0;
  std::size_t left = 0;  // bytes that stay for the next request
};

/// Feeds `text` in pieces of `piece` bytes, as a connection would.
Parsed parse(std::string_view text, std::size_t piece, const HttpLimits& limits = {}) {
  HttpParser parser{limits};
  std::string input;
  Parsed out;
  while (out.progress == Progress::NeedsHeader || out.progress == Progress::NeedsBody) {
    const std::string_view more = text.substr(0, piece);
    text.remove_prefix(more.size());
    input += more;
    std::size_t consumed = 0;
    do {
      out.progress = parser.feed(as_bytes(input), consumed);
      input.erase(0, consumed);
    } while (consumed > 0 && !input.empty() &&
             (out.progress == Progress::NeedsHeader || out.progress == Progress::NeedsBody));
    if (more.empty()) break;
  }
  out.left = input.size() + text.size();
  out.status = parser.failure_status();
  if (out.progress == Progress::Complete) out.request = parser.take();
  return out;
}

constexpr std::size_t kPieces[] = {1, 2, 7, 64, 100'000};

TEST(HttpParser, ReadsARequestInAnyPieces) {
  for (const std::size_t piece : kPieces) {
    const Parsed plain = parse("GET /a/b?x=1&y HTTP/1.1\r\nHost: h\r\nX-Two: 2\r\n\r\nGET /next", piece);
    ASSERT_EQ(plain.progress, Progress::Complete) << piece;
    EXPECT_EQ(plain.request.method, Method::Get);
    EXPECT_EQ(plain.request.path, "/a/b");
    EXPECT_EQ(plain.request.query, "x=1&y");
    EXPECT_EQ(plain.request.header("x-two"), "2");
    EXPECT_EQ(plain.left, 9U) << "the next request stays";
    const Parsed body = parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET", piece);
    ASSERT_EQ(body.progress, Progress::Complete) << piece;
    EXPECT_EQ(body.request.body, "hello");
    EXPECT_EQ(body.left, 3U);
    const Parsed chunked = parse(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\nG",
        piece);
    ASSERT_EQ(chunked.progress, Progress::Complete) << piece;
    EXPECT_EQ(chunked.request.body, "hello");
    EXPECT_EQ(chunked.left, 1U);
    EXPECT_FALSE(chunked.request.header("T")) << "trailers are no headers";
    const Parsed empty = parse("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", piece);
    ASSERT_EQ(empty.progress, Progress::Complete) << piece;
    EXPECT_EQ(empty.request.body, "");
  }
}

TEST(HttpParser, RefusesWhatIsBrokenOrTooMuch) {
  struct Case {
    const char* what;
    std::string text;
    int status;
  };
  const HttpLimits limits{.header_bytes_max = 1000, .header_fields_max = 5, .body_bytes_max = 10};
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (const Case& c : {
           Case{"not HTTP", "hello\r\n\r\n", 400},
           Case{"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
           Case{"HTTP/2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
           Case{"a long header", "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", 431},
           Case{"a long target", "GET /" + std::string(2000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
           Case{"many fields", "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n", 431},
           Case{"a long body", head + "Content-Length: 11\r\n\r\n", 413},
           Case{"a longer body than any", head + "Content-Length: 18446744073709551615\r\n\r\n", 413},
           Case{"a long chunk", head + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413},
           Case{"many chunks", head + "Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n", 413},
           Case{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
       }) {
    for (const std::size_t piece : kPieces) {
      const Parsed parsed = parse(c.text, piece, limits);
      EXPECT_EQ(parsed.progress, Progress::Failed) << c.what << " in pieces of " << piece;
      EXPECT_EQ(parsed.status, c.status) << c.what << " in pieces of " << piece;
    }
  }
}

TEST(HttpParser, AsksForMoreUntilTheEnd) {
  const std::string_view text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const Parsed parsed = parse(text.substr(0, size), 100'000);
    EXPECT_TRUE(parsed.progress == Progress::NeedsHeader || parsed.progress == Progress::NeedsBody) << size;
  }
}

}  // namespace
}  // namespace zvonok::net
