// The scanner against tables of the grammar, and against Boost.JSON on generated and mutated documents.
#include "proto/json_scan.h"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zvonok::json {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::Pair;

std::string nested(unsigned depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonScan, TakesEveryKindOfValue) {
  const std::pair<std::string, Type> table[] = {
      {"null", Type::Null},
      {"true", Type::Bool},
      {"false", Type::Bool},
      {"0", Type::Number},
      {"-0", Type::Number},
      {"10", Type::Number},
      {"-12.50e+3", Type::Number},
      {"1E9", Type::Number},
      {"0.1e-2", Type::Number},
      {R"("")", Type::String},
      {R"("a")", Type::String},
      {R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00")", Type::String},
      {"[]", Type::Array},
      {"[ 1 , [ ] , {} ]", Type::Array},
      {"{}", Type::Object},
      {R"({"a":{"b":[true]},"a":1})", Type::Object},
      {"\"\x7f\xc3\xa9\"", Type::String},
  };
  for (const auto& [text, type] : table) {
    const std::string padded = " \t\r\n" + text + "\n ";
    const auto value = scan(padded);
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_EQ(value->type, type) << text;
    EXPECT_EQ(value->text, text) << "without the space around";
  }
}

TEST(JsonScan, RefusesWhatIsNotJson) {
  const std::string table[] = {
      "",
      " ",
      "nul",
      "nulll",
      "True",
      "tru",
      "falsy",
      "+1",
      "01",
      "-",
      "-a",
      "1.",
      ".5",
      "1.e3",
      "1e",
      "1e+",
      "0x10",
      "NaN",
      "Infinity",
      "1 2",
      "\"",
      "\"a",
      "\"\\\"",
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\n\"",
      "\"\t\"",
      "\"\x1f\"",
      "'a'",
      "[",
      "]",
      "[1",
      "[1,",
      "[1,]",
      "[,1]",
      "[1 2]",
      "{",
      "}",
      "{\"a\"",
      "{\"a\":",
      "{\"a\":1",
      "{\"a\":1,",
      "{\"a\":1,}",
      "{,}",
      "{a:1}",
      "{\"a\" 1}",
      "{1:2}",
      "{\"a\":1 \"b\":2}",
      "[}",
      "{]",
      "[1]]",
      "{}{}",
      "// no\n1",
      "/**/1",
      "\xef\xbb\xbf{}",
      "\"a\0b\""s,
      "1\0"s,
      // Surrogates that are no pair have no UTF-8 form.
      R"("\ud800")",
      R"("\udc00")",
      R"("\ud800\ud800")",
      R"("\ud800x")",
      R"("\ud800\n")",
      R"("\ud800\u0041")",
  };
  for (const std::string& text : table) EXPECT_FALSE(scan(text).has_value()) << text;
}

