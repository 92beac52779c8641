// One publisher's layers made into one receiver's stream: numbers, times and pictures, whatever is lost, late, left out
// or switched.
#include "media/forwarder.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "media/codec/vp8.h"

namespace zvonok::media {
namespace {

constexpr std::int64_t kFrameMs = 33;

TimePoint at(std::int64_t ms) {
  return TimePoint{hours{10} + milliseconds{ms}};
}

struct Sent {
  std::vector<std::uint8_t> payload;
  std::uint64_t sequence = 0;
  std::uint32_t timestamp = 0;
  bool marker = false;
  std::uint8_t layer = 0;
  unsigned frame = 0;
  std::int64_t arrival = 0;
  [[nodiscard]] MediaPacket packet() const {
    MediaPacket packet;
    packet.layer = layer;
    packet.codec = Codec::Vp8;
    packet.sequence = sequence;
    packet.timestamp = timestamp;
    packet.marker = marker;
    packet.payload = payload;
    PacketParts parts;
    parts.payload = payload;
    parts.marker = marker;
    packet.frame = *inspect(Codec::Vp8, parts);
    read_descriptor(packet);
    return packet;
  }
};

struct Network {
  unsigned loss_percent = 0;
  unsigned late_percent = 0;
  std::int64_t layer_delay = 2;  // each layer comes this much later than the one below
};

/// Temporal layers 0 2 1 2; a keyframe every 32 frames, in all layers at once.
class Source {
 public:
  Source(std::uint8_t layer, std::mt19937& random, PictureMap::Width width = PictureMap::Width::Long)
      : layer_{layer}, width_{width}, rtp_{static_cast<std::uint32_t>(random())} {
    sequence_ = 0x10000 + random() % 0x10000;
    picture_ = random() & 0x7FFF;
    tl0_ = static_cast<std::uint8_t>(random());
    key_ = static_cast<std::uint8_t>(random());
  }
  [[nodiscard]] std::uint32_t rtp() const { return rtp_; }
  std::vector<Sent> frame(unsigned number, int parts) {
    static constexpr std::uint8_t kTemporal[] = {0, 2, 1, 2};
    const bool key = number % 32 == 0;
    const std::uint8_t temporal = kTemporal[number % 4];
    const bool sync = number % 4 == 1 || number % 4 == 2;
    ++picture_;
    if (temporal == 0) ++tl0_;
    if (key) ++key_;
    std::vector<Sent> packets;
    for (int part = 0; part < parts; ++part) {
      Sent sent;
      sent.sequence = sequence_++;
      sent.timestamp = rtp_ + number * static_cast<std::uint32_t>(kFrameMs * 90);
      sent.marker = part + 1 == parts;
      sent.layer = layer_;
      sent.frame = number;
      const auto add = [&](unsigned byte) { sent.payload.push_back(static_cast<std::uint8_t>(byte)); };
      add(part == 0 ? 0x90 : 0x80);
      add(0xF0);
      if (width_ == PictureMap::Width::Long) add(0x80U | (picture_ >> 8 & 0x7F));
      add(picture_ & (width_ == PictureMap::Width::Long ? 0xFFU : 0x7FU));
      add(tl0_);
      add(unsigned{temporal} << 6 | (sync ? 0x20U : 0U) | (key_ & 0x1FU));
      add(key ? 0 : 1);
      add(0);
      packets.push_back(std::move(sent));
    }
    return packets;
  }

