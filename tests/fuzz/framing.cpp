// However a stream is cut, the same packets come out of it, no more is kept than one of them, and packets written
// again give the same.
#include "proto/framing/framing.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"

using namespace zvonok;
using namespace zvonok::framing;

namespace {

using Packets = std::vector<std::vector<std::uint8_t>>;

struct Outcome {
  Packets packets;
  bool failed = false;
  std::size_t buffered = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(Options options, Bytes stream, const std::vector<std::size_t>& pieces) {
  Deframer deframer{options};
  Outcome outcome;
  for (const std::size_t piece : pieces) {
    Bytes chunk = stream.first(piece);
    stream = stream.subspan(piece);
    for (;;) {
      const auto packet = deframer.next(chunk);
      if (!packet) {
        outcome.failed = true;
        return outcome;
      }
      if (!*packet) break;
      ZVONOK_CHECK(!(*packet)->empty() && (*packet)->size() <= options.frame_bytes_max);
      outcome.packets.emplace_back((*packet)->begin(), (*packet)->end());
    }
    ZVONOK_CHECK(chunk.empty());
    ZVONOK_CHECK(deframer.buffered_bytes() < options.frame_bytes_max + kHeaderBytes + 1);
  }
  outcome.buffered = deframer.buffered_bytes();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  constexpr std::size_t kLimits[] = {4096, 65535, 200, 0};
  const Options options{.frame_bytes_max = kLimits[input.below(4)]};
  const std::uint32_t seed = input.byte() * 256U + input.byte();
  const Bytes stream = as_bytes(input.rest());
  const Outcome whole = read(options, stream, {stream.size()});
  ZVONOK_CHECK(read(options, stream, std::vector<std::size_t>(stream.size(), 1)) == whole);
  ZVONOK_CHECK(read(options, stream, fuzz::piece_sizes(seed, stream.size())) == whole);

  std::vector<std::uint8_t> again;
  for (const auto& packet : whole.packets) {
    const std::size_t at = again.size();
    again.resize(at + kHeaderBytes + packet.size());
    ZVONOK_CHECK(write_frame(MutableBytes{again}.subspan(at), packet) == kHeaderBytes + packet.size());
  }
  ZVONOK_CHECK(read(options, again, fuzz::piece_sizes(seed + 1, again.size())).packets == whole.packets);
  return 0;
}
