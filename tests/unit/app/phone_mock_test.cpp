// What the mock telephone does at which number: the table of docs/protocol/phone.md.
#include <string>

#include <gtest/gtest.h>

#include "adapter/voip_mock/mock_rules.h"
#include "base/overloaded.h"

namespace zvonok::voip_mock {
namespace {

using namespace call::phone;

std::string script_text(const std::string& number) {
  std::string text;
  for (const Step& step : script_of(PhoneNumber{number})) {
    const std::string what = std::visit(Overloaded{
                                            [](const TookOn&) -> std::string { return "taken"; },
                                            [](const Rings&) -> std::string { return "rings"; },
                                            [](const Answered&) -> std::string { return "answered"; },
                                            [](const Over& over) -> std::string {
                                              switch (over.how) {
                                                case Over::How::Hangup: return "hangup";
                                                case Over::How::Busy: return "busy";
                                                case Over::How::NoAnswer: return "no answer";
                                                case Over::How::Failed: return std::string{to_text(over.fault)};
                                              }
                                              return "?";
                                            },
                                        },
                                        step.what);
    text += what + "@" + std::to_string(std::chrono::duration_cast<milliseconds>(step.after).count()) + " ";
  }
  return text;
}

TEST(MockTelephone, DoesWhatItsNumberSays) {
  const std::string answers = "taken@0 rings@300 answered@1500 ";
  EXPECT_EQ(script_text("+491512345678"), answers);
  EXPECT_EQ(script_text("+15005550000"), answers);
  EXPECT_EQ(script_text("+150055500011"), answers) << "one digit more is another number";
  EXPECT_EQ(script_text("+14155550001"), answers);
  EXPECT_EQ(script_text("+15005550001"), "taken@0 rings@300 busy@1500 ");
  EXPECT_EQ(script_text("+15005550002"), "taken@0 rings@300 ");
  EXPECT_EQ(script_text("+15005550003"), "bad_number@0 ");
  EXPECT_EQ(script_text("+15005550004"), "taken@0 rings@300 other@1500 ");
  EXPECT_EQ(script_text("+15005550005"), "taken@0 rings@300 answered@20000 ");
  EXPECT_EQ(script_text("+15005550006"), answers + "hangup@4500 ");
  EXPECT_EQ(script_text("+15005550007"), "unreachable@0 ");
  EXPECT_EQ(script_text("+15005550008"), "taken@0 answered@0 ");
  EXPECT_EQ(script_text("+15005550009"), "");
}

TEST(MockRules, SomeCallBack) {
  for (const auto& [number, gives_up, leaves] :
       {std::tuple{"+15005550010", false, false}, {"+15005550011", true, false}, {"+15005550012", false, true}}) {
    EXPECT_EQ(script_text(number), "taken@0 rings@300 busy@1500 ") << number;
    const auto how = call_back_of(call::phone::PhoneNumber{number});
    ASSERT_TRUE(how) << number;
    EXPECT_EQ(how->after, seconds{3});
    EXPECT_EQ(how->gives_up.has_value(), gives_up) << number;
    EXPECT_EQ(how->leaves.has_value(), leaves) << number;
  }
  EXPECT_FALSE(call_back_of(call::phone::PhoneNumber{"+15005550009"}));
}

}  // namespace
}  // namespace zvonok::voip_mock
