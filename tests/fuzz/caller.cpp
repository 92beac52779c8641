// What the native client reads of others: a proxy's answers come out the same however they are cut; words about keys
// that are understood say the same when they are written again; sound files and a server's texts do no harm.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "caller/wav.h"
#include "fuzz/input.h"
#include "proto/e2e/agreement.h"
#include "proto/socketio/client.h"
#include "proto/socks5/client.h"

using namespace zvonok;

namespace {

struct ReadAnswer {
  std::optional<SocketAddress> bound;
  std::optional<socks5::Error> error;
  friend bool operator==(const ReadAnswer&, const ReadAnswer&) = default;
};

ReadAnswer read_answer(Bytes stream, const std::vector<std::size_t>& pieces) {
  socks5::Opening opening{socks5::Command::Connect, {}};
  ReadAnswer result;
  for (const std::size_t piece : pieces) {
    Bytes chunk = stream.first(piece);
    stream = stream.subspan(piece);
    const auto got = opening.feed(chunk);
    if (!got) return {.bound = {}, .error = got.error()};
    if (!*got) continue;
    ZVONOK_CHECK(!result.bound);
    result.bound = **got;
  }
  return result;
}

void check_socks(std::uint32_t seed, Bytes bytes) {
  const ReadAnswer whole = read_answer(bytes, {bytes.size()});
  ZVONOK_CHECK(read_answer(bytes, std::vector<std::size_t>(bytes.size(), 1)) == whole);
  ZVONOK_CHECK(read_answer(bytes, fuzz::piece_sizes(seed, bytes.size())) == whole);
  const auto datagram = socks5::parse_datagram(bytes);
  if (!datagram) return;
  std::vector<std::uint8_t> again(datagram->payload.size() + socks5::kDatagramHeaderBytesMax);
  const std::size_t size = socks5::write_datagram(again, datagram->from, datagram->payload);
  const auto back = socks5::parse_datagram(Bytes{again}.first(size));
  ZVONOK_CHECK(back && back->from == datagram->from && std::ranges::equal(back->payload, datagram->payload));
}

void check_words(std::string_view text) {
  const auto words = e2e::parse_words(text);
  if (!words) return;
  const auto again = e2e::parse_words(e2e::to_json(*words));
  ZVONOK_CHECK(again && again->round == words->round && again->commitment == words->commitment &&
               again->key == words->key);
}

void check_wav(Bytes file) {
  const auto sound = caller::parse_wav(file);
  if (!sound) return;
  ZVONOK_CHECK(sound->samples.size() <= file.size());
  const auto out = caller::resample(*sound, 8000);
  ZVONOK_CHECK(out.samples.size() <= sound->samples.size() * 2);
}

void check_io_client(std::string_view texts) {
  socketio::Client client{{.nsp = "/call", .auth = "{}"}, TimePoint{}};
  while (!texts.empty()) {
    const std::size_t end = std::min(texts.find('\n'), texts.size());
    const auto understood = client.handle_text(texts.substr(0, end), TimePoint{});
    while (client.poll_event()) {
    }
    while (client.poll_transmit()) {
    }
    if (!understood) return;
    texts.remove_prefix(std::min(texts.size(), end + 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const std::size_t which = input.below(4);
  const std::uint32_t seed = input.byte() * 256U + input.byte();
  switch (which) {
    case 0: check_socks(seed, as_bytes(input.rest())); break;
    case 1: check_words(input.rest()); break;
    case 2: check_wav(as_bytes(input.rest())); break;
    default: check_io_client(input.rest()); break;
  }
  return 0;
}
