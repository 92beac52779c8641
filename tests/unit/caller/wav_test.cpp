#include "caller/wav.h"

#include <cmath>
#include <filesystem>
#include <numbers>

#include <gtest/gtest.h>
#include <unistd.h>

namespace zvonok::caller {
namespace {

using namespace std::string_literals;

std::string number(std::uint32_t value, int bytes) {
  std::string out;
  for (; bytes > 0; --bytes, value >>= 8) out += static_cast<char>(value);
  return out;
}
std::string wav(unsigned channels, unsigned rate, unsigned bits, const std::string& data, unsigned tag = 1) {
  const std::string format =
      number(tag, 2) + number(channels, 2) + number(rate, 4) + number(0, 4) + number(0, 2) + number(bits, 2);
  return "RIFF" + number(0, 4) + "WAVE" + "LIST" + number(3, 4) + "abc\0"s + "fmt " + number(16, 4) + format + "data" +
         number(static_cast<std::uint32_t>(data.size()), 4) + data;
}

TEST(Wav, ReadsWhatRecordersWrite) {
  const auto stereo = parse_wav(as_bytes(wav(2, 48000, 16, "\x00\x10\x00\x20\xFF\xFF\x01\x00"s)));
  ASSERT_TRUE(stereo);
  EXPECT_EQ(stereo->rate, 48000U);
  EXPECT_EQ(stereo->samples, (std::vector<std::int16_t>{0x1800, 0}));
  const auto eight_bits = parse_wav(as_bytes(wav(1, 8000, 8, "\x80\xFF\x00"s)));
  ASSERT_TRUE(eight_bits);
  EXPECT_EQ(eight_bits->samples, (std::vector<std::int16_t>{0, 127 * 256, -32768}));
}

TEST(Wav, SaysWhatIsWrong) {
  for (const std::string& bad : {""s, "RIFF"s, "RIFF1234WAVE"s, wav(0, 8000, 16, "xx"), wav(9, 8000, 16, "xx"),
                                 wav(1, 100, 16, "xx"), wav(1, 8000, 24, "xxx"), wav(1, 8000, 16, "xx", 3)}) {
    const auto sound = parse_wav(as_bytes(bad));
    ASSERT_FALSE(sound);
    EXPECT_FALSE(sound.error().empty());
  }
  EXPECT_FALSE(read_wav("/no/such/file.wav"));
  EXPECT_FALSE(WavWriter::create("/no/such/folder/file.wav", 8000));
}

TEST(Wav, WritesWhatItReads) {
  const auto path = std::filesystem::temp_directory_path() / ("zvonok-wav-" + std::to_string(::getpid()));
  auto writer = WavWriter::create(path, 8000);
  ASSERT_TRUE(writer) << writer.error();
  EXPECT_TRUE(writer->append(std::vector<std::int16_t>{1, -2, 300}));
  EXPECT_TRUE(writer->append(std::vector<std::int16_t>{-32768}));
  const auto sound = read_wav(path);  // whole though its writer is at it
  ASSERT_TRUE(sound) << sound.error();
  EXPECT_EQ(sound->samples, (std::vector<std::int16_t>{1, -2, 300, -32768}));
  std::filesystem::remove(path);
}

TEST(Wav, ResamplesWithoutShiftingTheTone) {
  constexpr double kHertz = 500;
  Sound sound{.rate = 44100, .samples = {}};
  for (int i = 0; i < 44100; ++i) {
    sound.samples.push_back(static_cast<std::int16_t>(10000 * std::sin(2 * std::numbers::pi * kHertz * i / 44100)));
  }
  const Sound out = resample(sound, 8000);
  EXPECT_NEAR(static_cast<double>(out.samples.size()), 8000, 1);
  double real = 0;
  double imaginary = 0;
  double energy = 0;
  for (std::size_t i = 0; i < out.samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * kHertz * static_cast<double>(i) / 8000;
    real += out.samples[i] * std::cos(angle);
    imaginary += out.samples[i] * std::sin(angle);
    energy += std::pow(out.samples[i], 2);
  }
  EXPECT_GT(2 * (real * real + imaginary * imaginary) / (static_cast<double>(out.samples.size()) * energy), 0.99);
}

}  // namespace
}  // namespace zvonok::caller
