// A steady stream made of packets that come late, twice, in another order or not at all: 20 ms of linear samples every
// 20 ms. How much is held back follows what the network does; what is lost is concealed, what piles up is shortened by
// periods of the voice. Sans-IO.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/forwarder.h"
#include "media/phone/delay_estimator.h"
#include "media/phone/sound.h"
#include "media/phone/speech_decoder.h"

namespace zvonok::media::phone {

struct JitterCounters {
  std::uint64_t packets = 0;
  std::uint64_t late = 0;               // came after their time, and were dropped
  std::uint64_t repeated = 0;           // came twice
  std::uint64_t unfit = 0;              // no sound of a phone call
  std::uint64_t overflows = 0;          // too many came at once: all were dropped
  std::uint64_t lost = 0;               // concealed, for there was one behind it
  std::uint64_t concealed_samples = 0;  // made up, lost or not yet there
  std::uint64_t shortened_samples = 0;  // taken out
};

class JitterBuffer {
 public:
  static constexpr std::size_t kPackets = 64;
  static constexpr std::size_t kPayloadMax = 1500;
  /// That many behind what was played, and none ahead of it: they are numbered anew.
  static constexpr std::size_t kLateMost = 64;

  /// `packet.sequence` is unrolled.
  void on_packet(TimePoint now, const MediaPacket& packet);
  /// That number was used for something else than sound.
  void skip(TimePoint now, std::uint64_t sequence);
  /// The next 20 ms. False: nothing is said, and `out` is silence.
  bool pull(TimePoint now, std::span<std::int16_t, kFrameSamples> out);
  /// What comes next is of another source.
  void restart();

  [[nodiscard]] const JitterCounters& counters() const { return counters_; }
  /// That is aimed at, and that there is now.
  [[nodiscard]] Duration target() const { return delay_.target(); }
  [[nodiscard]] Duration level() const;

 private:
  struct Slot {
    bool filled = false;
    Codec codec = Codec::Pcmu;
    std::size_t samples = 0;
    std::vector<std::uint8_t> payload;
  };
  [[nodiscard]] Slot& slot(std::uint64_t sequence) { return slots_[sequence % kPackets]; }
  /// Where that packet goes; null: it is dropped and counted.
  [[nodiscard]] Slot* place_for(TimePoint now, std::uint64_t sequence);
  void drop_all();
  /// Decodes the next packet, or makes up for it when another one is behind it. False: there is nothing.
  bool decode_next();
  void shorten(TimePoint now);

  std::array<Slot, kPackets> slots_;
  std::size_t held_ = 0;          // packets
  std::size_t held_samples_ = 0;  // in them
  bool started_ = false;
  bool playing_ = false;
  std::uint64_t next_ = 0;     // to be played
  Codec codec_ = Codec::Pcmu;  // of what was played last
  std::size_t packet_samples_ = kFrameSamples;
  TimePoint waiting_since_{};
  std::size_t made_up_in_a_row_ = 0;  // frames
  std::size_t made_up_ = 0;           // samples since the last packet: of those that are missing now
  std::size_t late_in_a_row_ = 0;     // packets
  std::vector<std::int16_t> ready_;   // decoded
  // The least that there was of late: more than is needed all the time is too much.
  std::size_t least_ = 0;
  TimePoint least_since_{};
  DelayEstimator delay_;
  SpeechDecoder decoder_;
  JitterCounters counters_;
};

}  // namespace zvonok::media::phone
