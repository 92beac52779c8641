// Offers and answers of a participant (RFC 3264, RFC 9429), from the client's side: its own tracks, and whatever it is
// offered. Opus and VP8 alone; simulcast by rid, RTX and transport-wide feedback where wanted. A value; sans-IO.
//
// Offers that cross: ours is answered, always, and says that the server's is not looked at (docs/protocol/room.md,
// rule 2).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "media/parameters.h"
#include "proto/dtls/fingerprint.h"
#include "proto/ice/credentials.h"
#include "proto/sdp/sdp.h"

namespace zvonok::load {

/// Loss is asked for again and repaired by RTX (RFC 4588).
enum class Repair : std::uint8_t { Off, On };
/// Packets carry a number of the whole transport, and receivers tell when each came, so that senders know their path.
enum class TransportFeedback : std::uint8_t { Off, On };

class Description {
 public:
  struct Own {
    media::Kind kind = media::Kind::Audio;
    rtp::Ssrc ssrc{};
    std::optional<rtp::Ssrc> rtx;
    std::vector<std::string> rids;  // of simulcast, which announces no SSRC
  };
  enum class Receiving : std::uint8_t { No, Yes };
  struct Options {
    std::uint64_t session_id = 1;
    std::string name;  // cname and stream
    ice::Credentials ice;
    std::string fingerprint;  // as in a=fingerprint
    std::vector<Own> own;
    Receiving receiving = Receiving::Yes;
    Repair repair = Repair::Off;
    TransportFeedback transport_feedback = TransportFeedback::Off;
    /// Sections that only receive, for what is known to be there: the answer can fill them at once.
    std::size_t audio_to_receive = 0;
    std::size_t video_to_receive = 0;
  };
  /// What we may get.
  struct Stream {
    rtp::Ssrc ssrc{};
    std::optional<rtp::Ssrc> rtx;
    media::Kind kind = media::Kind::Audio;
  };
  /// What the server's description says.
  struct Remote {
    ice::Credentials ice;
    std::vector<dtls::Fingerprint> fingerprints;
    std::optional<SocketAddress> udp;  // its first UDP candidate, IPv4 before IPv6
    std::optional<SocketAddress> tcp;  // its first passive TCP candidate, likewise
    std::vector<Stream> streams;
    std::uint8_t transport_feedback_id = 0;  // of the header extension; 0: not agreed
  };
  struct Answered {
    std::string answer;
    Remote remote;
  };
  /// How one of the own tracks is to be sent.
  struct Sending {
    rtp::PayloadType type{};
    std::optional<rtp::PayloadType> rtx;
    // Header extensions; 0: not agreed.
    std::uint8_t audio_level = 0;
    std::uint8_t mid_id = 0;
    std::uint8_t rid_id = 0;
    std::uint8_t repaired_rid_id = 0;
    std::uint8_t transport_feedback_id = 0;
    std::string mid;
  };

  explicit Description(Options options);

  [[nodiscard]] std::string make_offer();
  /// The errors are texts for the log.
  [[nodiscard]] Result<Remote, std::string> on_answer(std::string_view text);
  /// Nothing when the offer crossed ours.
  [[nodiscard]] Result<std::optional<Answered>, std::string> on_offer(std::string_view text);
  /// Of `Options::own[index]`; null until it is agreed. Until the next description.
  [[nodiscard]] const Sending* sending(std::size_t index) const;

 private:
  struct Section {
    std::string mid;
    sdp::MediaKind kind = sdp::MediaKind::Audio;
    std::optional<std::size_t> own;
    bool rejected = false;
    std::vector<sdp::Codec> codecs;
    std::vector<sdp::ExtMap> extensions;
    std::optional<Sending> sending;
  };
  [[nodiscard]] Section own_section(media::Kind kind, std::optional<std::size_t> own) const;
  [[nodiscard]] sdp::SessionDescription session() const;
  [[nodiscard]] sdp::MediaSection write_section(const Section& section, sdp::Direction direction,
                                                sdp::Setup setup) const;
  [[nodiscard]] sdp::Direction wish(const Section& section) const;
  [[nodiscard]] std::string finish(sdp::SessionDescription session);
  [[nodiscard]] static Result<Remote, std::string> read_remote(const sdp::SessionDescription& session);
  static void read_address(const std::string& candidate, Remote& out);
  static void read_streams(const sdp::MediaSection& section, Remote& out);
  void agree(Section& section, const sdp::MediaSection& theirs) const;
  [[nodiscard]] std::vector<sdp::Codec> take_codecs(const std::vector<sdp::Codec>& offered) const;
  [[nodiscard]] std::vector<sdp::ExtMap> take_extensions(const std::vector<sdp::ExtMap>& offered) const;

  Options options_;
  std::vector<Section> sections_;
  std::uint64_t version_ = 0;
  bool offered_ = false;
};

}  // namespace zvonok::load
