#include "load/scenario.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zvonok::load {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Scenario, SectionsHaveWhatWasSaidForAllAndTheirOwn) {
  const auto read = parse_scenarios(
      "# a comment\n"
      "ramp = at-once\r\n"
      "meet\n"
      "duration=10s\n"
      "\n"
      "[ first ]\n"
      "  subscribers =  100  \n"
      "duration = 3s\n"
      "[second]\n"
      "meet = false\n",
      "file");
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0).name, "first");
  EXPECT_THAT(read->at(0).arguments, ElementsAre("--ramp=at-once", "--meet", "--subscribers=100", "--duration=3s"));
  EXPECT_EQ(read->at(1).name, "second");
  EXPECT_THAT(read->at(1).arguments, ElementsAre("--ramp=at-once", "--duration=10s"));
}

TEST(Scenario, WithoutSectionsThereIsOne) {
  const auto read = parse_scenarios("rooms = 2", "file");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->at(0).name, "file");
  EXPECT_THAT(read->at(0).arguments, ElementsAre("--rooms=2"));
  EXPECT_THAT(parse_scenarios("", "file")->at(0).arguments, IsEmpty());
}

TEST(Scenario, WhatIsWrongIsNamedWithItsLine) {
  struct Case {
    const char* text;
    const char* error;
  };
  for (const Case& one :
       {Case{"\n[a\n", "line 2: a section without its ]"}, Case{"[a b]", "letters"}, Case{"[]", "letters"},
        Case{"[a]\n[a]", "line 2: a section of that name was before"}, Case{"--rooms = 1", "neither"},
        Case{"= 1", "neither"}, Case{"rooms =", "no value"}, Case{"scenario = x", "can't name"}}) {
    const auto read = parse_scenarios(one.text, "file");
    ASSERT_FALSE(read) << one.text;
    EXPECT_THAT(read.error(), HasSubstr(one.error)) << one.text;
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "[s" + std::to_string(i) + "]\n";
  EXPECT_FALSE(parse_scenarios(many, "file"));
}

TEST(Scenario, ThoseOfTheProjectCanBeRead) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator{std::filesystem::path{ZVONOK_SOURCE_DIR} / "bench" / "scenarios"}) {
    if (entry.path().extension() != ".conf") continue;
    std::ifstream file{entry.path()};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto read = parse_scenarios(text, entry.path().stem().string());
    EXPECT_TRUE(read) << entry.path() << ": " << read.error();
    ++files;
  }
  EXPECT_EQ(files, 7U);
}

}  // namespace
}  // namespace zvonok::load
