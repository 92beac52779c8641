// A VP8 receiver without pictures, built as browsers are: packets are put together to frames, frames get their
// references from picture ids and TL0PICIDX, and a frame is decoded when what it refers to was. The stamps tell what
// really was needed, so a stream that a decoder would take and then show wrong pictures is found out.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/codec/vp8.h"
#include "sim/media/stamp.h"

namespace zvonok::sim {

class VideoReceiver {
 public:
  struct Decoded {
    TimePoint at{};
    TimePoint sent{};
    std::uint32_t number = 0;
    std::uint32_t timestamp = 0;
    std::uint8_t layer = 0;
    std::uint8_t temporal = 0;
    bool keyframe = false;
    std::uint32_t height = 0;  // of the keyframe it goes back to
  };

  void on_packet(TimePoint now, std::uint64_t sequence, std::uint32_t timestamp, bool marker, Bytes payload);
  void step(TimePoint now);
  /// Nothing could be decoded for some time though packets come. True at most once in kKeyframeWait.
  [[nodiscard]] bool take_keyframe_request(TimePoint now);

  [[nodiscard]] const std::vector<Decoded>& decoded() const { return decoded_; }
  /// Pictures that a decoder would show and that are wrong, and other nonsense.
  [[nodiscard]] const std::vector<std::string>& wrong() const { return wrong_; }
  [[nodiscard]] std::uint64_t keyframe_requests() const { return requests_; }

 private:
  static constexpr Duration kKeyframeWait = milliseconds{400};
  /// How long a frame that could be decoded waits for one before it that is not there yet.
  static constexpr Duration kPatience = milliseconds{150};

  struct Packet {
    std::uint32_t timestamp = 0;
    bool marker = false;
    bool starts = false;
    media::Vp8Descriptor descriptor;
    media::Vp8Frame frame;
    std::optional<Stamp> stamp;
  };
  struct Frame {
    TimePoint complete{};
    std::int64_t id = 0;
    std::int64_t tl0 = 0;
    bool sync = false;
    bool keyframe = false;
    std::uint8_t temporal = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t height = 0;
    Stamp stamp;
    std::vector<std::int64_t> references;
  };
  enum class Decision { HandOff, Stash, Drop };

  void assemble(TimePoint now, std::uint64_t sequence);
  void manage(Frame frame);
  Decision find_references(Frame& frame);
  void update_layers(const Frame& frame);
  void retry_stashed();
  void decode_ready(TimePoint now);
  void decode(TimePoint now, const Frame& frame);
  void complain(std::string what);

  std::map<std::uint64_t, Packet> packets_;
  std::uint64_t newest_ = 0;

  std::optional<std::int64_t> last_id_;
  std::optional<std::int64_t> last_tl0_;
  std::optional<std::int64_t> last_picture_;
  std::set<std::int64_t> not_received_;
  std::map<std::int64_t, std::array<std::int64_t, 4>> layers_;
  std::vector<Frame> stashed_;

  std::map<std::int64_t, Frame> ready_;
  std::set<std::int64_t> decoded_ids_;
  std::set<std::uint32_t> truly_decoded_;  // of the layer since its keyframe
  std::uint8_t true_layer_ = 0;
  std::uint32_t height_ = 0;
  std::vector<Decoded> decoded_;
  std::vector<std::string> wrong_;

  std::optional<TimePoint> first_packet_;
  std::optional<TimePoint> last_packet_;
  std::optional<TimePoint> last_decoded_at_;
  std::optional<TimePoint> last_request_;
  std::uint64_t requests_ = 0;
};

}  // namespace zvonok::sim
