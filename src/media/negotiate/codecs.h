// Which codecs, feedback and header extensions the server takes part in, and how a peer's list of them becomes ours.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "media/parameters.h"
#include "proto/sdp/sdp.h"

namespace zvonok::media {

/// Video codecs in the order in which answers prefer them. What a browser sends is the first of them that it offers.
using VideoPreference = std::vector<Codec>;
[[nodiscard]] const VideoPreference& default_video_preference();

/// Of a codec line; nothing for those we have no use for (ulpfec, flexfec, CN, other H.264 profiles).
[[nodiscard]] std::optional<Codec> codec_of(const sdp::Codec& codec);

/// What must be equal for one peer's packets to be understood by another; see CodecParameters::profile.
[[nodiscard]] std::string profile_of(const sdp::Codec& codec);

/// The codecs of `offered` that we take, the preferred ones first, each followed by its RTX; with the feedback of
/// theirs that we know. Payload types stay the peer's.
[[nodiscard]] std::vector<sdp::Codec> accept_codecs(Kind kind, const std::vector<sdp::Codec>& offered,
                                                    const VideoPreference& preference);
/// The header extensions of `offered` that we take.
[[nodiscard]] std::vector<sdp::ExtMap> accept_extensions(Kind kind, const std::vector<sdp::ExtMap>& offered);

/// What we offer to a peer that has not offered anything yet. Payload types and ids are those that Chromium uses.
[[nodiscard]] std::vector<sdp::Codec> own_codecs(Kind kind, const VideoPreference& preference);
[[nodiscard]] std::vector<sdp::ExtMap> own_extensions(Kind kind);
/// Whether `own_extensions` of any kind has it.
[[nodiscard]] bool is_known_extension(std::string_view uri);

/// What the media plane needs of a section's codecs: RTX is folded into what it repeats.
[[nodiscard]] std::vector<CodecParameters> codec_parameters(const std::vector<sdp::Codec>& codecs);
[[nodiscard]] ExtensionIds extension_ids(const std::vector<sdp::ExtMap>& extensions);

}  // namespace zvonok::media
