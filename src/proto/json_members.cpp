#include "proto/json_members.h"

#include "proto/json_scan.h"

namespace zvonok {

std::optional<std::size_t> count_json_members(std::string_view text) {
  json::ObjectReader reader{text};
  std::size_t count = 0;
  while (reader.next()) ++count;
  if (!reader.valid()) return std::nullopt;
  return count;
}

}  // namespace zvonok
