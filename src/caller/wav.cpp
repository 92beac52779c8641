#include "caller/wav.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

namespace zvonok::caller {
namespace {

constexpr std::uint16_t kPcm = 1;
constexpr std::uint16_t kExtensible = 0xFFFE;  // PCM in a longer coat
constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kFormatBytes = 16;

std::uint32_t little_endian(Bytes bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = (value << 8) | bytes[i - 1];
  return value;
}

struct Format {
  unsigned channels = 0;
  unsigned rate = 0;
  unsigned bits = 0;
};

Result<Format, std::string> read_format(Bytes chunk) {
  if (chunk.size() < kFormatBytes) return fail(std::string{"its format chunk is too short"});
  const auto tag = little_endian(chunk.first(2));
  const Format format{.channels = little_endian(chunk.subspan(2, 2)),
                      .rate = little_endian(chunk.subspan(4, 4)),
                      .bits = little_endian(chunk.subspan(14, 2))};
  if ((tag != kPcm && tag != kExtensible) || (format.bits != 8 && format.bits != 16)) {
    return fail(std::string{"it is not PCM of 8 or 16 bits"});
  }
  if (format.channels < 1 || format.channels > 8) return fail(std::string{"it has more than 8 channels, or none"});
  if (format.rate < 4000 || format.rate > 192'000) return fail(std::string{"its rate is not 4 to 192 kHz"});
  return format;
}

std::vector<std::int16_t> mix(const Format& format, Bytes data) {
  const std::size_t sample_bytes = format.bits / 8;
  const std::size_t block = sample_bytes * format.channels;
  std::vector<std::int16_t> out;
  out.reserve(data.size() / block);
  for (; data.size() >= block; data = data.subspan(block)) {
    int sum = 0;
    for (std::size_t channel = 0; channel < format.channels; ++channel) {
      const Bytes one = data.subspan(channel * sample_bytes, sample_bytes);
      sum += sample_bytes == 2 ? static_cast<std::int16_t>(little_endian(one)) : (int{one[0]} - 128) * 256;
    }
    out.push_back(static_cast<std::int16_t>(sum / static_cast<int>(format.channels)));
  }
  return out;
}

}  // namespace

Result<Sound, std::string> parse_wav(Bytes file) {
  if (file.size() < 12 || as_text(file.first(4)) != "RIFF" || as_text(file.subspan(8, 4)) != "WAVE") {
    return fail(std::string{"it is no WAV file"});
  }
  std::optional<Format> format;
  for (Bytes rest = file.subspan(12); rest.size() >= 8;) {
    const std::string_view name = as_text(rest.first(4));
    // A file that was being written when its writer died says more than there is.
    const std::size_t size = std::min<std::size_t>(little_endian(rest.subspan(4, 4)), rest.size() - 8);
    const Bytes body = rest.subspan(8, size);
    if (name == "fmt ") {
      auto read = read_format(body);
      if (!read) return fail(std::move(read.error()));
      format = *read;
    }
    if (name == "data") {
      if (!format) return fail(std::string{"it has sound before its format"});
      return Sound{.rate = format->rate, .samples = mix(*format, body)};
    }
    rest = rest.subspan(std::min(rest.size(), 8 + size + size % 2));
  }
  return fail(std::string{"it has no sound"});
}

Result<Sound, std::string> read_wav(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(path + " can't be read");
  std::string bytes;
  std::array<char, 65536> buffer{};
  while (file.read(buffer.data(), buffer.size()), file.gcount() > 0) {
    bytes.append(buffer.data(), static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > kWavBytesMax) return fail(path + " is too long");
  }
  auto sound = parse_wav(as_bytes(bytes));
  if (!sound) return fail(path + ": " + sound.error());
  return sound;
}

Sound resample(const Sound& sound, unsigned rate) {
  if (sound.rate == rate || sound.samples.empty()) return {.rate = rate, .samples = sound.samples};
  // The sum of the sound up to any point of time; between samples it grows evenly.
  std::vector<double> sums{0};
  sums.reserve(sound.samples.size() + 1);
  for (const std::int16_t sample : sound.samples) sums.push_back(sums.back() + sample);
  const auto sum_to = [&](double position) {
    const auto whole = std::min(static_cast<std::size_t>(position), sound.samples.size() - 1);
    return sums[whole] + (position - static_cast<double>(whole)) * sound.samples[whole];
  };
  const double step = static_cast<double>(sound.rate) / rate;
  const auto count = static_cast<std::size_t>(static_cast<double>(sound.samples.size()) / step);
  Sound out{.rate = rate, .samples = {}};
  out.samples.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double from = static_cast<double>(i) * step;
    const double to = std::min(from + step, static_cast<double>(sound.samples.size()));
    out.samples.push_back(static_cast<std::int16_t>((sum_to(to) - sum_to(from)) / step));
  }
  return out;
}

Result<WavWriter, std::string> WavWriter::create(const std::string& path, unsigned rate) {
  WavWriter writer{std::fopen(path.c_str(), "wbe"), rate};
  if (writer.file_ == nullptr || !writer.write_header()) return fail(path + ": " + std::strerror(errno));
  return writer;
}

bool WavWriter::write_header() {
  std::array<std::uint8_t, kHeaderBytes> header{};
  std::size_t at = 0;
  const auto text = [&](std::string_view word) {
    for (const char c : word) header[at++] = static_cast<std::uint8_t>(c);
  };
  const auto number = [&](std::uint32_t value, std::size_t bytes) {
    for (; bytes > 0; --bytes, value >>= 8) header[at++] = static_cast<std::uint8_t>(value);
  };
  text("RIFF");
  number(static_cast<std::uint32_t>(kHeaderBytes) - 8 + data_bytes_, 4);
  text("WAVEfmt ");
  number(kFormatBytes, 4);
  number(kPcm, 2);
  number(1, 2);
  number(rate_, 4);
  number(rate_ * 2, 4);
  number(2, 2);
  number(16, 2);
  text("data");
  number(data_bytes_, 4);
  return std::fseek(file_.get(), 0, SEEK_SET) == 0 &&
         std::fwrite(header.data(), 1, header.size(), file_.get()) == header.size() && std::fflush(file_.get()) == 0;
}

bool WavWriter::append(std::span<const std::int16_t> samples) {
  constexpr std::uint32_t kDataBytesMax = 0xFFFFFF00;
  if (samples.size() * 2 > kDataBytesMax - data_bytes_) return false;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(samples.size() * 2);
  for (const std::int16_t sample : samples) {
    bytes.push_back(static_cast<std::uint8_t>(sample));
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(sample) >> 8));
  }
  if (std::fseek(file_.get(), 0, SEEK_END) != 0) return false;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return false;
  data_bytes_ += static_cast<std::uint32_t>(bytes.size());
  return write_header();
}

}  // namespace zvonok::caller
