// Session descriptions of telephone calls: one audio section of G.711 with telephone events, in clear (RTP/AVP) or
// sealed with keys that the description carries (RTP/SAVP, RFC 4568). proto/sdp reads what browsers and telephones have
// in common; addresses of `c=` lines and keys of `a=crypto`, which browsers don't use, are read here. Offers and
// answers follow RFC 3264.
//
// Pure: no clock, no I/O; keys are given to it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/entropy.h"
#include "base/result.h"
#include "port/phone_audio.h"
#include "proto/srtp/keys.h"

namespace zvonok::voip_sip {

/// Keys as one end gives them: what that end seals with.
struct SdesKey {
  std::uint32_t tag = 1;  // 1 to 9 digits
  srtp::Profile profile = srtp::Profile::Aes128CmSha1_80;
  srtp::MasterKey master;
  friend bool operator==(const SdesKey&, const SdesKey&) = default;
};
/// What follows `a=crypto:`. Nothing for suites and parameters that are not spoken here: a key of another length, an
/// MKI, key derivation rates, unencrypted or unauthenticated streams.
[[nodiscard]] std::optional<SdesKey> parse_crypto(std::string_view text);
[[nodiscard]] std::string write_crypto(const SdesKey& key);

/// One law under one payload type.
struct SoundFormat {
  std::uint8_t payload_type = 0;
  port::G711 law = port::G711::Ulaw;
  friend bool operator==(const SoundFormat&, const SoundFormat&) = default;
};

/// What the other side said of the section that we use.
struct RemoteMedia {
  SocketAddress rtp;
  SocketAddress rtcp;
  std::vector<SoundFormat> formats;        // in its order of preference; not empty
  std::optional<std::uint8_t> event_type;  // RFC 4733
  bool sends = true;                       // towards us, as it says
  bool receives = true;                    // false as well for an address of 0.0.0.0
  std::optional<SdesKey> key{};            // what it seals with
  friend bool operator==(const RemoteMedia&, const RemoteMedia&) = default;
};

/// What both agreed on: everything a line needs.
struct AgreedMedia {
  RemoteMedia remote;
  std::optional<SdesKey> our_key{};  // of the same profile as remote.key, or neither is there
  /// Another address that sound may come from: of a trunk behind a NAT, which names its inner one.
  std::optional<IpAddress> also_from{};
  friend bool operator==(const AgreedMedia&, const AgreedMedia&) = default;
};

enum class MediaError : std::uint8_t {
  NotSdp,         // not a description
  NoSound,        // no audio section that is not refused
  NoAddress,      // none that can be sent to: a name, or another family's
  NoCommonCodec,  // no G.711
  NotSealed,      // sealed sound is asked for by our settings
  NoCommonKeys,   // sealed, but in no way that is spoken here
};
[[nodiscard]] std::string_view to_text(MediaError error);

enum class Sealing : std::uint8_t { Off, Required };

/// Offers and answers of one call. The first message makes it one of the two; after that either side may offer.
class MediaNegotiation {
 public:
  struct Local {
    IpAddress address;       // as the other side reaches us
    std::uint16_t port = 0;  // of RTP; RTCP is at the next
    Sealing sealing = Sealing::Off;
    std::vector<port::G711> laws = {port::G711::Ulaw, port::G711::Alaw};  // in order of preference; not empty
  };
  MediaNegotiation(Local local, Entropy& entropy);

  /// A new offer, of the same media as before. `held`: we don't want to hear them.
  [[nodiscard]] std::string offer(bool held);
  /// To our last offer. An error leaves what was agreed before.
  [[nodiscard]] Result<AgreedMedia, MediaError> take_answer(std::string_view sdp);
  struct Answer {
    std::string sdp;
    AgreedMedia agreed;
  };
  /// To theirs. An error leaves what was agreed before: 488.
  [[nodiscard]] Result<Answer, MediaError> answer(std::string_view sdp, bool held);

 private:
  [[nodiscard]] std::string head(std::string_view ip_version);
  [[nodiscard]] std::string section(const std::vector<SoundFormat>& formats, std::optional<std::uint8_t> event_type,
                                    std::string_view direction, const std::vector<SdesKey>& keys) const;
  [[nodiscard]] std::vector<SoundFormat> ours() const;
  [[nodiscard]] const SdesKey* our_key(srtp::Profile profile) const;

  Local local_;
  std::uint64_t session_ = 0;
  std::uint64_t version_ = 0;
  std::vector<SdesKey> keys_;  // one for each profile; the same for the whole call, so that no stream begins anew
};

/// Of an answer or an offer, with nothing decided: public for its tests and the fuzz target.
struct ReadMedia {
  RemoteMedia media;                // `formats` may hold both laws
  std::vector<SdesKey> keys;        // those that could be read
  bool sealed = false;              // RTP/SAVP
  std::size_t section = 0;          // which one it is
  std::vector<std::string> others;  // the `m=` lines' kinds and formats of all sections, for an answer
};
[[nodiscard]] Result<ReadMedia, MediaError> read_media(std::string_view sdp);

}  // namespace zvonok::voip_sip