 private:
  std::uint8_t layer_;
  PictureMap::Width width_;
  std::uint32_t rtp_;
  std::uint64_t sequence_ = 0;
  unsigned picture_ = 0;
  std::uint8_t tl0_ = 0;
  std::uint8_t key_ = 0;
};

struct Out {
  unsigned segment = 0;  // between switches
  Sent source;
  Renumbered renumbered;
  Vp8Descriptor descriptor;
};

struct Scene {
  explicit Scene(unsigned seed, std::uint8_t layers = 3, PictureMap::Width width = PictureMap::Width::Long)
      : random{seed} {
    for (std::uint8_t layer = 0; layer < layers; ++layer) {
      sources.emplace_back(layer, random, width);
      clocks[layer] = SenderClock{.ntp = {std::uint64_t{3'900'000'000} << 32}, .rtp = sources.back().rtp()};
    }
  }
  void publish(unsigned frames, const Network& network) {
    for (unsigned number = 0; number < frames; ++number) {
      for (Source& source : sources) {
        for (Sent& sent : source.frame(number, 1 + static_cast<int>(random() % 4))) {
          sent.arrival = number * kFrameMs + sent.layer * network.layer_delay;
          if (random() % 100 < network.late_percent) sent.arrival += static_cast<std::int64_t>(random() % 150);
          if (random() % 100 < network.loss_percent) {
            ++lost;
          } else {
            packets.push_back(std::move(sent));
          }
        }
      }
    }
    std::ranges::stable_sort(packets, {}, &Sent::arrival);
  }
  /// `act` is called before each packet.
  template <class Act>
  void run(Act act) {
    for (const Sent& sent : packets) {
      act(sent);
      const std::int8_t before = forwarder.current_layer();
      const bool late = newest[sent.layer] > sent.sequence;
      newest[sent.layer] = std::max(newest[sent.layer], sent.sequence);
      const auto out = forwarder.forward(sent.packet(), at(sent.arrival), clocks);
      if (forwarder.current_layer() != before) ++segment;
      if (!out) {
        late_left_out += late ? 1 : 0;
        continue;
      }
      // The payload as it goes out.
      std::vector<std::uint8_t> payload(out->prefix.view().begin(), out->prefix.view().end());
      payload.insert(payload.end(), sent.payload.begin() + out->prefix.replaces, sent.payload.end());
      outs.push_back({segment, sent, *out, parse_vp8_descriptor(payload).value()});
    }
  }
  std::map<std::uint64_t, const Out*> by_place() const {
    std::map<std::uint64_t, const Out*> all;
    for (const Out& out : outs) {
      EXPECT_TRUE(all.emplace(out.renumbered.place, &out).second) << "twice: " << out.renumbered.place;
    }
    return all;
  }

  std::mt19937 random;
  Forwarder forwarder{{.kind = Kind::Video, .first_picture = 9}};
  std::vector<Source> sources;
  Forwarder::Clocks clocks;
  std::vector<Sent> packets;
  std::vector<Out> outs;
  std::array<std::uint64_t, 4> newest{};
  unsigned segment = 0;
  unsigned lost = 0;
  unsigned late_left_out = 0;
};

/// What holds of every stream: no place twice, order kept, one time and picture for each frame, and both go forward.
void expect_sound(const Scene& scene) {
  const Out* before = nullptr;
  for (const auto& [number, out] : scene.by_place()) {
    if (before != nullptr) {
      ASSERT_GE(out->segment, before->segment);
      if (out->segment == before->segment) {
        ASSERT_GT(out->source.sequence, before->source.sequence);
      }
      const auto time = static_cast<std::int32_t>(out->renumbered.timestamp - before->renumbered.timestamp);
      const unsigned pictures = (*out->descriptor.picture_id - *before->descriptor.picture_id) & 0x7FFFU;
      if (out->segment == before->segment && out->source.frame == before->source.frame) {
        ASSERT_EQ(time, 0);
        ASSERT_EQ(pictures, 0U);
      } else {
        ASSERT_GT(time, 0) << "number " << number << " segment " << out->segment;
        ASSERT_GE(pictures, 1U);
        ASSERT_LT(pictures, 200U) << "number " << number;
      }
    }
    before = out;
  }
}

/// Without loss: nothing leaves a gap, and what comes after a switch says so.
void expect_contiguous(const Scene& scene) {
  const Out* before = nullptr;
  std::uint8_t last_tl0 = 0;
  for (const auto& [number, out] : scene.by_place()) {
    if (before != nullptr) {
      ASSERT_EQ(number - before->renumbered.place, 1U) << number;
      ASSERT_EQ(out->renumbered.begins, out->segment != before->segment) << number;
      const bool same = out->segment == before->segment && out->source.frame == before->source.frame;
      ASSERT_EQ(*out->descriptor.picture_id, (*before->descriptor.picture_id + (same ? 0 : 1)) & 0x7FFF) << number;
      const bool base = out->descriptor.temporal == 0 && !same;
      ASSERT_EQ(*out->descriptor.tl0_picture_index, static_cast<std::uint8_t>(last_tl0 + (base ? 1 : 0))) << number;
    }
    last_tl0 = *out->descriptor.tl0_picture_index;
    before = out;
  }
}

TEST(Forwarder, BeginsAtAKeyframeWithThePictureIdItIsGiven) {
  Scene scene{1, 1};
  scene.publish(100, {});
  EXPECT_EQ(scene.forwarder.wants_keyframe_of(), 0);
  std::erase_if(scene.packets, [](const Sent& s) { return s.frame == 0; });
  scene.run([](const Sent&) {});
  ASSERT_FALSE(scene.outs.empty());
  EXPECT_EQ(scene.outs[0].source.frame, 32U);
  EXPECT_EQ(scene.outs[0].renumbered.place, 0U);
  EXPECT_TRUE(scene.outs[0].renumbered.begins);
  EXPECT_EQ(scene.outs[0].descriptor.picture_id, 9);
  EXPECT_EQ(scene.forwarder.wants_keyframe_of(), std::nullopt);
  expect_sound(scene);
  expect_contiguous(scene);
}

TEST(Forwarder, WhatIsLeftOutAndSwitchedLeavesNoGaps) {
  for (const auto width : {PictureMap::Width::Long, PictureMap::Width::Short}) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << " width " << static_cast<int>(width));
      Scene scene{seed, 3, width};
      scene.publish(600, {});
      scene.run([&](const Sent&) {
        if (scene.random() % 200 == 0) {
          scene.forwarder.set_limits({.spatial = 127, .temporal = static_cast<std::uint8_t>(scene.random() % 4)});
        }
        if (scene.random() % 300 == 0) scene.forwarder.set_layer(static_cast<std::int8_t>(scene.random() % 4) - 1);
      });
      ASSERT_GT(scene.segment, 2U);
      expect_sound(scene);
      expect_contiguous(scene);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Forwarder, NoPlaceTwiceAndNoGapsButOfLossOnABadNetwork) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Scene scene{seed};
    scene.publish(400, {.loss_percent = seed % 12, .late_percent = seed % 40});
    scene.run([&](const Sent&) {
      if (scene.random() % 200 == 0) {
        scene.forwarder.set_limits({.spatial = 127, .temporal = static_cast<std::uint8_t>(scene.random() % 4)});
      }
      if (scene.random() % 400 == 0) scene.forwarder.set_layer(static_cast<std::int8_t>(scene.random() % 4) - 1);
      if (scene.random() % 1500 == 0) scene.forwarder.restart();
    });
    expect_sound(scene);
    if (testing::Test::HasFatalFailure()) return;
    const auto all = scene.by_place();
    ASSERT_FALSE(all.empty());
    const std::uint64_t gaps = all.rbegin()->first - all.begin()->first + 1 - all.size();
    EXPECT_LE(gaps, scene.lost + scene.late_left_out);
  }
}

TEST(Forwarder, LatePacketsOfWhatIsSentHavePlacesOfTheirOwn) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Scene scene{seed, 1};
    scene.publish(300, {.late_percent = 30});
    // The first keyframe comes before all else, so that everything is of one segment.
    for (Sent& sent : scene.packets) sent.arrival += sent.frame == 0 ? -1000 : 0;
    std::ranges::stable_sort(scene.packets, {}, [](const Sent& s) { return s.frame == 0 ? s.sequence : 1ULL << 40; });
    const std::uint64_t first = scene.packets.front().sequence;
    scene.run([](const Sent&) {});
    ASSERT_EQ(scene.outs.size(), scene.packets.size());
    for (const Out& out : scene.outs) ASSERT_EQ(out.renumbered.place, out.source.sequence - first);
    expect_sound(scene);
  }
}

