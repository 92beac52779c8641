// The scanner never reads outside its text, its parts agree with one another, and it takes and reads exactly what
// Boost.JSON takes and reads.
#include "proto/json_scan.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/check.h"
#include "proto/websocket/frame.h"

using namespace zvonok;

namespace {

boost::json::string_view to_boost(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view from_boost(const boost::json::string& text) {
  return {text.data(), text.size()};
}

void check_inside(std::string_view part, std::string_view whole) {
  ZVONOK_CHECK(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// Written again, a string is what it was.
void check_string(std::string_view raw) {
  const std::string plain = json::unescape(raw);
  std::string again;
  json::append_string(again, plain);
  const auto scanned = json::scan(again);
  ZVONOK_CHECK(scanned && scanned->type == json::Type::String && json::unescape(scanned->raw_string()) == plain);
  ZVONOK_CHECK(json::raw_is(raw, plain));
  ZVONOK_CHECK(!json::raw_is(raw, plain + "x"));
}

void check_parts(std::string_view text) {
  const auto whole = json::scan(text);
  if (whole) check_inside(whole->text, text);

  json::ObjectReader object{text};
  while (const auto member = object.next()) {
    check_inside(member->key, text);
    check_inside(member->value.text, text);
    ZVONOK_CHECK(*member->begin == '"' && member->begin + 1 == member->key.data());
    check_string(member->key);
    if (member->value.type == json::Type::String) check_string(member->value.raw_string());
    const auto value = json::scan(member->value.text);
    ZVONOK_CHECK(value && value->type == member->value.type && value->text == member->value.text);
  }
  ZVONOK_CHECK(!object.next());
  ZVONOK_CHECK(object.valid() == (whole && whole->type == json::Type::Object));

  json::ArrayReader array{text};
  while (const auto element = array.next()) {
    check_inside(element->text, text);
    const auto value = json::scan(element->text);
    ZVONOK_CHECK(value && value->type == element->type && value->text == element->text);
  }
  ZVONOK_CHECK(!array.next());
  ZVONOK_CHECK(array.valid() == (whole && whole->type == json::Type::Array));
}

boost::json::kind kind_of(json::Type type, boost::json::kind number) {
  switch (type) {
    case json::Type::Null: return boost::json::kind::null;
    case json::Type::Bool: return boost::json::kind::bool_;
    case json::Type::Number: return number;
    case json::Type::String: return boost::json::kind::string;
    case json::Type::Array: return boost::json::kind::array;
    case json::Type::Object: return boost::json::kind::object;
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

/// The scanned value is the parsed one, to the bottom.
void check_same(const json::Value& scanned, const boost::json::value& parsed) {
  ZVONOK_CHECK(scanned.type != json::Type::Number || parsed.is_number());
  ZVONOK_CHECK(parsed.kind() == kind_of(scanned.type, parsed.kind()));
  if (scanned.type == json::Type::String) {
    ZVONOK_CHECK(json::unescape(scanned.raw_string()) == from_boost(parsed.as_string()));
  } else if (scanned.type == json::Type::Bool) {
    ZVONOK_CHECK(parsed.as_bool() == (scanned.text == "true"));
  } else if (scanned.type == json::Type::Array) {
    std::size_t index = 0;
    json::ArrayReader reader{scanned.text};
    while (const auto element = reader.next()) check_same(*element, parsed.as_array().at(index++));
    ZVONOK_CHECK(index == parsed.as_array().size());
  } else if (scanned.type == json::Type::Object) {
    // Of repeated keys Boost.JSON keeps the last.
    std::size_t distinct = 0;
    json::ObjectReader reader{scanned.text};
    while (const auto member = reader.next()) {
      const std::string key = json::unescape(member->key);
      ZVONOK_CHECK(parsed.as_object().contains(key));
      bool is_last = true;
      json::ObjectReader behind = reader;
      while (const auto later = behind.next()) is_last = is_last && json::unescape(later->key) != key;
      if (!is_last) continue;
      ++distinct;
      check_same(member->value, parsed.as_object().at(key));
    }
    ZVONOK_CHECK(distinct == parsed.as_object().size());
  }
}

void check_against_boost(std::string_view text) {
  if (!websocket::is_valid_utf8(text)) return;  // whoever feeds the scanner has checked that
  boost::json::parse_options options;
  options.max_depth = json::kDepthMax;
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(to_boost(text), error, {}, options);
  if (error == boost::json::error::exponent_overflow) return;  // about doubles, not about the grammar
  const auto scanned = json::scan(text);
  ZVONOK_CHECK(scanned.has_value() == !error);
  if (scanned) check_same(*scanned, parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A block of its own, so that a read of one byte too many is seen.
  const std::unique_ptr<char[]> copy{new char[size]};
  if (size > 0) std::memcpy(copy.get(), data, size);
  const std::string_view text{copy.get(), size};
  check_parts(text);
  check_against_boost(text);
  std::string written;
  json::append_string(written, text);
  const auto scanned = json::scan(written);
  ZVONOK_CHECK(scanned && json::unescape(scanned->raw_string()) == text);
  return 0;
}
