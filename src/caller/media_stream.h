// The sound of one call between two native clients: frames to sealed RTP and back (PCMU, RFC 3551; SRTP with a key that
// only the two ends have, docs/protocol/e2e.md), put in order, with what is to be known of it counted.
//
// Sans-IO: frames, datagrams and time in, datagrams and sound out. Not thread-safe.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/time.h"
#include "proto/e2e/key_schedule.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"

namespace zvonok::caller {

constexpr unsigned kSampleRate = 8000;
constexpr std::size_t kFrameSamples = 160;
constexpr Duration kFrameLength = milliseconds{20};
constexpr std::size_t kSoundBytesMax = 256;  // of a sealed frame

struct StreamStats {
  std::uint64_t sent_packets = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_packets = 0;  // that could be opened
  std::uint64_t received_bytes = 0;
  std::uint64_t undecodable = 0;  // sealed with another key, or changed on the way
  std::uint64_t replayed = 0;
  std::uint64_t malformed = 0;
  std::uint64_t keyless = 0;  // came before the keys were agreed
  std::uint64_t late = 0;     // came when their place had been filled with silence
  std::uint64_t lost = 0;     // gaps in the numbers of what came
  double jitter_ms = 0;       // RFC 3550 section 6.4.1
  Duration longest_gap{};     // between two packets
  double level_db = -100;     // of what was heard, against full scale
};

class MediaStream {
 public:
  explicit MediaStream(Entropy& entropy);

  /// From now on these seal; what was sealed with those before is opened for as long as there are no newer ones.
  void use(const e2e::PairKeys& keys);
  [[nodiscard]] bool ready() const { return sender_.has_value(); }

  /// One frame, sealed; nothing before there are keys. The view lives until the next call.
  [[nodiscard]] Bytes seal(std::span<const std::int16_t, kFrameSamples> frame);

  /// Takes a datagram of the other side, which is spoilt by it.
  void handle_datagram(MutableBytes datagram, TimePoint now);
  /// Sound whose turn it is: in order, gaps filled with silence. `all`: without waiting for what may still come.
  enum class Take : std::uint8_t { InTime, All };
  [[nodiscard]] std::vector<std::int16_t> take_sound(Take take);

  [[nodiscard]] StreamStats stats() const;

 private:
  void arrive(std::uint64_t sequence, std::uint32_t timestamp, Bytes payload, TimePoint now);
  [[nodiscard]] std::optional<srtp::Opened> open(MutableBytes datagram);
  void measure(std::span<const std::int16_t> samples);

  Entropy& entropy_;
  rtp::Ssrc ssrc_{};
  std::uint64_t sequence_ = 0;
  std::uint32_t timestamp_ = 0;
  bool begun_ = false;
  std::optional<srtp::Sender> sender_;
  std::array<std::uint8_t, kSoundBytesMax> out_{};

  std::vector<std::unique_ptr<srtp::Receiver>> receivers_;  // the newest first, two at most
  std::array<std::uint8_t, 2048> attempt_{};

  std::map<std::int64_t, std::vector<std::int16_t>> waiting_;  // by timestamp, extended
  std::optional<std::int64_t> newest_;
  std::int64_t next_ = 0;  // the timestamp that `take_sound` goes on with
  std::optional<std::uint64_t> highest_sequence_;
  TimePoint last_arrival_{};
  std::uint32_t last_timestamp_ = 0;
  double jitter_ = 0;  // in samples
  double energy_ = 0;
  std::uint64_t measured_ = 0;
  StreamStats stats_;
};

}  // namespace zvonok::caller
