// Who gets which layer.
#include "media/allocator.h"

#include <string>

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

TimePoint at(std::int64_t ms) {
  return TimePoint{milliseconds{ms}};
}

/// Simulcast of three encodings: 180, 360 and 720 lines.
std::vector<AvailableLayer> simulcast() {
  return {
      {.id = {0, 0}, .bitrate_bps = 100'000, .height = 180},   {.id = {0, 1}, .bitrate_bps = 150'000, .height = 180},
      {.id = {1, 0}, .bitrate_bps = 300'000, .height = 360},   {.id = {1, 1}, .bitrate_bps = 500'000, .height = 360},
      {.id = {2, 0}, .bitrate_bps = 1'000'000, .height = 720}, {.id = {2, 1}, .bitrate_bps = 1'500'000, .height = 720}};
}

WantedVideo video(std::uint64_t id, std::uint16_t height = 720, Attention attention = Attention::Thumbnail) {
  return {.id = VideoId{id}, .layers = simulcast(), .height = height, .attention = attention};
}

std::string text(const Allocation& allocation) {
  std::string out;
  for (const auto& video : allocation.videos) {
    out += video.layer ? std::to_string(video.layer->spatial) + "." + std::to_string(video.layer->temporal) : "off";
    out += ' ';
  }
  if (!out.empty()) out.pop_back();
  return out;
}

/// A fresh receiver: no history, no patience, but headroom: 1/1.15 of the estimate is given out.
std::string at_once(std::int64_t estimate, const std::vector<WantedVideo>& videos, std::int64_t audio = 0) {
  Allocator allocator;
  return text(allocator.allocate(at(0), {.estimate_bps = estimate, .audio_bps = audio, .videos = videos}));
}

