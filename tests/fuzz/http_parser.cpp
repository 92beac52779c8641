// However the bytes of a client are cut into pieces, the same requests come out; no request breaks a limit or holds
// what could be taken for a line of its own; and a request written again is read as the same.
#include "net/http_parser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"

using namespace zvonok;
using net::HttpLimits;
using net::HttpParser;

namespace {

struct Parsed {
  HttpRequest request;
  bool keep_alive = false;
};

struct Outcome {
  std::vector<Parsed> requests;
  HttpParser::Progress progress = HttpParser::Progress::NeedsHeader;  // of what follows them
  int status = 0;
};

bool same(const HttpRequest& a, const HttpRequest& b) {
  const auto same_header = [](const HttpHeader& x, const HttpHeader& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.method == b.method && a.method_text == b.method_text && a.target == b.target && a.path == b.path &&
         a.query == b.query && a.body == b.body && std::ranges::equal(a.headers, b.headers, same_header);
}

/// The same requests and the same end. But whether the start line counts for the size of a header depends on the pieces
/// in which it came, so a header near its limit may be taken or refused.
bool agree(const Outcome& a, const Outcome& b) {
  const auto same_request = [](const Parsed& x, const Parsed& y) {
    return same(x.request, y.request) && x.keep_alive == y.keep_alive;
  };
  const bool too_large = a.status == 431 || b.status == 431;
  const std::size_t common = std::min(a.requests.size(), b.requests.size());
  if (!too_large && (a.requests.size() != b.requests.size() || a.progress != b.progress)) return false;
  if (a.requests.size() > common && b.status != 431) return false;
  if (b.requests.size() > common && a.status != 431) return false;
  return std::equal(a.requests.begin(), a.requests.begin() + static_cast<std::ptrdiff_t>(common), b.requests.begin(),
                    same_request);
}

/// As a connection does it: unconsumed bytes stay, a new parser follows each request.
Outcome parse(const HttpLimits& limits, std::string_view bytes, const std::vector<std::size_t>& pieces) {
  Outcome outcome;
  HttpParser parser{limits};
  std::string input;
  std::size_t at = 0;
  for (const std::size_t size : pieces) {
    input += bytes.substr(at, size);
    at += size;
    while (!input.empty()) {
      std::size_t consumed = 0;
      outcome.progress = parser.feed(as_bytes(input), consumed);
      ZVONOK_CHECK(consumed <= input.size());
      input.erase(0, consumed);
      if (outcome.progress == HttpParser::Progress::Failed) {
        outcome.status = parser.failure_status();
        ZVONOK_CHECK(outcome.status >= 400 && outcome.status <= 505 && !parser.failure_reason().empty());
        return outcome;
      }
      if (outcome.progress != HttpParser::Progress::Complete) {
        if (consumed == 0) break;
        continue;
      }
      const bool keep_alive = parser.keep_alive();
      outcome.requests.push_back({parser.take(), keep_alive});
      outcome.progress = HttpParser::Progress::NeedsHeader;
      parser = HttpParser{limits};
    }
  }
  return outcome;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void check_request(const HttpRequest& request, const HttpLimits& limits) {
  ZVONOK_CHECK(request.body.size() <= limits.body_bytes_max);
  ZVONOK_CHECK(request.headers.size() <= limits.header_fields_max);
  ZVONOK_CHECK(!request.method_text.empty() && !has_control(request.method_text));
  ZVONOK_CHECK(!has_control(request.target) && request.target.find(' ') == std::string::npos);
  const std::string whole = request.path + (request.target.find('?') == std::string::npos ? "" : "?" + request.query);
  ZVONOK_CHECK(whole == request.target && request.path.find('?') == std::string::npos);
  std::size_t header_bytes = 0;
  std::size_t hosts = 0;
  for (const HttpHeader& header : request.headers) {
    ZVONOK_CHECK(!header.name.empty() && !has_control(header.name) && !has_control(header.value));
    ZVONOK_CHECK(header.name.find_first_of(" \t:") == std::string::npos);
    header_bytes += header.name.size() + header.value.size();
    if (equal_ignoring_case(header.name, "Host")) ++hosts;
  }
  ZVONOK_CHECK(header_bytes + request.target.size() <= 2 * limits.header_bytes_max && hosts <= 1);
}

/// A proxy in front and this parser must agree where a request ends (RFC 9112 section 6.3).
void check_framing(const HttpRequest& request) {
  std::size_t lengths = 0;
  std::size_t encodings = 0;
  for (const HttpHeader& header : request.headers) {
    if (equal_ignoring_case(header.name, "Content-Length")) ++lengths;
    if (equal_ignoring_case(header.name, "Transfer-Encoding")) ++encodings;
  }
  ZVONOK_CHECK(lengths == 0 || encodings == 0);
  ZVONOK_CHECK(!request.body.empty() ? lengths + encodings > 0 : true);
}

void check_round_trip(const HttpRequest& request, const HttpLimits& limits) {
  if (request.header("Transfer-Encoding")) return;
  std::string text = request.method_text + " " + request.target + " HTTP/1.1\r\n";
  for (const HttpHeader& header : request.headers) text += header.name + ": " + header.value + "\r\n";
  text += "\r\n" + request.body;
  // The client may have written it shorter, or in HTTP/1.0 without a Host.
  HttpLimits roomy = limits;
  roomy.header_bytes_max = 2 * limits.header_bytes_max + 1024;
  if (!request.header("Host")) return;
  const Outcome again = parse(roomy, text, {text.size()});
  ZVONOK_CHECK(again.requests.size() == 1 && same(again.requests.front().request, request));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  HttpLimits limits;
  constexpr std::size_t kHeaderLimits[] = {16 * 1024, 64, 300};
  constexpr std::size_t kBodyLimits[] = {1024 * 1024, 10, 0};
  limits.header_bytes_max = kHeaderLimits[input.below(3)];
  limits.body_bytes_max = kBodyLimits[input.below(3)];
  limits.header_fields_max = input.below(4) == 0 ? 3 : 100;
  const std::uint32_t seed = input.byte() * 256U + input.byte();
  // A header that never ends may be refused early or late; with its end it has to be the same.
  const std::string bytes = std::string{input.rest()} + "\r\n\r\n";

  const Outcome whole = parse(limits, bytes, {bytes.size()});
  for (const Parsed& parsed : whole.requests) {
    check_request(parsed.request, limits);
    check_framing(parsed.request);
    check_round_trip(parsed.request, limits);
  }
  ZVONOK_CHECK(agree(parse(limits, bytes, fuzz::piece_sizes(seed, bytes.size())), whole));
  ZVONOK_CHECK(agree(parse(limits, bytes, std::vector<std::size_t>(bytes.size(), 1)), whole));
  return 0;
}
