// JSON read in place: a strict RFC 8259 scanner that hands out the members of an object as spans of the text, so that
// what is only relayed is never parsed into values and written again. Allocates nothing.
//
// Stricter than the grammar in two ways: containers nest at most kDepthMax deep, and \u escapes of surrogates come in
// pairs (section 8.2). Bytes from 0x80 up are taken as they are: whoever feeds the scanner has validated UTF-8.
// Repeated keys are allowed (section 4) and all handed out. Pure; views point into the scanned text.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace zvonok::json {

constexpr unsigned kDepthMax = 16;

enum class Type { Null, Bool, Number, String, Array, Object };

/// `text` is the value as it stands in the document: a string with its quotes, no whitespace around.
struct Value {
  Type type = Type::Null;
  std::string_view text;
  /// What stands between a string's quotes, still escaped.
  [[nodiscard]] std::string_view raw_string() const { return text.substr(1, text.size() - 2); }
};

/// `key` is what stands between the quotes, still escaped: compare with `raw_is`. `begin` is the key's opening quote.
struct Member {
  std::string_view key;
  Value value;
  const char* begin = nullptr;
};

/// The one value that the whole text is, if it is valid.
[[nodiscard]] std::optional<Value> scan(std::string_view text);

/// Reads the members of an object one by one, checking as it goes. Only when `next` has returned false does `valid`
/// tell about the whole text.
///
///     ObjectReader reader{text};
///     while (const auto member = reader.next()) { ... }
///     if (!reader.valid()) ...  // nothing of it can be trusted
class ObjectReader {
 public:
  explicit ObjectReader(std::string_view text);
  /// nullopt at the end and at the first error.
  [[nodiscard]] std::optional<Member> next();
  /// True when the text was one object, read to its end.
  [[nodiscard]] bool valid() const { return state_ == State::Done; }

 private:
  enum class State { First, Further, Done, Bad };
  std::optional<Member> bad();
  std::optional<Member> finish();

  const char* at_;
  const char* end_;
  State state_ = State::First;
};

/// The same for the elements of an array.
class ArrayReader {
 public:
  explicit ArrayReader(std::string_view text);
  [[nodiscard]] std::optional<Value> next();
  [[nodiscard]] bool valid() const { return state_ == State::Done; }

 private:
  enum class State { First, Further, Done, Bad };
  std::optional<Value> finish();

  const char* at_;
  const char* end_;
  State state_ = State::First;
};

/// Whether a scanned (raw) string says `plain`, which is free of characters that JSON must escape.
[[nodiscard]] bool raw_is(std::string_view raw, std::string_view plain);

/// A scanned (raw) string as the text that it means, in UTF-8.
[[nodiscard]] std::string unescape(std::string_view raw);

/// Appends `text` as a JSON string with its quotes, escaping what section 7 demands and nothing else.
void append_string(std::string& out, std::string_view text);

}  // namespace zvonok::json
