// Which layer of which video a receiver gets, out of what its path can carry.
//
// Audio is reserved first. Then, for the videos in the order of their rank (screens and the active speaker, pinned
// ones, thumbnails; within a rank the higher `priority`, then the lower id):
//   1. the first rank gets a usable picture (up to 360 lines),
//   2. everybody gets the lowest layer,
//   3. rank after rank is raised to what is wanted, equals step by step so that none is two steps ahead for long.
// Going down happens at once; going up needs 1.15 x the rate and two seconds of patience, unless the receiver itself
// just asked for more (a new speaker must not wait).
//
// Deterministic: the same calls give the same answers. Threads: belongs to one shard. Not for the packet path (it is
// called some ten times a second and may allocate).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"

namespace zvonok::media {

/// The owner's name for a video that a receiver wants.
enum class VideoId : std::uint64_t {};

struct LayerId {
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  friend bool operator==(LayerId, LayerId) = default;
};

/// A layer that arrives now, with all those below that it needs. `bitrate_bps` is of the whole (simulcast: of this
/// encoding up to this temporal layer).
struct AvailableLayer {
  LayerId id;
  std::int64_t bitrate_bps = 0;
  std::uint16_t height = 0;
};

enum class VideoSource : std::uint8_t { Camera, Screen };
enum class Attention : std::uint8_t { Thumbnail, Pinned, Speaker };

struct WantedVideo {
  VideoId id{};
  std::vector<AvailableLayer> layers{};
  /// Lines of the picture the receiver shows; 0 is "not visible".
  std::uint16_t height = 0;
  std::uint8_t priority = 0;
  VideoSource source = VideoSource::Camera;
  Attention attention = Attention::Thumbnail;
  /// Its lowest layer is being sent, though the last answer gave it nothing: it needs no patience and no headroom to
  /// stay.
  bool flows = false;
};

struct AllocationRequest {
  std::int64_t estimate_bps = 0;
  /// All audio that is forwarded to this receiver.
  std::int64_t audio_bps = 0;
  std::span<const WantedVideo> videos;
};

struct VideoAllocation {
  VideoId id{};
  std::optional<LayerId> layer{};  ///< nothing: off
  std::int64_t bitrate_bps = 0;
  friend bool operator==(const VideoAllocation&, const VideoAllocation&) = default;
};

struct Allocation {
  std::vector<VideoAllocation> videos{};  ///< in the order of the request
  std::int64_t video_bps = 0;
  /// With an endless path: what the controller may probe for. Audio included.
  std::int64_t wanted_bps = 0;
  /// Something waits to go up: call again by then even if nothing changes.
  std::optional<TimePoint> next_timeout{};
};

namespace detail {

/// One video while it is being decided: the steps it may take, and the one it has.
struct VideoLadder {
  const WantedVideo* video = nullptr;
  int rank = 0;
  std::vector<AvailableLayer> steps{};  ///< by rate, rising
  std::size_t usable = 0;               ///< steps up to a usable picture
  std::size_t step = 0;                 ///< 0 is off, n is steps[n-1]

  [[nodiscard]] std::int64_t rate(std::size_t at) const { return at == 0 ? 0 : steps[at - 1].bitrate_bps; }
  [[nodiscard]] std::int64_t rate() const { return rate(step); }
};

}  // namespace detail

class Allocator {
 public:
  static constexpr std::size_t kVideosMax = 128;
  static constexpr std::size_t kLayersMax = 16;
  static constexpr Duration kPatience = seconds{2};
  static constexpr double kHeadroom = 1.15;

  /// Videos beyond kVideosMax are off; layers beyond kLayersMax are not looked at.
  [[nodiscard]] Allocation allocate(TimePoint now, const AllocationRequest& request);

 private:
  struct Memory {
    VideoId id{};
    std::int64_t bitrate_bps = 0;  ///< of the layer given last; 0 is off
    std::optional<LayerId> layer{};
    std::uint16_t height = 0;
    int rank = 0;
    bool had_layers = false;
    std::optional<TimePoint> better_since{};
  };
  struct Step {
    std::size_t chosen = 0;
    std::optional<TimePoint> better_since{};  ///< it could be more, and waits
  };
  [[nodiscard]] static Step choose(TimePoint now, const detail::VideoLadder& ladder, const Memory* before,
                                   std::size_t fits);
  [[nodiscard]] const Memory* remembered(VideoId id) const;

  std::vector<Memory> memory_;
};

}  // namespace zvonok::media
