#include "adapter/voip_sip/media_description.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "proto/sdp/sdp.h"

namespace zvonok::voip_sip {
namespace {

constexpr std::uint8_t kUlawType = 0;  // RFC 3551 section 6
constexpr std::uint8_t kAlawType = 8;
constexpr std::uint8_t kEventType = 101;
constexpr std::size_t kTagDigitsMax = 9;  // RFC 4568 section 9.1
constexpr sdp::Limits kLimits{.bytes_max = 16 * 1024, .lines_max = 300, .line_bytes_max = 1024, .sections_max = 16};

struct Suite {
  std::string_view name;
  srtp::Profile profile;
};
// RFC 4568 section 6.2, RFC 7714 section 14.2. The ones with a short tag are not spoken.
constexpr std::array kSuites{Suite{"AES_CM_128_HMAC_SHA1_80", srtp::Profile::Aes128CmSha1_80},
                             Suite{"AEAD_AES_256_GCM", srtp::Profile::AeadAes256Gcm},
                             Suite{"AEAD_AES_128_GCM", srtp::Profile::AeadAes128Gcm}};

/// Takes what is before the first `delimiter`; all when there is none.
std::string_view take_until(std::string_view& text, char delimiter) {
  const std::size_t at = std::min(text.find(delimiter), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::vector<std::uint8_t>> decode_key(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string url{text};
  for (char& c : url) {
    if (c == '-' || c == '_') return std::nullopt;  // of the other alphabet
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return base64url_decode(url);
}

/// RFC 8866 section 5.7: `IN IP4 192.0.2.1`, for multicast with more behind a slash.
std::optional<IpAddress> parse_connection(std::string_view text) {
  const std::string_view net = take_until(text, ' ');
  const std::string_view family = take_until(text, ' ');
  if (net != "IN" || (family != "IP4" && family != "IP6")) return std::nullopt;
  const auto ip = IpAddress::parse(text);
  if (!ip || ip->is_v4() != (family == "IP4")) return std::nullopt;
  return ip;
}

/// What proto/sdp leaves out, of the session (first) and of each section.
struct Extra {
  bool has_connection = false;
  std::optional<IpAddress> connection;
  std::optional<std::uint16_t> rtcp_port;
  std::vector<SdesKey> keys;
  std::string media;  // the `m=` line without `m=`
};

void read_line(std::string_view line, Extra& extra) {
  if (line.starts_with("c=")) {
    extra.has_connection = true;
    extra.connection = parse_connection(line.substr(2));
  } else if (line.starts_with("a=crypto:")) {
    if (auto key = parse_crypto(line.substr(9)); key && extra.keys.size() < kSuites.size() * 2) {
      extra.keys.push_back(std::move(*key));
    }
  } else if (line.starts_with("a=rtcp:")) {
    std::string_view rest = line.substr(7);
    extra.rtcp_port = to_number<std::uint16_t>(take_until(rest, ' '));
  }
}

std::vector<Extra> read_extras(std::string_view text) {
  std::vector<Extra> extras(1);
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("m=")) {
      extras.emplace_back();
      extras.back().media = line.substr(2);
    }
    read_line(line, extras.back());
  }
  return extras;
}

std::vector<SoundFormat> formats_of(const sdp::MediaSection& section) {
  std::vector<SoundFormat> formats;
  for (const sdp::Codec& codec : section.codecs) {
    const auto type = std::to_underlying(codec.payload_type);
    if (codec.channels != 1 || (codec.clock_rate_hz != 0 && codec.clock_rate_hz != 8000)) continue;
    if (codec.is("PCMU") || (codec.name.empty() && type == kUlawType)) {
      formats.push_back({.payload_type = type, .law = port::G711::Ulaw});
    } else if (codec.is("PCMA") || (codec.name.empty() && type == kAlawType)) {
      formats.push_back({.payload_type = type, .law = port::G711::Alaw});
    }
  }
  return formats;
}

std::optional<std::uint8_t> event_type_of(const sdp::MediaSection& section) {
  for (const sdp::Codec& codec : section.codecs) {
    if (codec.is("telephone-event") && codec.clock_rate_hz == 8000) return std::to_underlying(codec.payload_type);
  }
  return std::nullopt;
}

std::string_view direction_text(bool sends, bool receives) {
  if (sends) return receives ? "sendrecv" : "sendonly";
  return receives ? "recvonly" : "inactive";
}

/// RFC 3264 section 6: a refused section keeps its place, with port 0.
std::string refused_section(std::string_view media) {
  std::string line{take_until(media, ' ')};
  (void)take_until(media, ' ');
  return "m=" + line + " 0 " + std::string{media} + "\r\n";
}

}  // namespace

std::string_view to_text(MediaError error) {
  switch (error) {
    case MediaError::NotSdp: return "not a session description";
    case MediaError::NoSound: return "no audio section";
    case MediaError::NoAddress: return "no address to send sound to";
    case MediaError::NoCommonCodec: return "no G.711 among its codecs";
    case MediaError::NotSealed: return "sound is not encrypted, and our settings ask for it";
    case MediaError::NoCommonKeys: return "no way of encryption in common";
  }
  return "?";
}

// ---- keys ----------------------------------------------------------------------------------------------------------

std::optional<SdesKey> parse_crypto(std::string_view text) {
  SdesKey key;
  const std::string_view tag = take_until(text, ' ');
  const auto number = to_number<std::uint32_t>(tag);
  if (!number || tag.size() > kTagDigitsMax) return std::nullopt;
  key.tag = *number;
  const std::string_view name = take_until(text, ' ');
  const auto suite = std::ranges::find(kSuites, name, &Suite::name);
  if (suite == kSuites.end()) return std::nullopt;
  key.profile = suite->profile;
  std::string_view params = take_until(text, ' ');
  if (params.contains(';')) return std::nullopt;  // several keys, told apart by an MKI
  if (!params.starts_with("inline:")) return std::nullopt;
  params.remove_prefix(7);
  auto bytes = decode_key(take_until(params, '|'));
  const std::size_t key_size = srtp::key_bytes(key.profile);
  if (!bytes || bytes->size() != key_size + srtp::salt_bytes(key.profile)) return std::nullopt;
  // A lifetime may follow, shorter than ours (2^48 packets) or not: no call lasts as long. An MKI has a colon.
  if (params.contains(':')) return std::nullopt;
  key.master.key = srtp::Secret<srtp::kKeyBytesMax>{Bytes{*bytes}.first(key_size)};
  key.master.salt = srtp::Secret<srtp::kSaltBytesMax>{Bytes{*bytes}.subspan(key_size)};
  srtp::wipe(*bytes);
  while (!text.empty()) {
    // Parameters of the session: only the hint of how far packets come out of order changes nothing (section 6.3.7).
    if (const std::string_view param = take_until(text, ' '); !param.empty() && !param.starts_with("WSH=")) {
      return std::nullopt;
    }
  }
  return key;
}

std::string write_crypto(const SdesKey& key) {
  const auto suite = std::ranges::find(kSuites, key.profile, &Suite::profile);
  std::vector<std::uint8_t> bytes;
  for (const Bytes part : {key.master.key.view(), key.master.salt.view()}) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  std::string text = std::to_string(key.tag) + " " + std::string{suite->name} + " inline:" + base64_encode(bytes);
  srtp::wipe(bytes);
  return text;
}

// ---- reading -------------------------------------------------------------------------------------------------------

Result<ReadMedia, MediaError> read_media(std::string_view text) {
  const auto session = sdp::parse(text, kLimits);
  if (!session) return fail(MediaError::NotSdp);
  const std::vector<Extra> extras = read_extras(text);
  if (extras.size() != session->sections.size() + 1) return fail(MediaError::NotSdp);
  ReadMedia read;
  for (std::size_t i = 1; i < extras.size(); ++i) read.others.push_back(extras[i].media);
  MediaError error = MediaError::NoSound;
  for (std::size_t i = 0; i < session->sections.size(); ++i) {
    const sdp::MediaSection& section = session->sections[i];
    const Extra& extra = extras[i + 1];
    const bool sealed = section.protocol == "RTP/SAVP" || section.protocol == "RTP/SAVPF";
    const bool clear = section.protocol == "RTP/AVP" || section.protocol == "RTP/AVPF";
    if (section.kind != sdp::MediaKind::Audio || section.port == 0 || (!sealed && !clear)) continue;
    const auto& address = extra.has_connection ? extra.connection : extras[0].connection;
    if (!address) {
      error = MediaError::NoAddress;
      continue;
    }
    read.media.formats = formats_of(section);
    if (read.media.formats.empty()) {
      error = MediaError::NoCommonCodec;
      continue;
    }
    read.media.event_type = event_type_of(section);
    read.media.rtp = {.ip = *address, .port = section.port};
    const auto next = static_cast<std::uint16_t>(section.port + 1);
    // Not one port for both (RFC 5761), even where that is offered: it is never agreed to here.
    read.media.rtcp = {.ip = *address, .port = extra.rtcp_port.value_or(next)};
    read.media.sends = sdp::sends(section.direction);
    // RFC 3264 section 8.4: the old way to say that one does not listen.
    read.media.receives = sdp::receives(section.direction) && !address->is_unspecified();
    read.keys = extra.keys;
    read.sealed = sealed;
    read.section = i;
    return read;
  }
  return fail(error);
}

// ---- offers and answers --------------------------------------------------------------------------------------------

MediaNegotiation::MediaNegotiation(Local local, Entropy& entropy) : local_{std::move(local)} {
  session_ = random_u32(entropy);
  std::uint32_t tag = 0;
  for (const Suite& suite : kSuites) {
    std::array<std::uint8_t, srtp::kKeyBytesMax + srtp::kSaltBytesMax> bytes{};
    entropy.fill(bytes);
    SdesKey key{.tag = ++tag, .profile = suite.profile, .master = {}};
    const std::size_t key_size = srtp::key_bytes(suite.profile);
    key.master.key = srtp::Secret<srtp::kKeyBytesMax>{Bytes{bytes}.first(key_size)};
    key.master.salt =
        srtp::Secret<srtp::kSaltBytesMax>{Bytes{bytes}.subspan(key_size, srtp::salt_bytes(suite.profile))};
    keys_.push_back(std::move(key));
    srtp::wipe(bytes);
  }
}

const SdesKey* MediaNegotiation::our_key(srtp::Profile profile) const {
  const auto found = std::ranges::find(keys_, profile, &SdesKey::profile);
  return found == keys_.end() ? nullptr : &*found;
}

std::vector<SoundFormat> MediaNegotiation::ours() const {
  std::vector<SoundFormat> formats;
  for (const port::G711 law : local_.laws) {
    formats.push_back({.payload_type = law == port::G711::Ulaw ? kUlawType : kAlawType, .law = law});
  }
  return formats;
}

std::string MediaNegotiation::head(std::string_view ip_version) {
  const std::string place = "IN " + std::string{ip_version} + " " + local_.address.to_text();
  return "v=0\r\no=- " + std::to_string(session_) + " " + std::to_string(++version_) + " " + place +
         "\r\ns=-\r\nc=" + place + "\r\nt=0 0\r\n";
}

std::string MediaNegotiation::section(const std::vector<SoundFormat>& formats, std::optional<std::uint8_t> event_type,
                                      std::string_view direction, const std::vector<SdesKey>& keys) const {
  std::string types;
  std::string maps;
  for (const SoundFormat& format : formats) {
    const std::string type = std::to_string(format.payload_type);
    types += " " + type;
    maps += "a=rtpmap:" + type + (format.law == port::G711::Ulaw ? " PCMU/8000\r\n" : " PCMA/8000\r\n");
  }
  if (event_type) {
    const std::string type = std::to_string(*event_type);
    types += " " + type;
    maps += "a=rtpmap:" + type + " telephone-event/8000\r\na=fmtp:" + type + " 0-15\r\n";
  }
  std::string text = "m=audio " + std::to_string(local_.port) + (keys.empty() ? " RTP/AVP" : " RTP/SAVP") + types +
                     "\r\n" + maps + "a=ptime:20\r\n";
  for (const SdesKey& key : keys) text += "a=crypto:" + write_crypto(key) + "\r\n";
  return text + "a=" + std::string{direction} + "\r\n";
}

std::string MediaNegotiation::offer(bool held) {
  const bool sealed = local_.sealing == Sealing::Required;
  return head(local_.address.is_v4() ? "IP4" : "IP6") +
         section(ours(), kEventType, held ? "sendonly" : "sendrecv", sealed ? keys_ : std::vector<SdesKey>{});
}

Result<AgreedMedia, MediaError> MediaNegotiation::take_answer(std::string_view sdp) {
  auto read = read_media(sdp);
  if (!read) return fail(read.error());
  AgreedMedia agreed{.remote = std::move(read->media)};
  const bool sealed = local_.sealing == Sealing::Required;
  if (sealed && !read->sealed) return fail(MediaError::NotSealed);
  if (read->sealed) {
    // The tag says which of ours was taken (RFC 4568 section 5.1.2).
    for (const SdesKey& key : read->keys) {
      const SdesKey* own = our_key(key.profile);
      if (!sealed || own == nullptr || own->tag != key.tag) continue;
      agreed.our_key = *own;
      agreed.remote.key = key;
      break;
    }
    if (!agreed.our_key) return fail(MediaError::NoCommonKeys);
  }
  return agreed;
}

Result<MediaNegotiation::Answer, MediaError> MediaNegotiation::answer(std::string_view sdp, bool held) {
  auto read = read_media(sdp);
  if (!read) return fail(read.error());
  AgreedMedia agreed{.remote = read->media};
  std::vector<SdesKey> answered;
  if (read->sealed) {
    for (const SdesKey& key : read->keys) {
      const SdesKey* own = our_key(key.profile);
      if (own == nullptr) continue;
      answered = {*own};
      answered.front().tag = key.tag;
      agreed.our_key = *own;
      agreed.remote.key = key;
      break;
    }
    if (answered.empty()) return fail(MediaError::NoCommonKeys);
  } else if (local_.sealing == Sealing::Required) {
    return fail(MediaError::NotSealed);
  }
  // One law, so that nobody wonders which: the first of theirs that is one of ours.
  const auto format = std::ranges::find_if(agreed.remote.formats, [&](const SoundFormat& offered) {
    return std::ranges::find(local_.laws, offered.law) != local_.laws.end();
  });
  if (format == agreed.remote.formats.end()) return fail(MediaError::NoCommonCodec);
  agreed.remote.formats = {*format};
  const bool receive = agreed.remote.sends && !held;
  const std::string_view direction = direction_text(agreed.remote.receives, receive);
  std::string text = head(local_.address.is_v4() ? "IP4" : "IP6");
  for (std::size_t i = 0; i < read->others.size(); ++i) {
    text += i == read->section ? section(agreed.remote.formats, agreed.remote.event_type, direction, answered)
                               : refused_section(read->others[i]);
  }
  return Answer{.sdp = std::move(text), .agreed = std::move(agreed)};
}

}  // namespace zvonok::voip_sip