TEST(Forwarder, ALatePacketGoesTheWayOfItsPicture) {
  // Frame 1 is of temporal layer 2, and its first packet comes when the limits were changed.
  struct Row {
    std::uint8_t then;
    std::uint8_t now;
    bool sent;
  };
  for (const Row& row : {Row{7, 0, true}, Row{0, 7, false}}) {
    SCOPED_TRACE(testing::Message() << "limit " << int{row.then} << " then " << int{row.now});
    Scene scene{4, 1};
    for (unsigned frame = 0; frame < 12; ++frame) {
      for (Sent& sent : scene.sources[0].frame(frame, 2)) scene.packets.push_back(std::move(sent));
    }
    std::swap(scene.packets[2], scene.packets[3]);                                           // the second part first,
    std::rotate(scene.packets.begin() + 3, scene.packets.begin() + 4, scene.packets.end());  // and the first one last
    for (std::size_t i = 0; i < scene.packets.size(); ++i) scene.packets[i].arrival = static_cast<std::int64_t>(i) * 10;
    scene.forwarder.set_limits({.spatial = 127, .temporal = row.then});
    // Lowering takes effect with the next frame that starts.
    scene.run([&](const Sent& sent) {
      if (sent.frame == 2) scene.forwarder.set_limits({.spatial = 127, .temporal = row.now});
    });
    EXPECT_EQ(scene.outs.back().source.frame == 1, row.sent);
    expect_sound(scene);
  }
}

