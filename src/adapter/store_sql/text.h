// What the adapter does to texts before SQL sees them: checks, case folding, search patterns and listing cursors. Doing
// it here, not in SQL, makes both databases answer alike whatever their locale is.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "port/store.h"

namespace zvonok::store_sql {

/// Valid UTF-8 (RFC 3629) without NUL: what both databases can hold.
[[nodiscard]] bool storable(std::string_view text);

/// Lower case of the letters of Latin-1, Latin Extended-A, Greek and Cyrillic; other characters stay. `text` has to be
/// valid UTF-8. Never longer in bytes than the original.
[[nodiscard]] std::string fold_case(std::string_view text);

/// At most `count` code points from the start of valid UTF-8.
[[nodiscard]] std::string_view first_code_points(std::string_view text, std::size_t count);

/// A LIKE pattern (ESCAPE '!') that finds `part` anywhere.
[[nodiscard]] std::string containing_pattern(std::string_view part);

/// Collects the first text of a write that breaks the limits of port/store.h. Messages name the field, never the text.
class TextCheck {
 public:
  /// 1 to `bytes_max` bytes.
  TextCheck& required(std::string_view field, std::string_view text, std::size_t bytes_max = port::kIdBytesMax);
  /// 0 to `bytes_max` bytes.
  TextCheck& allowed(std::string_view field, std::string_view text, std::size_t bytes_max);
  [[nodiscard]] const std::optional<port::StoreError>& error() const { return error_; }

 private:
  std::optional<port::StoreError> error_;
};

/// Could a row with this id exist? Look-ups of other texts need no database.
[[nodiscard]] bool possible_id(std::string_view text);

// ---- cursors -----------------------------------------------------------------------------------------------------

enum class Listing : char { Users = 'u', Calls = 'c', Chats = 'p', Groups = 'g', Members = 'm' };

/// The sort key of the last row of a page.
struct Cursor {
  std::string key;
  std::string id;
};
struct TimeCursor {
  std::int64_t at = 0;
  std::string id;
};

[[nodiscard]] std::string encode_cursor(Listing listing, const Cursor& cursor);
[[nodiscard]] std::string encode_cursor(Listing listing, const TimeCursor& cursor);
/// nullopt for what `encode_cursor` does not give out for this listing.
[[nodiscard]] std::optional<Cursor> decode_cursor(Listing listing, std::string_view text);
[[nodiscard]] std::optional<TimeCursor> decode_time_cursor(Listing listing, std::string_view text);

}  // namespace zvonok::store_sql
