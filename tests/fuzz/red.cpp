// Redundant audio: what is read stays inside and ends where the packet does; what is written is read again.
#include "media/codec/red.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"

using namespace zvonok;
using namespace zvonok::media;

namespace {

void read(Bytes payload) {
  const auto newest = parse_red(payload);
  if (!newest) return;
  ZVONOK_CHECK(!payload.empty() && newest->payload.size() < payload.size());
  ZVONOK_CHECK(newest->payload.data() + newest->payload.size() == payload.data() + payload.size());
  ZVONOK_CHECK(static_cast<std::uint8_t>(newest->type) < 0x80);
}

void write_and_read(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const auto type = rtp::PayloadType{static_cast<std::uint8_t>(input.below(128))};
  std::vector<RedBlock> blocks(input.below(4));
  std::vector<std::size_t> sizes;
  for (RedBlock& block : blocks) {
    block.timestamp_offset = static_cast<std::uint32_t>(input.byte() * 257 & 0x7FFF);
    sizes.push_back(input.byte() * std::size_t{5});
  }
  std::vector<std::uint8_t> room(1 + input.byte() * std::size_t{16});
  Bytes rest = as_bytes(input.rest());
  bool possible = true;
  std::size_t needed = 1;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].payload = rest.first(std::min(sizes[i], rest.size()));
    rest = rest.subspan(blocks[i].payload.size());
    needed += 4 + blocks[i].payload.size();
    possible = possible && blocks[i].timestamp_offset <= kRedOffsetMax && blocks[i].payload.size() <= kRedBlockBytesMax;
  }
  const std::size_t written = write_red(room, type, blocks);
  ZVONOK_CHECK(written == (possible && needed <= room.size() ? needed : 0));
  if (written == 0) return;
  room.resize(written);
  room.insert(room.end(), rest.begin(), rest.end());
  const auto newest = parse_red(room);
  ZVONOK_CHECK(newest && newest->type == type && newest->payload.size() == rest.size());
  ZVONOK_CHECK(std::ranges::equal(newest->payload, rest));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::unique_ptr<std::uint8_t[]> copy{new std::uint8_t[size]};
  if (size > 0) std::memcpy(copy.get(), data, size);
  read({copy.get(), size});
  write_and_read(copy.get(), size);
  return 0;
}
