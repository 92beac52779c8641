#include "rest/paging.h"

#include <charconv>

namespace zvonok::rest {
namespace {

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<port::PageRequest, Problem> decode_page(const HttpRequest& request) {
  port::PageRequest page{.after = query_value(request.query, "after").value_or(""), .limit = kPageLimitDefault};
  if (page.after.size() > kCursorBytesMax) return fail(bad_request("`after` is no cursor of this listing", "after"));
  if (const auto text = query_value(request.query, "limit")) {
    const auto limit = whole_number(*text);
    if (!limit || *limit < 1 || *limit > port::kPageLimitMax) {
      return fail(bad_request("`limit` must be a number from 1 to 200", "limit"));
    }
    page.limit = *limit;
  }
  return page;
}

}  // namespace zvonok::rest
