// JSON of Socket.IO packets, kept as text: checked once, cut into the pieces that handlers want, never built into
// values and written again, so that what is only passed on stays byte for byte what the client wrote.
//
// RFC 8259, containers nested at most kDepthMax deep. Lone surrogates in \u escapes pass: JavaScript writes them. Bytes
// from 0x80 up are taken as they are, the transport has validated UTF-8. Pure; views point into the scanned text.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zvonok::socketio {

constexpr unsigned kDepthMax = 64;

enum class JsonType { Null, Bool, Number, String, Array, Object };

/// Any JSON text: what it is, and the text without the space around it.
struct JsonValue {
  JsonType type = JsonType::Null;
  std::string_view text;
};

/// nullopt when `text` is not exactly one JSON value, or too deep.
[[nodiscard]] std::optional<JsonValue> scan_value(std::string_view text);

/// An array, cut behind its first element. `items` is what stands between the brackets; `rest` what follows the first
/// element and its comma. Either is "" when there is nothing.
struct JsonArray {
  std::optional<JsonValue> first;
  std::string_view items;
  std::string_view rest;
};

/// nullopt when `text` is not exactly one JSON array, or too deep.
[[nodiscard]] std::optional<JsonArray> scan_array(std::string_view text);

/// The first of comma-separated values, as `JsonArray::items` and `rest` are; nullopt when there is none. `items` loses
/// what is returned. The text has been checked by `scan_array`.
[[nodiscard]] std::optional<JsonValue> take_item(std::string_view& items);

/// A string token (with its quotes) as the text that it means; a lone surrogate becomes U+FFFD.
[[nodiscard]] std::string unescape(std::string_view token);

/// Comma-separated values in which every `{"_placeholder":true,"num":n}` was found, at any depth.
struct Placeholders {
  std::string items;               // with placeholders in their shortest form, renumbered by order of first appearance
  std::vector<std::size_t> order;  // order[n]: the number in the packet of what is now n
};

/// `items` has been checked by `scan_array`. nullopt when a placeholder has no number below `attachments`.
[[nodiscard]] std::optional<Placeholders> find_placeholders(std::string_view items, std::size_t attachments);

/// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace zvonok::socketio
