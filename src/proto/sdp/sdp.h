// Session descriptions as values: what a browser's offer or answer says and what ours will say (RFC 8866, RFC 9429).
//
// Only what calls need is kept: a description that was read and written again has lost the attributes nobody here acts
// on (a=rtcp, a=rtcp-xr, a=ptime and so on). What is kept survives: `parse(write(x)) == x` for every x that `parse`
// gave, as far as the limits allow: what is written can be longer than what was read. Nothing here decides what to
// answer; `media` does.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "proto/rtp/types.h"

namespace zvonok::sdp {

using rtp::PayloadType;
using rtp::Ssrc;

enum class MediaKind : std::uint8_t { Audio, Video, Application, Other };

/// From the point of view of whoever wrote the description.
enum class Direction : std::uint8_t { SendRecv, SendOnly, RecvOnly, Inactive };

/// The same flow seen from the other side.
[[nodiscard]] Direction reversed(Direction direction);
[[nodiscard]] bool sends(Direction direction);
[[nodiscard]] bool receives(Direction direction);

/// Who opens the DTLS handshake (RFC 4145 section 4, RFC 8842).
enum class Setup : std::uint8_t { ActPass, Active, Passive, HoldConn };

/// The digest of a certificate (RFC 8122 section 5).
struct Fingerprint {
  /// Lower case: sha-1, sha-224, sha-256, sha-384 or sha-512. Others are not kept.
  std::string algorithm{};
  /// As long as the algorithm says.
  std::vector<std::uint8_t> digest{};

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// `sha-256 AB:CD:...`, as it stands in `a=fingerprint`.
[[nodiscard]] std::string to_text(const Fingerprint& fingerprint);

/// What a transport needs (RFC 8839, RFC 8842). A session may say it once for all its sections:
/// `SessionDescription::transport_of` says what holds for one of them.
struct Transport {
  std::string ice_ufrag{};  // 4 to 256 characters, or empty: not given here
  std::string ice_pwd{};    // 22 to 256 characters, or empty
  std::vector<std::string> ice_options{};
  std::vector<Fingerprint> fingerprints{};
  std::optional<Setup> setup{};

  friend bool operator==(const Transport&, const Transport&) = default;
};

/// One `a=rtcp-fb` (RFC 4585 section 4.2): `nack pli` is type `nack`, parameter `pli`.
struct RtcpFeedback {
  std::string type{};
  std::string parameter{};

  friend bool operator==(const RtcpFeedback&, const RtcpFeedback&) = default;
};

struct Codec {
  PayloadType payload_type{};
  /// As written; compare with `is`. Empty when a payload type that is not static came without a=rtpmap.
  std::string name{};
  std::uint32_t clock_rate_hz = 0;
  std::uint8_t channels = 1;
  /// The parameters of a=fmtp as one text: `minptime=10;useinbandfec=1`, or without keys: `111/111`.
  std::string fmtp{};
  /// Those given for every payload type (`a=rtcp-fb:*`) are here as well.
  std::vector<RtcpFeedback> feedback{};

