// `?limit=&after=` of every listing.
#pragma once
#include "base/result.h"
#include "port/store.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

constexpr std::size_t kPageLimitDefault = 50;
constexpr std::size_t kCursorBytesMax = 512;

/// limit: 1 to 200, 50 when absent; after: a cursor of an earlier answer.
[[nodiscard]] Result<port::PageRequest, Problem> decode_page(const HttpRequest& request);

}  // namespace zvonok::rest
