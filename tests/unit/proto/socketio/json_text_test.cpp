#include "proto/socketio/json_text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::socketio {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(SocketJson, TakesWhatIsJson) {
  for (const std::string_view text :
       {"null", "true", "false", "0", "-0", "12.5e-3", "1E+9", "\"\"", "\"a\\n\\u00e9\\ud800\"", "[]", "{}", " [ ] ",
        "[1,[2,{\"a\":[]}],{}]", "{\"a\":{\"a\":1},\"b\":[{}]}", "\t{ \"a\" : [ 1 , 2 ] }\r\n", "\"\xE2\x82\xAC\""}) {
    EXPECT_TRUE(scan_value(text)) << text;
  }
}

TEST(SocketJson, RefusesWhatIsNot) {
  for (const std::string_view text :
       {"",          " ",     "nul",     "truex",       "01",        "1.",       ".5",         "-",     "+1",
        "1e",        "\"",    "\"\\x\"", "\"\\u12g4\"", "\"\n\"",    "\"\x1e\"", "[",          "]",     "[1,]",
        "[,1]",      "[1 2]", "[1}",     "{]",          "{\"a\"}",   "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:2}",
        "{\"a\" 1}", "[]]",   "[] []",   "1 2",         "{\"a\":1]", "NaN",      "'a'",        "[[[",   "{\"a\":[}"}) {
    EXPECT_FALSE(scan_value(text)) << text;
  }
}

TEST(SocketJson, IsBoundedInDepth) {
  EXPECT_TRUE(scan_value(nested(32)));
  EXPECT_TRUE(scan_value(nested(kDepthMax)));
  EXPECT_FALSE(scan_value(nested(kDepthMax + 1)));
  EXPECT_FALSE(scan_value(nested(50'000)));
  EXPECT_FALSE(scan_value(std::string(1'000'000, '[')));
}

TEST(SocketJson, CutsAnArrayBehindItsFirstElement) {
  const struct {
    std::string_view text;
    std::string_view first;
    std::string_view items;
    std::string_view rest;
  } cases[] = {
      {R"(["a"])", R"("a")", R"("a")", ""},
      {R"(["a",1,[2,3]])", R"("a")", R"("a",1,[2,3])", "1,[2,3]"},
      {R"( [ "a" , 1 ] )", R"("a")", R"("a" , 1 )", "1 "},
      {R"([{"x":","},"]"])", R"({"x":","})", R"({"x":","},"]")", R"("]")"},
  };
  for (const auto& c : cases) {
    const auto array = scan_array(c.text);
    ASSERT_TRUE(array && array->first) << c.text;
    EXPECT_EQ(array->first->text, c.first);
    EXPECT_EQ(array->items, c.items);
    EXPECT_EQ(array->rest, c.rest);
  }
  EXPECT_FALSE(scan_array("[ ]")->first);
  EXPECT_FALSE(scan_array("{}"));
  EXPECT_FALSE(scan_array("[1"));
}

TEST(SocketJson, HandsOutItemsOneByOne) {
  std::string_view items = R"( 1 , "a,b" ,{"c":[1,2]}, null)";
  std::vector<std::string> texts;
  while (const auto item = take_item(items)) texts.emplace_back(item->text);
  EXPECT_EQ(texts, (std::vector<std::string>{"1", R"("a,b")", R"({"c":[1,2]})", "null"}));
  std::string_view none;
  EXPECT_FALSE(take_item(none));
}

TEST(SocketJson, UnescapesStrings) {
  EXPECT_EQ(unescape(R"("a\"b\\c\/\b\f\n\r\t")"), "a\"b\\c/\b\f\n\r\t");
  EXPECT_EQ(unescape(R"("\u0041\u00e9\u20ac\ud83d\ude00")"), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(unescape(R"("\ud800")"), "\xEF\xBF\xBD");
  EXPECT_EQ(unescape(R"("\ud800\u0041\udc00x")"),
            "\xEF\xBF\xBD"
            "A\xEF\xBF\xBDx");
  EXPECT_EQ(unescape(R"("")"), "");
}

TEST(SocketPlaceholders, AreFoundAnywhereAndNumberedByAppearance) {
  const struct {
    std::string_view items;
    std::string_view expected;
    std::vector<std::size_t> order;
  } cases[] = {
      {R"({"_placeholder":true,"num":0})", R"({"_placeholder":true,"num":0})", {0}},
      {R"({"_placeholder":true,"num":1},{"_placeholder":true,"num":0})",
       R"({"_placeholder":true,"num":0},{"_placeholder":true,"num":1})",
       {1, 0}},
      {R"({"num":1,"_placeholder":true})", R"({"_placeholder":true,"num":0})", {1}},
      {R"([{"k":[{"num" : 0 , "_placeholder" : true , "x" : [1]}]}], "a b" )",
       R"([{"k":[{"_placeholder":true,"num":0}]}],"a b")",
       {0}},
      {R"({"_placeholder":true,"num":1},{"_placeholder":true,"num":1})",
       R"({"_placeholder":true,"num":0},{"_placeholder":true,"num":0})",
       {1}},
      {R"({"\u005fplaceholder":true,"n\u0075m":0})", R"({"_placeholder":true,"num":0})", {0}},
      {R"({"_placeholder":false,"_placeholder":true,"num":9,"num":0})", R"({"_placeholder":true,"num":0})", {0}},
      {R"({"_placeholder":true,"_placeholder":1,"num":9})", R"({"_placeholder":true,"_placeholder":1,"num":9})", {}},
      {R"({"_placeholder":{"_placeholder":true,"num":0},"num":9})",
       R"({"_placeholder":{"_placeholder":true,"num":0},"num":9})",
       {0}},
      {R"({"_placeholder":true,"num":0,"in":{"_placeholder":true,"num":1}})", R"({"_placeholder":true,"num":0})", {0}},
      {R"({"_placeholder":true,"num":0.0})", R"({"_placeholder":true,"num":0})", {0}},
      {R"("_placeholder",{"placeholder":true,"num":9},1,null,"\"_placeholder\":true")",
       R"("_placeholder",{"placeholder":true,"num":9},1,null,"\"_placeholder\":true")",
       {}},
      {"", "", {}},
  };
  for (const auto& c : cases) {
    const auto found = find_placeholders(c.items, 2);
    ASSERT_TRUE(found) << c.items;
    EXPECT_EQ(found->items, c.expected) << c.items;
    EXPECT_EQ(found->order, c.order) << c.items;
  }
}

TEST(SocketPlaceholders, MustNameAnAttachment) {
  for (const std::string_view number : {"2", "-1", "0.5", "\"0\"", "null", "true", "[0]", "{}", "1e400", "1e9"}) {
    const std::string text = R"({"a":[{"_placeholder":true,"num":)" + std::string{number} + "}]}";
    EXPECT_FALSE(find_placeholders(text, 2)) << text;
  }
  EXPECT_FALSE(find_placeholders(R"({"_placeholder":true})", 2));
}

TEST(SocketPlaceholders, CostOnePassWhateverTheDepth) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) {
    for (unsigned depth = 0; depth + 1 < kDepthMax; ++depth) text += R"([)";
    text += R"({"_placeholder":true,"num":0})";
    for (unsigned depth = 0; depth + 1 < kDepthMax; ++depth) text += ']';
    text += ',';
  }
  text.pop_back();
  const auto found = find_placeholders(text, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->items, text);
}

}  // namespace
}  // namespace zvonok::socketio