  /// Names are compared without case (RFC 4855 section 3).
  [[nodiscard]] bool is(std::string_view codec_name) const;
  /// Of `fmtp`, in order; a part without `=` has an empty value. The views live as long as `fmtp` is not changed.
  [[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> parameters() const;
  /// The first value of that key, keys compared without case.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view key) const;
  /// For `rtx` (RFC 4588): the payload type it repeats.
  [[nodiscard]] std::optional<PayloadType> apt() const;
  [[nodiscard]] bool has_feedback(std::string_view type, std::string_view parameter = {}) const;

  friend bool operator==(const Codec&, const Codec&) = default;
};

/// RFC 8285 section 5.
struct ExtMap {
  std::uint8_t id = 0;  // 1 to 255
  std::optional<Direction> direction{};
  std::string uri{};
  std::string attributes{};

  friend bool operator==(const ExtMap&, const ExtMap&) = default;
};

/// RFC 8830. `stream` is `-` for a track in no stream; `track` may be empty.
struct Msid {
  std::string stream{};
  std::string track{};

  friend bool operator==(const Msid&, const Msid&) = default;
};

/// What `a=ssrc` says of one source (RFC 5576).
struct SsrcInfo {
  Ssrc ssrc{};
  std::string cname{};
  std::optional<Msid> msid{};

  friend bool operator==(const SsrcInfo&, const SsrcInfo&) = default;
};

/// RFC 5576 section 4.2. FID: the media and its RTX. SIM: the layers of a simulcast, before there were rids.
struct SsrcGroup {
  std::string semantics{};
  std::vector<Ssrc> ssrcs{};

  friend bool operator==(const SsrcGroup&, const SsrcGroup&) = default;
};

enum class RidDirection : std::uint8_t { Send, Recv };

/// RFC 8851.
struct Rid {
  std::string id{};
  RidDirection direction = RidDirection::Send;
  std::vector<PayloadType> payload_types{};                   // empty: any of the section
  std::vector<std::pair<std::string, std::string>> params{};  // max-width and so on, without pt

  friend bool operator==(const Rid&, const Rid&) = default;
};

/// RFC 8853: one stream is a list of rids to choose from, the best first.
struct SimulcastAlternative {
  std::string rid{};
  bool paused = false;

  friend bool operator==(const SimulcastAlternative&, const SimulcastAlternative&) = default;
};
using SimulcastStream = std::vector<SimulcastAlternative>;

struct Simulcast {
  std::vector<SimulcastStream> send{};
  std::vector<SimulcastStream> recv{};

  [[nodiscard]] bool empty() const { return send.empty() && recv.empty(); }
  friend bool operator==(const Simulcast&, const Simulcast&) = default;
};

/// `b=AS:500` is kilobits a second, `b=TIAS:500000` bits (RFC 8866 section 5.8, RFC 3890).
struct Bandwidth {
  std::string type{};
  std::uint64_t value = 0;

  friend bool operator==(const Bandwidth&, const Bandwidth&) = default;
};

/// One `m=` with all that follows it.
struct MediaSection {
  MediaKind kind = MediaKind::Audio;
  std::string other_kind{};  // the word of the m= line when `kind` is Other
  std::uint16_t port = 9;
  std::string protocol = "UDP/TLS/RTP/SAVPF";
  /// Of a section whose protocol is RTP, in order of preference. No payload type comes twice.
  std::vector<Codec> codecs{};
  /// Of any other section: `webrtc-datachannel`. A section with no format at all is written with the format 0.
  std::vector<std::string> formats{};
  std::vector<Bandwidth> bandwidths{};

  std::string mid{};  // unique in the description, or empty
  /// A section that says nothing has what the session said, or SendRecv.
  Direction direction = Direction::SendRecv;
  bool bundle_only = false;
  bool rtcp_mux = false;
  bool rtcp_mux_only = false;
  bool rtcp_rsize = false;
  bool extmap_allow_mixed = false;
  Transport transport{};
  /// `candidate:...`, the form that RTCIceCandidate.candidate has too; not read any further here.
  std::vector<std::string> candidates{};
  bool end_of_candidates = false;

  std::vector<ExtMap> extmaps{};  // no id comes twice
  std::vector<Msid> msids{};
  std::vector<SsrcInfo> ssrcs{};
  std::vector<SsrcGroup> ssrc_groups{};
  std::vector<Rid> rids{};
  /// May name rids that `rids` has not: whoever uses it decides.
  Simulcast simulcast{};

  std::optional<std::uint16_t> sctp_port{};
  std::optional<std::uint64_t> max_message_bytes{};  // 0: any size (RFC 8841 section 6)

  /// Port 0, unless the section only waits to be bundled: Firefox offers every section but the first with port 0 and
  /// a=bundle-only (RFC 9143 section 6).
  [[nodiscard]] bool rejected() const { return port == 0 && !bundle_only; }
  [[nodiscard]] bool is_rtp() const;
  [[nodiscard]] const Codec* codec(PayloadType payload_type) const;
  /// The codec `rtx` that repeats `payload_type`.
  [[nodiscard]] const Codec* rtx_of(PayloadType payload_type) const;
  /// `uri` is one of proto/sdp/extension_uris.h.
  [[nodiscard]] std::optional<std::uint8_t> extension_id(std::string_view uri) const;

  friend bool operator==(const MediaSection&, const MediaSection&) = default;
};

struct Origin {
  std::string username = "-";
  std::uint64_t session_id = 0;
  std::uint64_t version = 0;

  friend bool operator==(const Origin&, const Origin&) = default;
};

struct SessionDescription {
  Origin origin{};
  std::string name = "-";
  /// The mids of each a=group:BUNDLE (RFC 9143). May name mids that no section has.
  std::vector<std::vector<std::string>> bundle_groups{};
  bool ice_lite = false;
  bool extmap_allow_mixed = false;  // for every section
  std::string msid_semantic{};      // `WMS *`
  Transport transport{};
  std::vector<MediaSection> sections{};

  [[nodiscard]] const MediaSection* section(std::string_view mid) const;
  /// What holds for one section: its own, and the session's where it has none.
  [[nodiscard]] Transport transport_of(const MediaSection& section) const;

  friend bool operator==(const SessionDescription&, const SessionDescription&) = default;
};

struct Limits {
  std::size_t bytes_max = 1U << 20U;
  std::size_t lines_max = 5000;
  std::size_t line_bytes_max = 16384;
  std::size_t sections_max = 512;
  // One a=rtcp-fb:* counts for every payload type of its section, so lines alone do not bound these.
  std::size_t feedback_per_codec_max = 32;
  std::size_t feedback_max = 8192;
};

struct Error {
  std::size_t line = 0;     // the first is 1; 0: the text as a whole
  std::string_view what{};  // a literal, never the peer's words

  friend bool operator==(const Error&, const Error&) = default;
};

/// Lines may end in LF or CRLF. Unknown lines and attributes are skipped; a known one with a wrong value is an error.
[[nodiscard]] Result<SessionDescription, Error> parse(std::string_view text, const Limits& limits = {});

/// Lines end in CRLF. A control character inside a text is left out, so that no text can open a line of its own.
[[nodiscard]] std::string write(const SessionDescription& session);

}  // namespace zvonok::sdp
