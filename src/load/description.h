// Offers and answers of a participant (RFC 3264, RFC 9429), from the client's side: its own tracks, and whatever it is
// offered. Opus and VP8 alone; no simulcast, no RTX, no transport-wide feedback. A value; sans-IO.
//
// Offers that cross: ours is answered, always (docs/protocol/room.md, rule 2), so the server's is not looked at.
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

class Description {
 public:
  struct Own {
    media::Kind kind = media::Kind::Audio;
    rtp::Ssrc ssrc{};
  };
  enum class Receiving : std::uint8_t { No, Yes };
  struct Options {
    std::uint64_t session_id = 1;
    std::string name;  // cname and stream
    ice::Credentials ice;
    std::string fingerprint;  // as in a=fingerprint
    std::vector<Own> own;
    Receiving receiving = Receiving::Yes;
    /// Sections that only receive, for what is known to be there: the answer can fill them at once.
    std::size_t audio_to_receive = 0;
    std::size_t video_to_receive = 0;
  };
  /// What the server's description says.
  struct Remote {
    ice::Credentials ice;
    std::vector<dtls::Fingerprint> fingerprints;
    std::optional<SocketAddress> media;  // its first UDP candidate, IPv4 before IPv6
    std::vector<rtp::Ssrc> announced;    // what we may get
  };
  struct Answered {
    std::string answer;
    Remote remote;
  };
  /// How one of the own tracks is to be sent.
  struct Sending {
    rtp::PayloadType type{};
    std::uint8_t audio_level = 0;  // 0: not agreed
  };

  explicit Description(Options options);

  [[nodiscard]] std::string make_offer();
  /// The errors are texts for the log.
  [[nodiscard]] Result<Remote, std::string> on_answer(std::string_view text);
  /// Nothing when the offer crossed ours.
  [[nodiscard]] Result<std::optional<Answered>, std::string> on_offer(std::string_view text);
  /// Of `Options::own[index]`; nothing until it is agreed.
  [[nodiscard]] std::optional<Sending> sending(std::size_t index) const;

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
  static void agree(Section& section, const sdp::MediaSection& theirs);

  Options options_;
  std::vector<Section> sections_;
  std::uint64_t version_ = 0;
  bool offered_ = false;
};

}  // namespace zvonok::load
