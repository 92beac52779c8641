// However a VLESS stream is cut, the same request and the same frames come out of it; no more is kept than one of them;
// and what is written again is read as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "base/check.h"
#include "fuzz/input.h"
#include "proto/vless/early_data.h"
#include "proto/vless/mux.h"
#include "proto/vless/request.h"

using namespace zvonok;
using namespace zvonok::vless;

namespace {

using Blob = std::vector<std::uint8_t>;

struct ReadRequest {
  std::optional<Request> request;
  std::optional<RequestError> error;
  std::size_t used = 0;
  friend bool operator==(const ReadRequest&, const ReadRequest&) = default;
};

ReadRequest read_request(Bytes stream, const std::vector<std::size_t>& pieces) {
  RequestReader reader;
  ReadRequest result;
  for (const std::size_t piece : pieces) {
    Bytes chunk = stream.first(piece);
    stream = stream.subspan(piece);
    const auto got = reader.next(chunk);
    result.used += piece - chunk.size();
    ZVONOK_CHECK(result.used <= kRequestBytesMax);
    if (!got) {
      result.error = got.error();
      result.used = 0;  // an error may be known at an earlier piece or a later
      return result;
    }
    if (*got) {
      result.request = **got;
      return result;
    }
    ZVONOK_CHECK(chunk.empty());
  }
  return result;
}

struct KeptFrame {
  mux::Frame frame;
  Blob data;
};
struct ReadFrames {
  std::vector<KeptFrame> frames;
  std::optional<mux::Error> error;
};

bool same(const KeptFrame& a, const KeptFrame& b) {
  return a.frame.session == b.frame.session && a.frame.status == b.frame.status && a.frame.fault == b.frame.fault &&
         a.frame.destination == b.frame.destination && a.frame.global_id == b.frame.global_id &&
         a.frame.data.has_value() == b.frame.data.has_value() && a.data == b.data;
}
bool same(const ReadFrames& a, const ReadFrames& b) {
  return a.error == b.error &&
         std::ranges::equal(a.frames, b.frames, [](const auto& x, const auto& y) { return same(x, y); });
}

ReadFrames read_frames(Bytes stream, const std::vector<std::size_t>& pieces) {
  mux::Reader reader;
  ReadFrames result;
  for (const std::size_t piece : pieces) {
    Bytes chunk = stream.first(piece);
    stream = stream.subspan(piece);
    for (;;) {
      const auto got = reader.next(chunk);
      if (!got) {
        result.error = got.error();
        return result;
      }
      if (!*got) break;
      KeptFrame kept{.frame = **got, .data = {}};
      if (kept.frame.data) kept.data.assign(kept.frame.data->begin(), kept.frame.data->end());
      if (kept.frame.status == mux::Status::New) ZVONOK_CHECK(kept.frame.destination.has_value());
      result.frames.push_back(std::move(kept));
    }
    ZVONOK_CHECK(chunk.empty());
    ZVONOK_CHECK(reader.buffered_bytes() < mux::kFrameBytesMax);
  }
  return result;
}

/// Frames as we would write them; those with names can't be.
Blob write_frames(const std::vector<KeptFrame>& frames) {
  Blob stream;
  for (const auto& [frame, data] : frames) {
    Blob head(mux::kWrittenBytesMax);
    ByteWriter writer{head};
    mux::write_head(writer, {.session = frame.session,
                             .status = frame.status,
                             .fault = frame.fault,
                             .network = frame.destination ? frame.destination->network : mux::Network::Udp,
                             .address = frame.destination ? frame.destination->target.at : std::nullopt,
                             .global_id = frame.global_id,
                             .data_bytes = frame.data ? std::optional{data.size()} : std::nullopt});
    ZVONOK_CHECK(writer.ok());
    stream.insert(stream.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(writer.size()));
    stream.insert(stream.end(), data.begin(), data.end());
  }
  return stream;
}

void check_request(std::uint32_t seed, Bytes stream) {
  const ReadRequest whole = read_request(stream, {stream.size()});
  ZVONOK_CHECK(read_request(stream, std::vector<std::size_t>(stream.size(), 1)) == whole);
  ZVONOK_CHECK(read_request(stream, fuzz::piece_sizes(seed, stream.size())) == whole);
  if (!whole.request || (whole.request->command != Command::Mux && !whole.request->target.at)) return;
  Blob again(kRequestBytesMax);
  ByteWriter writer{again};
  write_request(writer, *whole.request);
  ZVONOK_CHECK(writer.ok());
  ZVONOK_CHECK(read_request(writer.written(), {writer.size()}).request == whole.request);
}

void check_frames(std::uint32_t seed, Bytes stream) {
  ReadFrames whole = read_frames(stream, {stream.size()});
  ZVONOK_CHECK(same(read_frames(stream, std::vector<std::size_t>(stream.size(), 1)), whole));
  ZVONOK_CHECK(same(read_frames(stream, fuzz::piece_sizes(seed, stream.size())), whole));
  std::erase_if(whole.frames,
                [](const KeptFrame& kept) { return kept.frame.destination && !kept.frame.destination->target.at; });
  const Blob again = write_frames(whole.frames);
  whole.error.reset();
  ZVONOK_CHECK(same(read_frames(again, fuzz::piece_sizes(seed + 1, again.size())), whole));
}

void check_early_data(std::string_view text) {
  const auto bytes = decode_early_data(text);
  if (!bytes) return;
  ZVONOK_CHECK(!bytes->empty() && bytes->size() <= kEarlyDataBytesMax);
  ZVONOK_CHECK(decode_early_data(base64url_encode(*bytes)) == bytes);
  ZVONOK_CHECK(decode_early_data(base64_encode(*bytes)) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const std::size_t which = input.below(3);
  const std::uint32_t seed = input.byte() * 256U + input.byte();
  switch (which) {
    case 0: check_request(seed, as_bytes(input.rest())); break;
    case 1: check_frames(seed, as_bytes(input.rest())); break;
    default: check_early_data(input.rest()); break;
  }
  return 0;
}
