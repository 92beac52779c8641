// WAV files (RIFF): read whole as one channel of 16-bit samples, and written as they grow.
#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace zvonok::caller {

struct Sound {
  unsigned rate = 8000;  // samples a second
  std::vector<std::int16_t> samples;
};

constexpr std::size_t kWavBytesMax = std::size_t{256} << 20;

/// PCM of 8 or 16 bits, 1 to 8 channels (which are mixed), 4 to 192 kHz. The error is one line.
[[nodiscard]] Result<Sound, std::string> parse_wav(Bytes file);
[[nodiscard]] Result<Sound, std::string> read_wav(const std::string& path);

/// Each sample of the result is what passes of its time, so that nothing above half of the new rate is folded down.
[[nodiscard]] Sound resample(const Sound& sound, unsigned rate);

/// One channel, 16 bits. The file is a whole one after every `append`.
class WavWriter {
 public:
  [[nodiscard]] static Result<WavWriter, std::string> create(const std::string& path, unsigned rate);
  /// False when the disk takes no more, or the format can't count any further (4 GiB).
  [[nodiscard]] bool append(std::span<const std::int16_t> samples);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  WavWriter(std::FILE* file, unsigned rate) : file_{file}, rate_{rate} {}
  [[nodiscard]] bool write_header();

  std::unique_ptr<std::FILE, Close> file_;
  unsigned rate_;
  std::uint32_t data_bytes_ = 0;
};

}  // namespace zvonok::caller
