// Tells whether a JSON object names a member twice. Boost.JSON keeps the last of such members without a word, other
// parsers the first; where two readers of one text must not understand different things, it is refused.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace zvonok {

/// How many members the object `text` has, those with a repeated name counted each; nullopt when it is no JSON object.
/// The parsed object has fewer exactly when names repeat. Members of inner objects are not looked at.
[[nodiscard]] std::optional<std::size_t> count_json_members(std::string_view text);

}  // namespace zvonok