TEST(JsonScan, ContainersNestSoDeepAndNoDeeper) {
  EXPECT_TRUE(scan(nested(kDepthMax)));
  EXPECT_FALSE(scan(nested(kDepthMax + 1)));
  EXPECT_FALSE(scan(std::string(100'000, '['))) << "bounded, not a stack overflow";
  const std::string inside = R"({"a":)" + nested(kDepthMax - 1) + "}";
  ObjectReader reader{inside};
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.valid());
  const std::string too_deep = R"({"a":)" + nested(kDepthMax) + "}";
  ObjectReader refuses{too_deep};
  EXPECT_FALSE(refuses.next());
  EXPECT_FALSE(refuses.valid());
}

TEST(JsonScan, AStringMayEndAtAnyOffsetOfAWord) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string plain(length, 'x');
    EXPECT_TRUE(scan('"' + plain + '"')) << length;
    EXPECT_FALSE(scan('"' + plain)) << length;
    EXPECT_FALSE(scan('"' + plain + "\x01\"")) << length;
    EXPECT_TRUE(scan('"' + plain + "\\n" + plain + '"')) << length;
    EXPECT_TRUE(scan('"' + plain + "\xff\x80\"")) << length << ": the high bit is no control character";
  }
}

std::vector<std::pair<std::string, std::string>> members_of(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> members;
  ObjectReader reader{text};
  while (const auto member = reader.next()) members.emplace_back(member->key, member->value.text);
  if (!reader.valid()) members.emplace_back("invalid", "");
  return members;
}

TEST(JsonObjectReader, GivesTheMembersAsTheyStandInTheText) {
  EXPECT_THAT(members_of("{}"), ElementsAre());
  EXPECT_THAT(
      members_of(R"( { "a" : 1.0 , "b\n":"x\"y" ,"c":{"d": [1, 2]}, "a":null } )"),
      ElementsAre(Pair("a", "1.0"), Pair(R"(b\n)", R"("x\"y")"), Pair("c", R"({"d": [1, 2]})"), Pair("a", "null")));
}

TEST(JsonObjectReader, IsInvalidAtTheFirstError) {
  for (const char* text : {"", "[]", "1", "{", R"({"a":1)", R"({"a":1,})", R"({"a":1}x)", R"({"a":1} {})",
                           R"({"a":tru})", R"({"a":1;"b":2})"}) {
    const auto members = members_of(text);
    ASSERT_FALSE(members.empty()) << text;
    EXPECT_EQ(members.back().first, "invalid") << text;
  }
}

TEST(JsonArrayReader, GivesTheElements) {
  ArrayReader reader{R"( [ 1 , "two",[3] ] )"};
  EXPECT_EQ(reader.next()->text, "1");
  EXPECT_EQ(reader.next()->raw_string(), "two");
  EXPECT_EQ(reader.next()->text, "[3]");
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.valid());
  for (const char* text : {"", "{}", "[", "[1", "[1,]", "[,]", "[1 2]", "[1]]"}) {
    ArrayReader refuses{text};
    while (refuses.next()) {
    }
    EXPECT_FALSE(refuses.valid()) << text;
  }
}

TEST(JsonStrings, UnescapeAndAppendAreOneAnothersInverse) {
  EXPECT_EQ(unescape(R"(a\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\uD83D\uDE00z)"), "a\"\\/\b\f\n\r\tAé€😀z");
  EXPECT_EQ(unescape(R"(\u0000)"), "\0"s);
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  std::string out;
  append_string(out, all);
  const auto value = scan(out);
  ASSERT_TRUE(value);
  EXPECT_EQ(unescape(value->raw_string()), all);
  out.clear();
  append_string(out, "a\"b\\c\nd\x1f");
  EXPECT_EQ(out, R"("a\"b\\c\nd\u001f")");
}

TEST(JsonStrings, KeysAreComparedByWhatTheyMean) {
  EXPECT_TRUE(raw_is("userId", "userId"));
  EXPECT_TRUE(raw_is(R"(\u0075serId)", "userId"));
  EXPECT_TRUE(raw_is(R"(user\u0049\u0064)", "userId"));
  EXPECT_FALSE(raw_is("userid", "userId"));
  EXPECT_FALSE(raw_is(R"(\u0076serId)", "userId"));
  EXPECT_FALSE(raw_is("userIdx", "userId"));
  EXPECT_FALSE(raw_is("", "userId"));
}

// ---- against Boost.JSON --------------------------------------------------------------------------------------------

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_{seed} {}

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_); }

  std::string document() {
    std::string out;
    value(out, 0);
    return out;
  }

  /// One to three small edits: bytes changed, dropped, doubled, swapped for others of the grammar.
  void mutate(std::string& text) {
    constexpr std::string_view kInteresting = "{}[]\",:\\/u0123456789abcdefDd8+-.eEtrn \t\n\x01\x1f\x7f";
    for (std::size_t edits = 1 + below(3); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0: text.erase(at, 1 + below(3)); break;
        case 1: text.insert(at, 1, kInteresting[below(kInteresting.size())]); break;
        case 2: text[at] = kInteresting[below(kInteresting.size())]; break;
        case 3: text.insert(at, text.substr(at, 1 + below(8))); break;
        case 4: text.resize(at); break;
      }
    }
  }

 private:
  void space(std::string& out) {
    for (std::size_t i = below(6); i > 4; --i) out.push_back(" \t\n\r"[below(4)]);
  }

  void value(std::string& out, unsigned depth) {
    space(out);
    switch (below(depth > 17 ? 5 : 8)) {
      case 0: out += "null"; break;
      case 1: out += below(2) == 0 ? "true" : "false"; break;
      case 2: number(out); break;
      case 3:
      case 4: string(out); break;
      case 5: list(out, depth, '[', ']'); break;
      case 6: list(out, depth, '{', '}'); break;
      case 7: deep(out, depth); break;
    }
    space(out);
  }

  void list(std::string& out, unsigned depth, char open, char close) {
    out.push_back(open);
    const std::size_t count = below(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out.push_back(',');
      if (open == '{') {
        space(out);
        string(out);
        space(out);
        out.push_back(':');
      }
      value(out, depth + 1);
    }
    out.push_back(close);
  }

  void deep(std::string& out, unsigned depth) {
    const std::size_t levels = 1 + below(18);
    out.append(levels, '[');
    if (below(2) == 0 && depth + levels < 18) value(out, depth + static_cast<unsigned>(levels));
    out.append(levels, ']');
  }

  void number(std::string& out) {
    if (below(3) == 0) out.push_back('-');
    out += below(4) == 0 ? "0" : std::to_string(1 + below(1'000'000));
    if (below(3) == 0) out += "." + std::to_string(below(10'000));
    // Boost.JSON refuses exponents that no double has; the grammar does not, so none are made here.
    if (below(4) == 0)
      out += std::string{"eE"[below(2)]} + std::array{"", "+", "-"}[below(3)] + std::to_string(below(99));
  }

  void string(std::string& out) {
    static const std::vector<std::string> kPieces{"a",
                                                  "v=0",
                                                  " ",
                                                  "\\r\\n",
                                                  "\\\"",
                                                  "\\\\",
                                                  "\\/",
                                                  "\\b\\f\\t",
                                                  "\\u00e9",
                                                  "\\u0000",
                                                  "\\uD83D\\uDE00",
                                                  "é",
                                                  "😀",
                                                  "\x7f",
                                                  "userId",
                                                  "candidate:1 1 udp 2122260223",
                                                  "\\ud800",
                                                  "\\udfff",
                                                  "\\uD83Dx",
                                                  "\\u12"};
    out.push_back('"');
    for (std::size_t i = below(8); i > 0; --i) {
      // The last four are wrong, so they are rare.
      out += kPieces[below(200) == 0 ? below(kPieces.size()) : below(kPieces.size() - 4)];
    }
    out.push_back('"');
  }

  std::mt19937_64 random_;
};

enum class Verdict { Valid, Invalid, Unclear };

/// Unclear where Boost.JSON's answer is about something else than the grammar.
Verdict boost_says(const std::string& text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::error_code error;
  boost::json::parse(text, error, {}, options);
  if (!error) return Verdict::Valid;
  if (error == boost::json::error::exponent_overflow) return Verdict::Unclear;
  return Verdict::Invalid;
}

bool is_utf8(const std::string& text) {
  // Boost.JSON itself as the judge: a string of nothing but the bytes from 0x80 up, in their order.
  std::string high{"\""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_high = static_cast<unsigned char>(text[i]) >= 0x80;
    high.push_back(is_high ? text[i] : 'x');
  }
  high.push_back('"');
  boost::json::error_code error;
  boost::json::parse(high, error);
  return !error;
}

TEST(JsonScan, AgreesWithBoostJson) {
  const char* const wish = std::getenv("ZVONOK_JSON_SEEDS");
  const std::uint64_t seeds = wish != nullptr ? std::strtoull(wish, nullptr, 10) : 30'000;
  std::size_t valid = 0;
  std::size_t invalid = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Generator generator{seed};
    std::string text = generator.document();
    if (seed % 3 != 0) generator.mutate(text);
    if (!is_utf8(text)) continue;  // not the scanner's business
    const Verdict expected = boost_says(text);
    if (expected == Verdict::Unclear) continue;
    ASSERT_EQ(scan(text).has_value(), expected == Verdict::Valid) << "seed " << seed << ": " << text;
    expected == Verdict::Valid ? ++valid : ++invalid;
  }
  EXPECT_GT(valid, seeds / 10) << "the generator makes documents of both kinds";
  EXPECT_GT(invalid, seeds / 10);
}

TEST(JsonObjectReader, GivesTheMembersThatBoostJsonFinds) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    Generator generator{seed};
    const std::string text = "{\"k\":" + generator.document() + ",\"k2\":" + generator.document() + "}";
    if (boost_says(text) != Verdict::Valid) continue;
    const boost::json::object expected = boost::json::parse(text).as_object();
    ObjectReader reader{text};
    std::size_t count = 0;
    while (const auto member = reader.next()) {
      ++count;
      const std::string key = unescape(member->key);
      const boost::json::value* const value = expected.if_contains(key);
      ASSERT_NE(value, nullptr) << "seed " << seed << ": " << key;
      ASSERT_EQ(boost::json::parse(boost::json::string_view{member->value.text.data(), member->value.text.size()}),
                *value)
          << "seed " << seed;
      if (member->value.type == Type::String) {
        const auto& string = value->as_string();
        ASSERT_EQ(unescape(member->value.raw_string()), std::string(string.data(), string.size())) << "seed " << seed;
      }
    }
    ASSERT_TRUE(reader.valid()) << "seed " << seed;
    ASSERT_EQ(count, 2U) << "seed " << seed;
  }
}

}  // namespace
}  // namespace zvonok::json
