// The dependency descriptor header extension ("RTP Payload Format For AV1", appendix A): which frames a frame needs and
// whom it serves, for any codec. Numbers of sections below are of that document.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media/codec/codec.h"

namespace zvonok::media {

inline constexpr std::size_t kDecodeTargetsMax = 32;
inline constexpr std::size_t kDependencyTemplatesMax = 64;
inline constexpr std::size_t kDependencySpatialLayersMax = 4;
inline constexpr std::size_t kDependencyTemporalLayersMax = 8;
/// No codec refers to more frames than it has buffers; descriptors that do are refused.
inline constexpr std::size_t kFrameDiffsMax = 8;

/// Section A.8.3, table A.1: what a frame is to a decode target.
enum class Dti : std::uint8_t { NotPresent = 0, Discardable = 1, Switch = 2, Required = 3 };

struct DependencyTemplate {
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  std::uint8_t frame_diff_count = 0;
  std::array<std::uint16_t, kFrameDiffsMax> frame_diffs{};    // the frames it needs: so many numbers back
  std::array<Dti, kDecodeTargetsMax> dtis{};                  // by decode target
  std::array<std::uint8_t, kDecodeTargetsMax> chain_diffs{};  // by chain: the chain's last frame, so many back
};

/// About 5.5 KB: keep one for each stream that sends it, not one for each packet.
struct DependencyStructure {
  struct Layer {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    bool operator==(const Layer&) const = default;
  };
  std::uint8_t template_id_offset = 0;
  std::uint8_t template_count = 0;
  std::uint8_t decode_target_count = 0;
  std::uint8_t chain_count = 0;
  std::uint8_t resolution_count = 0;  // 0: not said
  std::array<DependencyTemplate, kDependencyTemplatesMax> templates{};
  std::array<std::uint8_t, kDecodeTargetsMax> protected_by{};  // by decode target: its chain
  std::array<Layer, kDecodeTargetsMax> decode_target_layers{};
  std::array<Resolution, kDependencySpatialLayersMax> resolutions{};  // by spatial layer
};

/// One packet's descriptor with its template filled in.
struct DependencyDescriptor {
  bool starts_frame = false;
  bool ends_frame = false;
  bool brings_structure = false;       // only on the first packet of a coded video sequence
  bool switches_to_own_layer = false;  // it is a switch for the decode target of just its layers
  std::uint8_t template_id = 0;
  std::uint16_t frame_number = 0;
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  std::uint8_t decode_target_count = 0;
  std::uint8_t chain_count = 0;
  std::uint8_t frame_diff_count = 0;
  std::array<std::uint16_t, kFrameDiffsMax> frame_diffs{};
  std::array<Dti, kDecodeTargetsMax> dtis{};
  std::array<std::uint8_t, kDecodeTargetsMax> chain_diffs{};
  std::optional<std::uint32_t> active_decode_targets;  // said by this packet; bit i is decode target i
  std::optional<Resolution> resolution;
  // Where the bits lie, for `rewrite_active_decode_targets`.
  std::uint16_t mask_position = 0;  // of the bitmask, or where it would be
  std::uint16_t end_position = 0;   // of what is not padding
  bool has_mask = false;

  /// No frame of any decode target needs it.
  [[nodiscard]] bool is_discardable() const;
};

/// Reads the descriptors of one RTP stream, of authenticated packets only: it holds the structure that later ones refer
/// to. Nothing is allocated. A descriptor that is refused changes nothing.
class DependencyReader {
 public:
  /// MissingStructure: no structure yet, or the packet belongs to another one than the last.
  [[nodiscard]] Result<DependencyDescriptor, CodecError> read(Bytes extension);

  /// The last structure; none before the first.
  [[nodiscard]] const DependencyStructure* structure() const { return structure_ ? &*structure_ : nullptr; }
  /// The decode targets that the sender says it produces (section A.4), 0 before the first structure.
  [[nodiscard]] std::uint32_t active_decode_targets() const { return active_; }

 private:
  std::optional<DependencyStructure> structure_;
  std::uint16_t structure_frame_ = 0;
  std::uint32_t active_ = 0;
};

/// Writes `extension` again with `mask` as its bitmask of active decode targets (section A.4), for a forwarder that
/// drops layers. `descriptor` is what `extension` was read as. Returns the size, which is up to five bytes more than
/// before, or none when `out` is too small.
[[nodiscard]] std::optional<std::size_t> rewrite_active_decode_targets(Bytes extension,
                                                                       const DependencyDescriptor& descriptor,
                                                                       std::uint32_t mask, MutableBytes out);

}  // namespace zvonok::media
