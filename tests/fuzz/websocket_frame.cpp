// However the bytes of a peer are cut into pieces, and however often the reader pauses, the decoder says the same; it
// keeps no more than it may; and what it says, encoded again, decodes to the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"
#include "proto/websocket/frame.h"

using namespace zvonok;
using namespace zvonok::websocket;

namespace {

struct Event {
  enum class Kind { Message, Ping, Pong, Close };
  Kind kind = Kind::Message;
  Opcode opcode = Opcode::Text;
  std::uint16_t code = 0;
  std::string payload;
  friend bool operator==(const Event&, const Event&) = default;
};

/// What a decoder said, and how it ended.
struct Outcome {
  std::vector<Event> events;
  bool broken = false;
  CloseCode code{};
  std::string_view reason;
  std::size_t buffered = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

class Recorder final : public MessageSink {
 public:
  explicit Recorder(Outcome& outcome) : outcome_{outcome} {}
  void on_message(Opcode opcode, std::string_view payload) override {
    add({.kind = Event::Kind::Message, .opcode = opcode, .payload = std::string{payload}});
  }
  void on_ping(std::string_view payload) override {
    add({.kind = Event::Kind::Ping, .opcode = Opcode::Ping, .payload = std::string{payload}});
  }
  void on_pong(std::string_view payload) override {
    add({.kind = Event::Kind::Pong, .opcode = Opcode::Pong, .payload = std::string{payload}});
  }
  void on_close(std::uint16_t code, std::string_view reason) override {
    add({.kind = Event::Kind::Close, .opcode = Opcode::Close, .code = code, .payload = std::string{reason}});
  }
  [[nodiscard]] bool wants_more() const override { return allowed_ > 0; }
  /// How many events it takes before it wants no more.
  void allow(std::size_t events) { allowed_ = events; }

 private:
  void add(Event event) {
    ZVONOK_CHECK(allowed_ > 0);
    if (allowed_ != kUnlimited) --allowed_;
    outcome_.events.push_back(std::move(event));
  }
  static constexpr std::size_t kUnlimited = SIZE_MAX;
  Outcome& outcome_;
  std::size_t allowed_ = kUnlimited;
};

struct Settings {
  Sender sender = Sender::Client;
  DecoderLimits limits;
};

bool feed(Decoder& decoder, Recorder& recorder, std::string piece, Outcome& outcome) {
  if (decoder.feed({reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()}, recorder)) return true;
  outcome.broken = true;
  outcome.code = decoder.failure().code;
  outcome.reason = decoder.failure().reason;
  return false;
}

Outcome decode(const Settings& settings, std::string_view bytes, const std::vector<std::size_t>& pieces,
               std::size_t events_at_a_time) {
  constexpr std::size_t kLongestHeader = 14;
  constexpr std::size_t kLongestControl = 125;
  Outcome outcome;
  Recorder recorder{outcome};
  Decoder decoder{settings.sender, settings.limits};
  const auto done = [&] {
    outcome.buffered = outcome.broken ? 0 : decoder.buffered_bytes();
    return outcome;
  };
  std::size_t at = 0;
  for (const std::size_t size : pieces) {
    if (events_at_a_time > 0) recorder.allow(events_at_a_time);
    if (!feed(decoder, recorder, std::string{bytes.substr(at, size)}, outcome)) return done();
    at += size;
    // A reader that paused comes back for what waits, until nothing new is said.
    std::size_t said = 0;
    while (events_at_a_time > 0 && said != outcome.events.size()) {
      said = outcome.events.size();
      recorder.allow(events_at_a_time);
      if (!feed(decoder, recorder, {}, outcome)) return done();
    }
    ZVONOK_CHECK(decoder.buffered_bytes() <= settings.limits.message_bytes_max + kLongestHeader + kLongestControl);
  }
  return done();
}

void check_events(const Settings& settings, const Outcome& outcome) {
  for (const Event& event : outcome.events) {
    switch (event.kind) {
      case Event::Kind::Message:
        ZVONOK_CHECK(event.opcode == Opcode::Text || event.opcode == Opcode::Binary);
        ZVONOK_CHECK(event.payload.size() <= settings.limits.message_bytes_max);
        ZVONOK_CHECK(event.opcode == Opcode::Binary || is_valid_utf8(event.payload));
        break;
      case Event::Kind::Ping:
      case Event::Kind::Pong: ZVONOK_CHECK(event.payload.size() <= 125); break;
      case Event::Kind::Close:
        ZVONOK_CHECK(event.payload.size() <= 123 && is_valid_utf8(event.payload));
        ZVONOK_CHECK(event.code >= 1000 && event.code <= 4999 && event.code != 1006);
        break;
    }
  }
}

/// Unfragmented, from either side.
void check_round_trip(const Settings& settings, const Outcome& outcome, std::uint32_t mask) {
  for (const Sender sender : {Sender::Client, Sender::Server}) {
    std::string bytes;
    for (const Event& event : outcome.events) {
      std::string payload = event.payload;
      if (event.kind == Event::Kind::Close && event.code != 1005) {
        payload.insert(0, {static_cast<char>(event.code >> 8), static_cast<char>(event.code & 0xFF)});
      }
      const std::size_t start = bytes.size();
      if (sender == Sender::Client) {
        append_masked_frame(bytes, event.opcode, payload, mask);
      } else {
        append_frame(bytes, event.opcode, payload);
      }
      if (event.kind != Event::Kind::Close || sender == Sender::Client) continue;
      std::string close;
      append_close(close, static_cast<CloseCode>(event.code), event.payload);
      ZVONOK_CHECK(close == bytes.substr(start));
    }
    const Outcome again = decode({sender, settings.limits}, bytes, {bytes.size()}, 0);
    ZVONOK_CHECK(again.events == outcome.events && !again.broken && again.buffered == 0);
  }
}

/// UTF-8 by its definition: decode, and see whether encoding gives the same.
bool is_utf8_by_definition(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = lead < 0x80         ? 1
                               : lead >> 5 == 0x6  ? 2
                               : lead >> 4 == 0xE  ? 3
                               : lead >> 3 == 0x1E ? 4
                                                   : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<std::uint8_t>(text[i + k]);
      if (byte >> 6 != 0x2) return false;
      point = (point << 6) | (byte & 0x3FU);
    }
    const std::size_t shortest = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (length != shortest || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  Settings settings;
  settings.sender = input.below(4) == 0 ? Sender::Server : Sender::Client;
  constexpr std::size_t kMessageLimits[] = {256 * 1024, 200, 5, 0};
  constexpr std::size_t kFragmentLimits[] = {64, 3, 1};
  settings.limits.message_bytes_max = kMessageLimits[input.below(4)];
  settings.limits.fragments_max = kFragmentLimits[input.below(3)];
  const std::uint32_t seed = input.byte() * 256U + input.byte();
  const std::size_t events_at_a_time = 1 + input.below(3);
  const std::string_view bytes = input.rest();

  ZVONOK_CHECK(is_valid_utf8(bytes) == is_utf8_by_definition(bytes));
  const Outcome whole = decode(settings, bytes, {bytes.size()}, 0);
  check_events(settings, whole);
  ZVONOK_CHECK(decode(settings, bytes, std::vector<std::size_t>(bytes.size(), 1), 0) == whole);
  const auto pieces = fuzz::piece_sizes(seed, bytes.size());
  ZVONOK_CHECK(decode(settings, bytes, pieces, 0) == whole);
  ZVONOK_CHECK(decode(settings, bytes, pieces, events_at_a_time) == whole);
  check_round_trip(settings, whole, seed * 0x01000193U);
  return 0;
}