TEST(Forwarder, TemporalLimitsLetThroughOnlyWhatTheyAllow) {
  for (std::uint8_t limit = 0; limit < 3; ++limit) {
    Scene scene{limit + 1U, 1};
    scene.publish(200, {});
    scene.forwarder.set_limits({.spatial = 127, .temporal = limit});
    scene.run([](const Sent&) {});
    std::set<std::uint8_t> seen;
    for (const Out& out : scene.outs) seen.insert(*out.descriptor.temporal);
    EXPECT_EQ(seen.size(), limit + 1U);
    EXPECT_EQ(*seen.rbegin(), limit);
  }
}

TEST(Forwarder, HigherTemporalLayersBeginWhereTheyMay) {
  Scene scene{3, 1};
  scene.publish(60, {});
  scene.forwarder.set_limits({.spatial = 127, .temporal = 0});
  scene.run([&](const Sent& sent) {
    if (sent.frame == 7) scene.forwarder.set_limits({});  // of layer 2, and needs what was left out
  });
  std::vector<unsigned> frames;
  for (const Out& out : scene.outs) {
    if (frames.empty() || frames.back() != out.source.frame) frames.push_back(out.source.frame);
  }
  frames.resize(7);
  EXPECT_EQ(frames, (std::vector<unsigned>{0, 4, 8, 9, 10, 11, 12}));
}

TEST(Forwarder, KeepsToTheSendersClockHoweverOftenItSwitches) {
  // Layers come 40 ms apart: at a switch up, later pictures than the keyframe were sent already.
  Scene scene{5};
  scene.publish(32 * 60, {.layer_delay = 40});
  scene.run([&](const Sent& sent) {
    scene.forwarder.set_layer(static_cast<std::int8_t>(std::array{0, 2, 1}[sent.frame / 32 % 3]));
  });
  ASSERT_GE(scene.segment, 50U);
  expect_sound(scene);
  const Out& first = scene.outs.front();
  std::int32_t worst_below = 0;
  for (const Out& out : scene.outs) {
    const std::uint32_t captured = (out.source.frame - first.source.frame) * static_cast<std::uint32_t>(kFrameMs * 90);
    const auto off = static_cast<std::int32_t>(out.renumbered.timestamp - first.renumbered.timestamp - captured);
    ASSERT_GE(off, -2) << "segment " << out.segment;
    ASSERT_LE(off, 100 * 90) << "segment " << out.segment << ": what one switch needs, and no sum of them";
    if (out.source.layer == 0) worst_below = std::max(worst_below, off);
  }
  EXPECT_LE(worst_below, 2) << "layer 0 comes first, and is where the clock says";
}

TEST(Forwarder, WithoutSenderClocksGoesOnByArrival) {
  Scene scene{6};
  scene.publish(200, {});
  scene.clocks = {};
  scene.run([&](const Sent& sent) { scene.forwarder.set_layer(sent.frame < 60 ? 0 : 1); });
  expect_sound(scene);
  const Out& first = scene.outs.front();
  const Out& last = scene.outs.back();
  const double elapsed = static_cast<double>(last.source.arrival - first.source.arrival) * 90;
  EXPECT_NEAR(static_cast<std::int32_t>(last.renumbered.timestamp - first.renumbered.timestamp), elapsed, 900);
}

TEST(Forwarder, ClocksThatCanNotBeAreNotBelieved) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Scene scene{seed};
    scene.publish(200, {});
    scene.run([&](const Sent& sent) {
      for (auto& clock : scene.clocks) {
        clock = SenderClock{.ntp = {std::uint64_t{scene.random()} << 32 | scene.random()},
                            .rtp = static_cast<std::uint32_t>(scene.random())};
      }
      scene.forwarder.set_layer(static_cast<std::int8_t>(sent.frame / 32 % 3));
    });
    expect_sound(scene);
    const Out& first = scene.outs.front();
    const Out& last = scene.outs.back();
    const std::int64_t off = std::int64_t{last.renumbered.timestamp - first.renumbered.timestamp} -
                             (last.source.arrival - first.source.arrival) * 90;
    EXPECT_LT(std::abs(off), std::int64_t{90'000} * scene.segment);
  }
}

