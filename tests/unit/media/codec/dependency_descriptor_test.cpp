// Dependency descriptors (AV1 RTP, appendix A): structures written bit by bit, frames that refer to them, overrides,
// lost and late structures, the bitmask written anew, and broken bytes.
#include "media/codec/dependency_descriptor.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "media/codec/av1.h"
#include "unit/media/codec/bits.h"

namespace zvonok::media {
namespace {

/// Two spatial and two temporal layers, four decode targets, two chains; six templates, ids from 60 on, so that they
/// wrap to 1.
void add_structure(Bits& bits, const char* with_resolutions = "1") {
  bits.add(60, 6).add(4 - 1, 5);
  bits.add("00 01 10 00 01 11");  // layers: S0T0, S0T0, S0T1, S1T0, S1T0, S1T1
  bits.add("10 10 10 10");        // S S S S
  bits.add("10 11 11 11");        // S R R R
  bits.add("00 01 00 11");        // - D - R
  bits.add("00 00 10 10");        // - - S S
  bits.add("00 00 11 11");        // - - R R
  bits.add("00 00 00 01");        // - - - D
  bits.add("0");                  // frame differences
  bits.add("1 0011 0");           // 4
  bits.add("1 0001 0");           // 2
  bits.add("1 0000 0");           // 1
  bits.add("1 0011 1 0000 0");    // 4, 1
  bits.add("1 0001 1 0000 0");    // 2, 1
  bits.add("10");                 // two chains, ns(5)
  bits.add("0 0 1 1");            // who is protected by which, ns(2)
  bits.add("0000 0000  0100 0011  0010 0001  0001 0001  0001 0001  0011 0010");
  bits.add(with_resolutions);
  if (with_resolutions[0] == '1') bits.add(319, 16).add(179, 16).add(639, 16).add(359, 16);
}

struct Frame {
  bool starts = true;
  bool ends = false;
  unsigned template_index = 0;
  std::uint16_t number = 0;
};

Bits mandatory(const Frame& frame) {
  Bits bits;
  bits.add(frame.starts ? 1 : 0, 1).add(frame.ends ? 1 : 0, 1).add((60 + frame.template_index) % 64, 6);
  bits.add(frame.number, 16);
  return bits;
}

ByteVector key(std::uint16_t number = 100) {
  Bits bits = mandatory({.number = number});
  bits.add("1 0 0 0 0");
  add_structure(bits);
  return bits.bytes();
}

DependencyDescriptor read(DependencyReader& reader, const ByteVector& bytes) {
  const Exact exact{bytes};
  const auto descriptor = reader.read(exact.view());
  EXPECT_TRUE(descriptor) << to_text(descriptor ? CodecError::Empty : descriptor.error());
  return descriptor.value_or(DependencyDescriptor{});
}

std::vector<Dti> dtis_of(const DependencyDescriptor& descriptor) {
  return {descriptor.dtis.begin(), descriptor.dtis.begin() + descriptor.decode_target_count};
}
std::vector<int> diffs_of(const DependencyDescriptor& descriptor) {
  return {descriptor.frame_diffs.begin(), descriptor.frame_diffs.begin() + descriptor.frame_diff_count};
}
std::vector<int> chains_of(const DependencyDescriptor& descriptor) {
  return {descriptor.chain_diffs.begin(), descriptor.chain_diffs.begin() + descriptor.chain_count};
}

TEST(DependencyDescriptor, ReadsAStructure) {
  DependencyReader reader;
  EXPECT_EQ(reader.structure(), nullptr);
  const auto descriptor = read(reader, key());
  EXPECT_TRUE(descriptor.brings_structure && descriptor.starts_frame && descriptor.switches_to_own_layer);
  EXPECT_FALSE(descriptor.ends_frame);
  EXPECT_EQ(descriptor.frame_number, 100);
  EXPECT_EQ(descriptor.active_decode_targets, 0xFU);
  EXPECT_EQ(descriptor.resolution, (Resolution{320, 180}));
  const DependencyStructure* structure = reader.structure();
  ASSERT_NE(structure, nullptr);
  EXPECT_EQ(structure->template_count, 6);
  EXPECT_EQ(structure->chain_count, 2);
  EXPECT_EQ(structure->protected_by[2], 1);
  using Layer = DependencyStructure::Layer;
  EXPECT_EQ(structure->decode_target_layers[0], (Layer{0, 0}));
  EXPECT_EQ(structure->decode_target_layers[1], (Layer{0, 1}));
  EXPECT_EQ(structure->decode_target_layers[2], (Layer{1, 0}));
  EXPECT_EQ(structure->decode_target_layers[3], (Layer{1, 1}));
  EXPECT_EQ(reader.active_decode_targets(), 0xFU);
}

TEST(DependencyDescriptor, FillsInTheTemplateOfAShortOne) {
  DependencyReader reader;
  read(reader, key());
  const auto descriptor = read(reader, mandatory({.ends = true, .template_index = 4, .number = 105}).bytes());
  EXPECT_TRUE(descriptor.ends_frame);
  EXPECT_EQ(descriptor.template_id, 0) << "ids wrap after 63";
  EXPECT_EQ(descriptor.spatial, 1);
  EXPECT_EQ(descriptor.temporal, 0);
  EXPECT_EQ(dtis_of(descriptor), (std::vector{Dti::NotPresent, Dti::NotPresent, Dti::Required, Dti::Required}));
  EXPECT_EQ(diffs_of(descriptor), (std::vector{4, 1}));
  EXPECT_EQ(chains_of(descriptor), (std::vector{1, 1}));
  EXPECT_EQ(descriptor.resolution, (Resolution{640, 360}));
  EXPECT_FALSE(descriptor.active_decode_targets || descriptor.is_discardable() || descriptor.switches_to_own_layer);
  const auto last = read(reader, mandatory({.template_index = 5, .number = 106}).bytes());
  EXPECT_TRUE(last.is_discardable());
  EXPECT_EQ(last.temporal, 1);
}

TEST(DependencyDescriptor, TakesWhatAFrameSaysOfItself) {
  DependencyReader reader;
  read(reader, key());
  Bits bits = mandatory({.template_index = 1, .number = 104});
  bits.add("0 1 1 1 1").add("0011");                   // flags; active: targets 0 and 1
  bits.add("10 10 00 00");                             // S S - -
  bits.add("01 0101 10 00010001 11 111111111111 00");  // 6, 18, 4096
  bits.add(200, 8).add(3, 8);
  const auto descriptor = read(reader, bits.bytes());
  EXPECT_EQ(descriptor.active_decode_targets, 3U);
  EXPECT_EQ(reader.active_decode_targets(), 3U);
  EXPECT_EQ(dtis_of(descriptor), (std::vector{Dti::Switch, Dti::Switch, Dti::NotPresent, Dti::NotPresent}));
  EXPECT_EQ(diffs_of(descriptor), (std::vector{6, 18, 4096}));
  EXPECT_EQ(chains_of(descriptor), (std::vector{200, 3}));
  const auto next = read(reader, mandatory({.template_index = 1, .number = 105}).bytes());
  EXPECT_EQ(diffs_of(next), (std::vector{4})) << "the template is as it was";
  EXPECT_EQ(reader.active_decode_targets(), 3U) << "until said otherwise";
}

TEST(DependencyDescriptor, WaitsForAStructure) {
  DependencyReader reader;
  const ByteVector early = mandatory({}).bytes();
  ASSERT_FALSE(reader.read(early));
  EXPECT_EQ(reader.read(early).error(), CodecError::MissingStructure);
  read(reader, key());
  const ByteVector unknown = mandatory({.template_index = 6}).bytes();
  ASSERT_FALSE(reader.read(unknown)) << "of a structure that was lost";
  EXPECT_EQ(reader.read(unknown).error(), CodecError::MissingStructure);
}

TEST(DependencyDescriptor, DoesNotGoBackToALateStructure) {
  DependencyReader reader;
  read(reader, key(100));
  Bits smaller = mandatory({.template_index = 0, .number = 200});
  smaller.add("1 0 0 0 0").add(60, 6).add(0, 5).add("11").add("10").add("0").add("0").add("0");
  read(reader, smaller.bytes());
  ASSERT_EQ(reader.structure()->template_count, 1);
  EXPECT_EQ(reader.active_decode_targets(), 1U);
  const auto late = read(reader, key(100));
  EXPECT_EQ(late.decode_target_count, 4) << "it is read by its own";
  EXPECT_EQ(reader.structure()->template_count, 1);
  EXPECT_EQ(reader.active_decode_targets(), 1U);
  read(reader, key(50'000));
  EXPECT_EQ(reader.structure()->template_count, 6) << "far off: a new beginning";
}

TEST(DependencyDescriptor, RefusesBrokenStructuresAndKeepsTheOldOne) {
  DependencyReader reader;
  read(reader, key());
  const auto refused = [&](Bits bits, CodecError error, const char* what) {
    for (int word = 0; word < 8; ++word) bits.add(0, 64);
    const auto result = reader.read(bits.bytes());
    ASSERT_FALSE(result) << what;
    EXPECT_EQ(result.error(), error) << what;
    EXPECT_EQ(reader.structure()->template_count, 6) << what;
  };
  const auto begin = [] {
    Bits bits = mandatory({.number = 101});
    bits.add("1 0 0 0 0").add(60, 6).add(0, 5);
    return bits;
  };
  Bits many = begin();
  for (int i = 0; i < 64; ++i) many.add("00");
  refused(many, CodecError::Malformed, "65 templates");
  refused(begin().add("01 01 01 01 01 01 01 01"), CodecError::Malformed, "nine temporal layers");
  refused(begin().add("10 10 10 10"), CodecError::Malformed, "five spatial layers");
  Bits deep = begin().add("11").add("10");
  for (int i = 0; i < 9; ++i) deep.add("1 0000");
  refused(deep, CodecError::Malformed, "nine references");
  Bits other = mandatory({.template_index = 1, .number = 101});
  other.add("1 0 0 0 0").add(60, 6).add(0, 5).add("11").add("10").add("0").add("0").add("0");
  refused(other, CodecError::Malformed, "a template that it does not bring");
  Bits custom = mandatory({.number = 101});
  custom.add("0 0 0 1 0");
  for (int i = 0; i < 9; ++i) custom.add("01 0000");
  refused(custom, CodecError::Malformed, "nine references of a frame");
}

TEST(DependencyDescriptor, RefusesEveryTruncatedStructure) {
  const ByteVector whole = key();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    DependencyReader reader;
    const Exact cut{Bytes{whole}.first(size)};
    EXPECT_FALSE(reader.read(cut.view())) << size;
    EXPECT_EQ(reader.structure(), nullptr) << size;
  }
}

ByteVector with_mask(const ByteVector& bytes, const DependencyDescriptor& descriptor, std::uint32_t mask) {
  ByteVector out(bytes.size() + 5);
  const auto size = rewrite_active_decode_targets(bytes, descriptor, mask, out);
  EXPECT_TRUE(size);
  out.resize(size.value_or(0));
  return out;
}

TEST(DependencyDescriptor, RewritesTheMaskAndNothingElse) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random{seed};
    DependencyReader reader;
    read(reader, key(static_cast<std::uint16_t>(100)));
    ByteVector source;
    const auto index = static_cast<unsigned>(random() % 6);
    Bits bits = mandatory({.starts = random() % 2 == 0, .template_index = index, .number = 120});
    if (seed % 5 == 0) {
      source = bits.bytes();
    } else {
      const bool structure = random() % 3 == 0;
      const bool mask = random() % 2 == 0;
      const bool dtis = random() % 2 == 0;
      const bool diffs = random() % 2 == 0;
      const bool chains = random() % 2 == 0;
      for (const bool flag : {structure, mask, dtis, diffs, chains}) bits.add(flag ? 1 : 0, 1);
      if (structure) add_structure(bits, random() % 2 == 0 ? "1" : "0");
      if (mask) bits.add(random(), 4);
      if (dtis) bits.add(random(), 8);
      if (diffs) bits.add("01").add(random(), 4).add("10").add(random(), 8).add("00");
      if (chains) bits.add(random(), 16);
      source = bits.bytes();
      if (source.size() < 4) source.push_back(0);
    }
    const auto before = read(reader, source);
    const auto mask = static_cast<std::uint32_t>(random() % 16);
    const ByteVector written = with_mask(source, before, mask);
    ASSERT_LE(written.size(), source.size() + 5);
    const auto after = read(reader, written);
    ASSERT_EQ(after.active_decode_targets, mask) << "seed " << seed;
    ASSERT_EQ(reader.active_decode_targets(), mask);
    ASSERT_EQ(after.brings_structure, before.brings_structure);
    ASSERT_EQ(after.starts_frame, before.starts_frame);
    ASSERT_EQ(after.frame_number, before.frame_number);
    ASSERT_EQ(after.template_id, before.template_id);
    ASSERT_EQ(dtis_of(after), dtis_of(before)) << "seed " << seed;
    ASSERT_EQ(diffs_of(after), diffs_of(before)) << "seed " << seed;
    ASSERT_EQ(chains_of(after), chains_of(before)) << "seed " << seed;
    ASSERT_EQ(after.resolution, before.resolution) << "seed " << seed;
    ByteVector small(written.size() - 1);
    ASSERT_FALSE(rewrite_active_decode_targets(source, before, mask, small));
  }
}

TEST(DependencyDescriptor, SurvivesRandomBytes) {
  std::mt19937 random{9};
  DependencyReader reader;
  int read_count = 0;
  for (int i = 0; i < 50'000; ++i) {
    ByteVector bytes = key(static_cast<std::uint16_t>(i));
    bytes.resize(1 + random() % bytes.size());
    for (int change = 0; change < 2; ++change) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    const Exact exact{bytes};
    const auto descriptor = reader.read(exact.view());
    if (!descriptor) continue;
    ++read_count;
    ASSERT_LE(descriptor->end_position, bytes.size() * 8);
    ASSERT_LE(descriptor->mask_position, descriptor->end_position);
    ASSERT_LT(descriptor->spatial, kDependencySpatialLayersMax);
    ASSERT_LT(descriptor->temporal, kDependencyTemporalLayersMax);
    ASSERT_LE(descriptor->chain_count, descriptor->decode_target_count);
  }
  EXPECT_GT(read_count, 1000);
}

TEST(Av1, ReadsTheAggregationHeader) {
  const auto key_header = parse_av1_aggregation_header(from_hex("18 0a"));
  ASSERT_TRUE(key_header);
  EXPECT_TRUE(key_header->starts_sequence);
  EXPECT_EQ(key_header->units, 1);
  const auto middle = parse_av1_aggregation_header(from_hex("d0 0a"));
  ASSERT_TRUE(middle);
  EXPECT_TRUE(middle->continues_unit && middle->is_continued);
  EXPECT_EQ(parse_av1_aggregation_header(from_hex("88 0a")).error(), CodecError::Malformed);
  EXPECT_EQ(parse_av1_aggregation_header(from_hex("18")).error(), CodecError::Truncated);
}

TEST(Av1, IsInspectedWithAndWithoutDescriptor) {
  const ByteVector payload = from_hex("18 0a");
  const auto plain = inspect(Codec::Av1, {.payload = payload, .marker = true, .dependency_descriptor = {}});
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->keyframe && plain->ends_picture);

