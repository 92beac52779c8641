#include "proto/framing/framing.h"

#include <algorithm>

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::framing {

bool Deframer::fill(Bytes& chunk, std::size_t target) {
  if (partial_.size() < target) {
    const std::size_t take = std::min(target - partial_.size(), chunk.size());
    partial_.insert(partial_.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(take));
    chunk = chunk.subspan(take);
  }
  return partial_.size() >= target;
}

Result<std::optional<Bytes>, Error> Deframer::next(Bytes& chunk) {
  while (!failed_) {
    if (given_) {
      partial_.clear();
      given_ = false;
    }
    const bool in_place = partial_.empty() && chunk.size() >= kHeaderBytes;
    if (!in_place && !fill(chunk, kHeaderBytes)) return std::optional<Bytes>{};
    const std::size_t size = load_be16(in_place ? chunk.data() : partial_.data());
    if (size > options_.frame_bytes_max) failed_ = Error::FrameTooLong;
    if (size == 0 && options_.empty == EmptyFrames::Refuse) failed_ = Error::FrameEmpty;
    if (failed_) break;
    Bytes packet;
    if (in_place && chunk.size() >= kHeaderBytes + size) {
      packet = chunk.subspan(kHeaderBytes, size);
      chunk = chunk.subspan(kHeaderBytes + size);
    } else {
      if (!fill(chunk, kHeaderBytes + size)) return std::optional<Bytes>{};
      packet = Bytes{partial_}.subspan(kHeaderBytes);
      given_ = true;
    }
    if (!packet.empty()) return std::optional{packet};
  }
  return fail(*failed_);
}

std::array<std::uint8_t, kHeaderBytes> frame_header(std::size_t bytes) {
  ZVONOK_CHECK(bytes <= kFrameBytesMax);
  std::array<std::uint8_t, kHeaderBytes> header{};
  store_be16(header.data(), static_cast<std::uint16_t>(bytes));
  return header;
}

std::size_t write_frame(MutableBytes buffer, Bytes packet) {
  ByteWriter writer{buffer};
  if (buffer.size() < kHeaderBytes + packet.size()) return 0;
  writer.append(frame_header(packet.size()));
  writer.append(packet);
  return writer.size();
}

}  // namespace zvonok::framing
