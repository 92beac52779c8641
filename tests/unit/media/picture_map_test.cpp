// Picture ids without gaps for what is left out.
#include "media/picture_map.h"

#include <random>

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

using Width = PictureMap::Width;

TEST(PictureMap, BeginsWithTheNumberItIsGiven) {
  PictureMap map{77};
  map.start(5000);
  EXPECT_EQ(map.map(5000), 77);
  EXPECT_EQ(map.map(5000), 77) << "all packets of one picture have one number";
  EXPECT_EQ(map.map(5001), 78);
}

TEST(PictureMap, GoesOnAcrossAStart) {
  PictureMap map;
  map.start(10);
  EXPECT_EQ(map.map(10), 0);
  EXPECT_EQ(map.map(11), 1);
  map.leave_out(12);
  map.start(0x7000);
  EXPECT_EQ(map.map(0x7000), 2);
}

TEST(PictureMap, AStartGoesOnBehindALatePictureToo) {
  PictureMap map;
  map.start(10);
  EXPECT_EQ(map.map(10), 0);
  map.leave_out(12);
  EXPECT_EQ(map.map(11), 1) << "late";
  map.start(500);
  EXPECT_EQ(map.map(500), 2);
}

TEST(PictureMap, WhatIsLeftOutLeavesNoGapAndLatePicturesKeepTheirs) {
  PictureMap map;
  map.start(100);
  EXPECT_EQ(map.map(100), 0);
  map.leave_out(101);
  map.leave_out(101);
  EXPECT_EQ(map.map(103), 2) << "102 is lost or late";
  map.leave_out(104);
  EXPECT_EQ(map.map(105), 3);
  EXPECT_EQ(map.map(102), 1);
  EXPECT_EQ(map.map(103), 2);
  EXPECT_EQ(map.map(106), 4);
  EXPECT_TRUE(map.is_left_out(101));
  EXPECT_TRUE(map.is_left_out(104));
  EXPECT_FALSE(map.is_left_out(102));
  EXPECT_FALSE(map.is_left_out(107));
}

TEST(PictureMap, ContiguousOverAllWrapsOfTheSource) {
  struct Row {
    Width width;
    unsigned cycle;
  };
  for (const Row& row : {Row{Width::Short, 0x80}, Row{Width::Long, 0x8000}}) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(testing::Message() << "cycle " << row.cycle << " seed " << seed);
      std::mt19937 random{seed};
      PictureMap map{3};
      unsigned source = static_cast<unsigned>(random()) % row.cycle;
      map.start(static_cast<std::uint16_t>(source));
      unsigned expected = 3;
      for (int i = 0; i < 80'000; ++i, source = (source + 1) % row.cycle) {
        const auto id = static_cast<std::uint16_t>(source);
        if (i > 0 && random() % 3 == 0) {
          map.leave_out(id, row.width);
          continue;
        }
        ASSERT_EQ(map.map(id, row.width), expected) << "picture " << i;
        expected = (expected + 1) & 0x7FFF;
      }
    }
  }
}

}  // namespace
}  // namespace zvonok::media