  DependencyReader reader;
  const ByteVector later = mandatory({.ends = true, .template_index = 2, .number = 103}).bytes();
  const ByteVector delta = from_hex("10 0a");
  const PacketParts early{.payload = delta, .dependency_descriptor = later, .dependencies = &reader};
  EXPECT_EQ(inspect(Codec::Av1, early).error(), CodecError::MissingStructure);

  const ByteVector first = key();
  const auto info = inspect(Codec::Av1, {.payload = payload, .dependency_descriptor = first, .dependencies = &reader});
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->keyframe && info->starts_frame && info->switch_up_point);
  EXPECT_FALSE(info->ends_frame);
  EXPECT_EQ(info->resolution, (Resolution{320, 180}));

  const auto next = inspect(Codec::Av1, early);
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->keyframe || next->switch_up_point);
  EXPECT_EQ(next->temporal, 1);
  EXPECT_TRUE(next->ends_frame);
  EXPECT_EQ(next->picture_id, 103);
}

TEST(H264, LearnsItsLayersFromADescriptor) {
  DependencyReader reader;
  const ByteVector first = key();
  const ByteVector idr = from_hex("65 88 80");
  ASSERT_TRUE(inspect(Codec::H264, {.payload = idr, .dependency_descriptor = first, .dependencies = &reader}));
  const ByteVector slice = from_hex("41 9a 00");
  const ByteVector later = mandatory({.ends = true, .template_index = 2, .number = 103}).bytes();
  const auto info = inspect(Codec::H264, {.payload = slice, .dependency_descriptor = later, .dependencies = &reader});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->temporal, 1);
  const ByteVector broken = from_hex("ff");
  EXPECT_TRUE(inspect(Codec::H264, {.payload = slice, .dependency_descriptor = broken, .dependencies = &reader}));
}

}  // namespace
}  // namespace zvonok::media