TEST(Allocator, GivesTheHighestLayerThatFits) {
  const std::vector<WantedVideo> one{video(1)};
  EXPECT_EQ(at_once(50'000, one), "off");
  EXPECT_EQ(at_once(120'000, one), "0.0");
  EXPECT_EQ(at_once(600'000, one), "1.1");
  EXPECT_EQ(at_once(5'000'000, one), "2.1");
}

TEST(Allocator, GivesNoMoreLinesThanAreShown) {
  EXPECT_EQ(at_once(5'000'000, {video(1, 180), video(2, 200), video(3, 2000), video(4, 0)}), "0.1 1.1 2.1 off");
}

TEST(Allocator, ReservesAudioFirst) {
  EXPECT_EQ(at_once(700'000, {video(1)}, 0), "1.1");
  EXPECT_EQ(at_once(700'000, {video(1)}, 450'000), "0.1");
  EXPECT_EQ(at_once(700'000, {video(1)}, 900'000), "off");
}

TEST(Allocator, RanksScreenAndSpeakerThenPinnedThenThumbnails) {
  WantedVideo screen = video(4);
  screen.source = VideoSource::Screen;
  const std::vector<WantedVideo> videos{video(1), video(2, 720, Attention::Pinned), video(3, 720, Attention::Speaker),
                                        screen};
  EXPECT_EQ(at_once(450'000, videos), "off off 0.1 0.1");
  EXPECT_EQ(at_once(1'500'000, videos), "0.1 0.1 1.1 1.1");
  EXPECT_EQ(at_once(4'000'000, videos), "0.1 1.0 2.1 2.1");
  EXPECT_EQ(at_once(20'000'000, videos), "2.1 2.1 2.1 2.1");
}

TEST(Allocator, IsFairBetweenEqualsAndKeepsToPriority) {
  EXPECT_EQ(at_once(1'200'000, {video(1), video(2), video(3)}), "1.0 1.0 1.0");
  std::vector<WantedVideo> videos{video(1), video(2), video(3)};
  videos[2].priority = 5;
  EXPECT_EQ(at_once(1'000'000, videos), "0.1 0.1 1.1");
}

TEST(Allocator, DoesNotDependOnTheOrderOfTheRequest) {
  for (std::int64_t estimate = 0; estimate < 6'000'000; estimate += 70'000) {
    Allocator a;
    Allocator b;
    const std::vector<WantedVideo> forth{video(1), video(2, 360), video(3, 720, Attention::Speaker)};
    const std::vector<WantedVideo> back{forth[2], forth[1], forth[0]};
    const auto x = a.allocate(at(0), {.estimate_bps = estimate, .videos = forth}).videos;
    const auto y = b.allocate(at(0), {.estimate_bps = estimate, .videos = back}).videos;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(x[i], y[2 - i]) << estimate;
  }
}

TEST(Allocator, GoesDownAtOnceAndUpWithPatienceAndHeadroom) {
  Allocator allocator;
  const std::vector<WantedVideo> one{video(1)};
  const auto step = [&](std::int64_t ms, std::int64_t estimate) {
    return text(allocator.allocate(at(ms), {.estimate_bps = estimate, .videos = one}));
  };
  EXPECT_EQ(step(0, 600'000), "1.1");
  EXPECT_EQ(step(100, 499'000), "1.0");
  EXPECT_EQ(step(200, 520'000), "1.0") << "fits, but without headroom";
  EXPECT_EQ(step(5000, 520'000), "1.0");
  EXPECT_EQ(step(5100, 600'000), "1.0");
  EXPECT_EQ(step(7000, 600'000), "1.0");
  EXPECT_EQ(step(7100, 600'000), "1.1");
}

TEST(Allocator, PatienceBeginsAnewAfterADip) {
  Allocator allocator;
  const std::vector<WantedVideo> one{video(1)};
  const auto step = [&](std::int64_t ms, std::int64_t estimate) {
    return text(allocator.allocate(at(ms), {.estimate_bps = estimate, .videos = one}));
  };
  step(0, 400'000);
  EXPECT_EQ(step(1000, 600'000), "1.0");
  EXPECT_EQ(step(2500, 400'000), "1.0");
  EXPECT_EQ(step(2600, 600'000), "1.0");
  EXPECT_EQ(step(4500, 600'000), "1.0");
  EXPECT_EQ(step(4600, 600'000), "1.1");
}

TEST(Allocator, TellsWhenItWantsToBeAskedAgain) {
  Allocator allocator;
  const std::vector<WantedVideo> one{video(1)};
  EXPECT_FALSE(allocator.allocate(at(0), {.estimate_bps = 400'000, .videos = one}).next_timeout);
  EXPECT_EQ(allocator.allocate(at(100), {.estimate_bps = 600'000, .videos = one}).next_timeout, at(2100));
}

TEST(Allocator, ServesANewSpeakerAndALargerWindowAtOnce) {
  Allocator allocator;
  std::vector<WantedVideo> videos{video(1, 720, Attention::Speaker), video(2)};
  const auto step = [&](std::int64_t ms) {
    return text(allocator.allocate(at(ms), {.estimate_bps = 1'500'000, .videos = videos}));
  };
  EXPECT_EQ(step(0), "2.0 1.0");
  std::swap(videos[0].attention, videos[1].attention);
  EXPECT_EQ(step(100), "1.1 2.0") << "the old one keeps what still fits";
  videos[0].height = 0;
  videos[1].height = 180;
  EXPECT_EQ(step(200), "off 0.1");
  videos[1].height = 720;
  EXPECT_EQ(step(300), "off 2.0");
}

TEST(Allocator, ALayerThatEndsIsReplacedAtOnce) {
  Allocator allocator;
  std::vector<WantedVideo> one{video(1)};
  (void)allocator.allocate(at(0), {.estimate_bps = 5'000'000, .videos = one});
  one[0].layers.resize(4);
  EXPECT_EQ(text(allocator.allocate(at(100), {.estimate_bps = 5'000'000, .videos = one})), "1.1");
  one[0].layers.clear();
  EXPECT_EQ(text(allocator.allocate(at(200), {.estimate_bps = 5'000'000, .videos = one})), "off");
  one[0].layers = simulcast();
  EXPECT_EQ(text(allocator.allocate(at(300), {.estimate_bps = 5'000'000, .videos = one})), "2.1");
}

TEST(Allocator, TellsWhatCouldBeUsed) {
  Allocator allocator;
  const std::vector<WantedVideo> videos{video(1, 180), video(2, 720)};
  const auto given = allocator.allocate(at(0), {.estimate_bps = 300'000, .audio_bps = 40'000, .videos = videos});
  EXPECT_EQ(given.wanted_bps, 40'000 + 150'000 + 1'500'000);
  EXPECT_EQ(given.video_bps, 200'000);
}

TEST(Allocator, NeverGivesMoreThanThereIsAndIsDeterministic) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::uint64_t state = seed;
    const auto random = [&state](std::uint64_t below) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      return (state >> 33) % below;
    };
    Allocator one;
    Allocator two;
    std::vector<WantedVideo> videos;
    for (int step = 0; step < 200; ++step) {
      if (random(4) == 0 && videos.size() < 12) {
        videos.push_back(video(1000 + static_cast<std::uint64_t>(step)));
      }
      if (random(6) == 0 && !videos.empty())
        videos.erase(videos.begin() + static_cast<std::ptrdiff_t>(random(videos.size())));
      for (WantedVideo& wanted : videos) {
        if (random(5) != 0) continue;
        wanted.height = static_cast<std::uint16_t>(random(5) * 180);
        wanted.attention = static_cast<Attention>(random(3));
        wanted.layers = simulcast();
        wanted.layers.resize(random(7));
        for (AvailableLayer& layer : wanted.layers) layer.bitrate_bps += static_cast<std::int64_t>(random(50'000));
      }
      const auto estimate = static_cast<std::int64_t>(random(8'000'000));
      const AllocationRequest request{.estimate_bps = estimate, .audio_bps = 40'000, .videos = videos};
      const auto given = one.allocate(at(step * 100), request);
      EXPECT_EQ(given.videos, two.allocate(at(step * 100), request).videos) << "seed " << seed;
      EXPECT_LE(given.video_bps, std::max<std::int64_t>(0, estimate - 40'000)) << "seed " << seed << " step " << step;
      ASSERT_EQ(given.videos.size(), videos.size());
      for (std::size_t i = 0; i < videos.size(); ++i) {
        EXPECT_EQ(given.videos[i].id, videos[i].id);
        if (videos[i].height == 0) {
          EXPECT_FALSE(given.videos[i].layer);
        }
      }
    }
  }
}

TEST(Allocator, MoreVideosThanItCanHoldAreOff) {
  std::vector<WantedVideo> videos;
  for (std::uint64_t i = 0; i < Allocator::kVideosMax + 5; ++i) videos.push_back(video(i));
  Allocator allocator;
  const auto given = allocator.allocate(at(0), {.estimate_bps = 1'000'000'000, .videos = videos});
  ASSERT_EQ(given.videos.size(), videos.size());
  EXPECT_TRUE(given.videos.front().layer);
  EXPECT_FALSE(given.videos.back().layer);
}

}  // namespace
}  // namespace zvonok::media
