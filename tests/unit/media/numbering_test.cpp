// Numbers that are given when packets leave: no hole behind what was dropped, and none twice.
#include "media/numbering.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "media/codec/vp8.h"

namespace zvonok::media {
namespace {

constexpr std::uint64_t kFirst = 0x3F00;

struct Pictures {
  std::uint16_t id = 0;
  std::uint8_t tl0 = 0;
};

Renumbered packet(std::uint64_t place, bool begins = false, std::optional<Pictures> pictures = {}) {
  Renumbered made{.place = place, .begins = begins, .prefix = {}};
  if (pictures) {
    made.prefix.append(0x90);
    made.prefix.append(0xE0);
    made.prefix.append_picture_id(pictures->id);
    made.prefix.append_tl0(pictures->tl0);
    made.prefix.append(0x20);
  }
  return made;
}

struct Stream {
  /// The number it left with.
  std::optional<std::uint64_t> send(const Renumbered& packet, KeyframeStart keyframe = KeyframeStart::No) {
    const auto number = numbering.number(packet, keyframe);
    if (!number) return std::nullopt;
    const DescriptorPrefix prefix = numbering.prefix(packet);
    numbering.sent(*number, prefix);
    id = prefix.picture_id();
    tl0 = prefix.tl0();
    return number;
  }
  void drop(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t place = first; place < end; ++place) numbering.dropped(place);
  }
  Numbering numbering{kFirst};
  std::optional<std::uint16_t> id;
  std::optional<std::uint8_t> tl0;
};

TEST(Numbering, WithoutDropsNumbersFollowThePlaces) {
  Stream stream;
  EXPECT_EQ(stream.numbering.next(), kFirst);
  EXPECT_EQ(stream.send(packet(70, true)), kFirst);
  EXPECT_EQ(stream.send(packet(71)), kFirst + 1);
  EXPECT_EQ(stream.send(packet(74)), kFirst + 4) << "two are still to come";
  EXPECT_EQ(stream.send(packet(72)), kFirst + 2);
  EXPECT_EQ(stream.send(packet(69)), std::nullopt) << "from before it began";
  EXPECT_EQ(stream.send(packet(75), KeyframeStart::Yes), kFirst + 5);
  EXPECT_EQ(stream.send(packet(73)), kFirst + 3) << "a keyframe alone takes no place from late ones";
  EXPECT_EQ(stream.numbering.next(), kFirst + 6);
  EXPECT_EQ(stream.numbering.began_at(), kFirst);
}

TEST(Numbering, WhatIsDroppedUpToAKeyframeLeavesNoHole) {
  Stream stream;
  EXPECT_EQ(stream.send(packet(0, true)), kFirst);
  EXPECT_EQ(stream.send(packet(1)), kFirst + 1);
  stream.drop(2, 10);
  EXPECT_TRUE(stream.numbering.is_cut());
  EXPECT_EQ(stream.send(packet(10), KeyframeStart::Yes), kFirst + 2);
  EXPECT_FALSE(stream.numbering.is_cut());
  EXPECT_EQ(stream.numbering.began_at(), kFirst + 2);
  EXPECT_EQ(stream.send(packet(11)), kFirst + 3);
  EXPECT_EQ(stream.send(packet(9)), std::nullopt) << "late, and its number is another's";
  EXPECT_EQ(stream.send(packet(13)), kFirst + 5);
  EXPECT_EQ(stream.send(packet(12)), kFirst + 4);
}

TEST(Numbering, WhatIsDroppedBeforeANewBeginLeavesNoHole) {
  Stream stream;
  EXPECT_EQ(stream.send(packet(0, true)), kFirst);
  stream.drop(1, 3);
  // Refused as well: three and four.
  EXPECT_EQ(stream.send(packet(5, true), KeyframeStart::Yes), kFirst + 1);
  EXPECT_EQ(stream.send(packet(6)), kFirst + 2);
}

TEST(Numbering, AKeyframeThatIsDroppedItselfHandsItsNumberOn) {
  Stream stream;
  EXPECT_EQ(stream.send(packet(0, true)), kFirst);
  stream.drop(1, 5);  // of them 3 began
  EXPECT_EQ(stream.send(packet(5, true), KeyframeStart::Yes), kFirst + 1);
}

TEST(Numbering, BehindADroppedPacketNothingLeavesBeforeAKeyframe) {
  Stream stream;
  EXPECT_EQ(stream.send(packet(0, true)), kFirst);
  EXPECT_EQ(stream.send(packet(2)), kFirst + 2);
  stream.drop(3, 4);
  EXPECT_EQ(stream.send(packet(4)), std::nullopt);
  EXPECT_EQ(stream.send(packet(1)), kFirst + 1) << "what is missing of that before it may still come";
  EXPECT_EQ(stream.send(packet(5), KeyframeStart::Yes), kFirst + 3);
  EXPECT_EQ(stream.send(packet(6)), kFirst + 4);
}

TEST(Numbering, ALatePacketThatIsDroppedCutsNothing) {
  Stream stream;
  EXPECT_EQ(stream.send(packet(0, true)), kFirst);
  EXPECT_EQ(stream.send(packet(2)), kFirst + 2);
  stream.drop(1, 2);
  EXPECT_FALSE(stream.numbering.is_cut());
  EXPECT_EQ(stream.send(packet(3)), kFirst + 3);
  stream.drop(4, 5);
  EXPECT_EQ(stream.send(packet(5), KeyframeStart::Yes), kFirst + 4);
  stream.drop(4, 5);
  EXPECT_EQ(stream.send(packet(6)), kFirst + 5);
}

TEST(Numbering, WhatCouldNotBeSealedUsesNoNumber) {
  Stream stream;
  EXPECT_EQ(stream.send(packet(0, true)), kFirst);
  EXPECT_TRUE(stream.numbering.number(packet(1, true), KeyframeStart::Yes));
  EXPECT_EQ(stream.numbering.next(), kFirst + 1);
  stream.drop(1, 2);
  EXPECT_EQ(stream.send(packet(2, true), KeyframeStart::Yes), kFirst + 1);
}

TEST(Numbering, PictureNumbersGoOnBehindWhatWasDropped) {
  Stream stream;
  EXPECT_EQ(stream.send(packet(0, true, Pictures{0x7FFE, 254})), kFirst);
  EXPECT_EQ(stream.id, 0x7FFE) << "the first is as it came";
  EXPECT_EQ(stream.tl0, 254);
  EXPECT_EQ(stream.send(packet(1, false, Pictures{0x7FFF, 255})), kFirst + 1);
  EXPECT_EQ(stream.send(packet(2, false, Pictures{0x7FFF, 255})), kFirst + 2);
  stream.drop(3, 9);
  EXPECT_EQ(stream.send(packet(9, false, Pictures{4, 3}), KeyframeStart::Yes), kFirst + 3);
  EXPECT_EQ(stream.id, 0);
  EXPECT_EQ(stream.tl0, 0);
  EXPECT_EQ(stream.send(packet(10, false, Pictures{5, 3})), kFirst + 4);
  EXPECT_EQ(stream.id, 1);
  EXPECT_EQ(stream.tl0, 0);
  EXPECT_EQ(stream.send(packet(12, false, Pictures{7, 4})), kFirst + 6) << "one is still to come";
  EXPECT_EQ(stream.id, 3);
  EXPECT_EQ(stream.tl0, 1);
  EXPECT_EQ(stream.send(packet(11, false, Pictures{6, 3})), kFirst + 5);
  EXPECT_EQ(stream.id, 2);
  EXPECT_EQ(stream.tl0, 0);
}

/// Whatever comes late, is left out, dropped or begun anew: no number is given twice, and without what is late there is
/// no hole.
TEST(Numbering, NoNumberTwiceAndNoHoleWhateverIsDropped) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random{seed};
    const bool is_orderly = seed % 2 == 0;
    struct Waiting {
      Renumbered as;
      KeyframeStart keyframe = KeyframeStart::No;
    };
    std::vector<Waiting> all;
    std::uint64_t place = random() % 100;
    for (int i = 0; i < 2000; ++i) {
      const bool begins = i == 0 || random() % 60 == 0;
      const bool keyframe = begins || random() % 40 == 0;
      if (begins) place += random() % 3;
      all.push_back({.as = packet(place++, begins), .keyframe = keyframe ? KeyframeStart::Yes : KeyframeStart::No});
    }
    for (std::size_t i = 1; !is_orderly && i + 10 < all.size(); ++i) {
      // What begins anew comes before all that stands behind it.
      const std::size_t other = i + random() % 9;
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(i);
      const auto to = all.begin() + static_cast<std::ptrdiff_t>(other) + 1;
      if (random() % 5 == 0 && std::none_of(from, to, [](const Waiting& w) { return w.as.begins; })) {
        std::swap(all[i], all[other]);
      }
    }
    Numbering numbering{kFirst};
    std::set<std::uint64_t> given;
    for (const Waiting& waiting : all) {
      if (random() % 50 == 0) {
        numbering.dropped(waiting.as.place);
        continue;
      }
      const auto number = numbering.number(waiting.as, waiting.keyframe);
      if (!number) continue;
      ASSERT_TRUE(given.insert(*number).second) << "number " << *number << " twice";
      numbering.sent(*number, numbering.prefix(waiting.as));
    }
    ASSERT_GT(given.size(), 500U);
    EXPECT_EQ(*given.begin(), kFirst);
    EXPECT_EQ(numbering.next(), *given.rbegin() + 1);
    if (is_orderly) {
      EXPECT_EQ(given.size(), *given.rbegin() - *given.begin() + 1) << "a hole";
    }
  }
}

}  // namespace
}  // namespace zvonok::media