TEST(Forwarder, APauseSendsNothingAndEndsWithAKeyframe) {
  Scene scene{8, 1};
  scene.publish(200, {});
  scene.run([&](const Sent& sent) {
    scene.forwarder.set_layer(sent.frame >= 40 && sent.frame < 70 ? -1 : 0);
    if (sent.frame == 50) {
      EXPECT_EQ(scene.forwarder.wants_keyframe_of(), std::nullopt);
    }
    if (sent.frame == 80) {
      EXPECT_EQ(scene.forwarder.wants_keyframe_of(), 0);
    }
  });
  for (const Out& out : scene.outs) EXPECT_TRUE(out.source.frame < 40 || out.source.frame >= 96) << out.source.frame;
  expect_sound(scene);
  expect_contiguous(scene);
}

TEST(Forwarder, AReceiverInNeedGetsAKeyframeOfItsLayer) {
  Scene scene{9, 1};
  scene.publish(100, {});
  scene.run([&](const Sent& sent) {
    if (sent.frame == 40) scene.forwarder.need_keyframe();
    if (sent.frame == 50) {
      EXPECT_EQ(scene.forwarder.wants_keyframe_of(), 0);
    }
    if (sent.frame == 70) {
      EXPECT_EQ(scene.forwarder.wants_keyframe_of(), std::nullopt);
    }
  });
  EXPECT_EQ(scene.outs.size(), scene.packets.size());
}

TEST(Forwarder, AudioGoesThroughAndAReplacedSourceGoesOn) {
  Forwarder forwarder{{.kind = Kind::Audio}};
  const auto send = [&](std::uint64_t sequence, std::uint32_t timestamp, std::int64_t ms) {
    MediaPacket packet;
    packet.clock_rate = 48'000;
    packet.sequence = sequence;
    packet.timestamp = timestamp;
    return forwarder.forward(packet, at(ms), {});
  };
  EXPECT_EQ(forwarder.wants_keyframe_of(), std::nullopt);
  EXPECT_EQ(send(70'000, 1000, 0)->place, 0U);
  EXPECT_EQ(send(70'000, 1000, 0), std::nullopt) << "a copy";
  EXPECT_EQ(send(70'003, 3880, 60)->place, 3U);
  EXPECT_EQ(send(70'001, 1960, 61)->place, 1U);
  EXPECT_EQ(send(69'999, 40, 62), std::nullopt) << "before the first";
  const std::uint32_t last = forwarder.to_receiver_time(3880);
  forwarder.restart();
  const auto next = send(90'000, 77, 80);
  EXPECT_EQ(next->place, 4U);
  EXPECT_TRUE(next->begins);
  EXPECT_EQ(next->timestamp, last + 960) << "20 ms since the newest, not since the late one";
  EXPECT_EQ(send(70'002, 2920, 81), std::nullopt) << "of the source before";
  EXPECT_EQ(send(90'000 + 0x5000, 99'999, 100)->place, 6U) << "a jump no receiver could follow is closed";
  EXPECT_EQ(send(90'001, 1037, 101), std::nullopt);
}

/// Padding of a sender that probes its line.
TEST(Forwarder, WhatReceiversDoNotGetTakesNoPlace) {
  Forwarder forwarder{{.kind = Kind::Audio}};
  const auto place_of = [&](std::uint64_t sequence) {
    MediaPacket packet;
    packet.sequence = sequence;
    packet.timestamp = static_cast<std::uint32_t>(sequence * 960);
    const auto out = forwarder.forward(packet, at(0), {});
    return out ? std::optional{out->place} : std::nullopt;
  };
  forwarder.leave_out(0, 9);
  const auto first = place_of(10);
  ASSERT_TRUE(first);
  forwarder.leave_out(0, 11);
  forwarder.leave_out(0, 12);
  forwarder.leave_out(1, 13);  // not the layer that is sent
  EXPECT_EQ(place_of(13), *first + 1);
  forwarder.leave_out(0, 16);  // ahead of 14 and 15, which are still to come
  EXPECT_EQ(place_of(17), *first + 4);
  EXPECT_EQ(place_of(14), *first + 2);
  forwarder.leave_out(0, 15);  // late: its place was kept, and is lost
  EXPECT_EQ(place_of(18), *first + 5);
}

}  // namespace
}  // namespace zvonok::media
