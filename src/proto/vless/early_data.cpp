#include "proto/vless/early_data.h"

#include <algorithm>
#include <string>

#include "base/base64.h"

namespace zvonok::vless {

std::optional<std::vector<std::uint8_t>> decode_early_data(std::string_view header_value) {
  constexpr std::size_t kTextBytesMax = (kEarlyDataBytesMax + 2) / 3 * 4;
  if (header_value.size() > kTextBytesMax) return std::nullopt;
  for (int padding = 0; padding < 2 && header_value.ends_with('='); ++padding) header_value.remove_suffix(1);
  std::string text{header_value};
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  auto bytes = base64url_decode(text);
  if (!bytes || bytes->empty() || bytes->size() > kEarlyDataBytesMax) return std::nullopt;
  return bytes;
}

}  // namespace zvonok::vless
