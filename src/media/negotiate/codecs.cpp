#include "media/negotiate/codecs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "media/has.h"
#include "proto/sdp/extension_uris.h"

namespace zvonok::media {
namespace {

using sdp::PayloadType;

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// RFC 6184 section 8.1: profile_idc and the constraints, without the level; the default is Baseline.
std::string h264_profile(const sdp::Codec& codec) {
  const std::string id = lower(codec.parameter("profile-level-id").value_or("42000a"));
  return id.size() == 6 ? id.substr(0, 4) : id;
}

std::string_view packetization_mode(const sdp::Codec& codec) {
  return codec.parameter("packetization-mode").value_or("0");
}

/// Constrained Baseline and Baseline are what everybody decodes; other profiles would cut receivers off.
bool is_common_h264(const sdp::Codec& codec) {
  const std::string profile = h264_profile(codec);
  return profile == "42e0" || profile == "4200" || profile == "42c0";
}

std::size_t rank(Kind kind, Codec codec, const VideoPreference& preference) {
  static constexpr std::array kAudio{Codec::Opus, Codec::Red,  Codec::G722,
                                     Codec::Pcmu, Codec::Pcma, Codec::TelephoneEvent};
  if (kind == Kind::Audio) return static_cast<std::size_t>(std::ranges::find(kAudio, codec) - kAudio.begin());
  return static_cast<std::size_t>(std::ranges::find(preference, codec) - preference.begin());
}

bool takes(Kind kind, Codec codec, const VideoPreference& preference) {
  const std::size_t known = kind == Kind::Audio ? 6 : preference.size();
  return rank(kind, codec, preference) < known;
}

bool is_known_feedback(Kind kind, const sdp::RtcpFeedback& feedback) {
  if (feedback.type == "transport-cc") return true;
  if (kind == Kind::Audio) return false;
  return (feedback.type == "nack" && (feedback.parameter.empty() || feedback.parameter == "pli")) ||
         (feedback.type == "ccm" && feedback.parameter == "fir");
}

sdp::Codec own_codec(unsigned type, std::string name, std::uint32_t rate, std::uint8_t channels, std::string fmtp) {
  return {.payload_type = PayloadType{static_cast<std::uint8_t>(type)},
          .name = std::move(name),
          .clock_rate_hz = rate,
          .channels = channels,
          .fmtp = std::move(fmtp),
          .feedback = {}};
}

sdp::Codec own_video(unsigned type, std::string name, std::string fmtp) {
  sdp::Codec codec = own_codec(type, std::move(name), 90000, 1, std::move(fmtp));
  codec.feedback = {{.type = "transport-cc", .parameter = ""},
                    {.type = "ccm", .parameter = "fir"},
                    {.type = "nack", .parameter = ""},
                    {.type = "nack", .parameter = "pli"}};
  return codec;
}

sdp::Codec own_rtx(unsigned type, unsigned repeats) {
  return own_codec(type, "rtx", 90000, 1, "apt=" + std::to_string(repeats));
}

void append_own_video(std::vector<sdp::Codec>& out, Codec codec) {
  switch (codec) {
    case Codec::Vp8:
      out.push_back(own_video(96, "VP8", ""));
      out.push_back(own_rtx(97, 96));
      return;
    case Codec::Vp9:
      out.push_back(own_video(98, "VP9", "profile-id=0"));
      out.push_back(own_rtx(99, 98));
      return;
    case Codec::H264:
      out.push_back(own_video(102, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"));
      out.push_back(own_rtx(103, 102));
      return;
    case Codec::Av1:
      out.push_back(own_video(45, "AV1", "level-idx=5;profile=0;tier=0"));
      out.push_back(own_rtx(46, 45));
      return;
    case Codec::Opus:
    case Codec::Red:
    case Codec::ComfortNoise:
    case Codec::Pcmu:
    case Codec::Pcma:
    case Codec::G722:
    case Codec::Rtx:
    case Codec::TelephoneEvent: return;
  }
}

}  // namespace

const VideoPreference& default_video_preference() {
  static const VideoPreference kPreference{Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1};
  return kPreference;
}

std::optional<Codec> codec_of(const sdp::Codec& codec) {
  if (codec.is("opus")) return Codec::Opus;
  if (codec.is("red") && codec.clock_rate_hz == 48000) return Codec::Red;  // of audio; video's is for ulpfec
  if (codec.is("PCMU")) return Codec::Pcmu;
  if (codec.is("PCMA")) return Codec::Pcma;
  if (codec.is("G722")) return Codec::G722;
  if (codec.is("telephone-event")) return Codec::TelephoneEvent;
  if (codec.is("VP8")) return Codec::Vp8;
  if (codec.is("VP9") && codec.parameter("profile-id").value_or("0") == "0") return Codec::Vp9;
  if (codec.is("H264") && is_common_h264(codec)) return Codec::H264;
  if (codec.is("AV1") && codec.parameter("profile").value_or("0") == "0") return Codec::Av1;
  if (codec.is("rtx")) return Codec::Rtx;
  return std::nullopt;
}

std::string profile_of(const sdp::Codec& codec) {
  if (codec.is("red")) return codec.fmtp;  // its blocks name payload types, which must mean the same on both sides
  if (!codec.is("H264")) return {};
  // Baseline with its constraints or without: no encoder of a call uses what Constrained Baseline leaves out.
  return std::string{packetization_mode(codec)};
}

namespace {

/// Every codec has one RTP clock (RFC 7587, 3551, 7741 and the others); of events and RED there are several.
bool has_usual_clock(Codec codec, std::uint32_t rate) {
  switch (codec) {
    case Codec::Opus: return rate == 48'000;
    case Codec::Pcmu:
    case Codec::Pcma:
    case Codec::G722: return rate == 8'000;
    case Codec::Red:
    case Codec::ComfortNoise:
    case Codec::TelephoneEvent: return rate >= 8'000 && rate <= 48'000;
    case Codec::Vp8:
    case Codec::Vp9:
    case Codec::H264:
    case Codec::Av1:
    case Codec::Rtx: return rate == 90'000;
  }
  return false;
}

}  // namespace

std::vector<sdp::Codec> accept_codecs(Kind kind, const std::vector<sdp::Codec>& offered,
                                      const VideoPreference& preference) {
  std::vector<const sdp::Codec*> taken;
  for (const sdp::Codec& codec : offered) {
    const auto known = codec_of(codec);
    if (!known || !takes(kind, *known, preference) || !has_usual_clock(*known, codec.clock_rate_hz)) continue;
    if (*known == Codec::TelephoneEvent && codec.clock_rate_hz != 48000 && codec.clock_rate_hz != 8000) continue;
    taken.push_back(&codec);
  }
  std::ranges::stable_sort(taken, {},
                           [&](const sdp::Codec* codec) { return rank(kind, *codec_of(*codec), preference); });
  std::vector<sdp::Codec> accepted;
  for (const sdp::Codec* codec : taken) {
    sdp::Codec ours = *codec;
    std::erase_if(ours.feedback, [kind](const sdp::RtcpFeedback& f) { return !is_known_feedback(kind, f); });
    accepted.push_back(std::move(ours));
    for (const sdp::Codec& rtx : offered) {
      if (rtx.is("rtx") && rtx.apt() == codec->payload_type) {
        accepted.push_back(rtx);
        accepted.back().feedback.clear();
        break;
      }
    }
  }
  return accepted;
}

std::vector<sdp::ExtMap> accept_extensions(Kind kind, const std::vector<sdp::ExtMap>& offered) {
  const std::vector<sdp::ExtMap> ours = own_extensions(kind);
  std::vector<sdp::ExtMap> accepted;
  for (const sdp::ExtMap& extension : offered) {
    if (!has(ours, extension.uri, &sdp::ExtMap::uri)) continue;
    accepted.push_back({.id = extension.id, .direction = std::nullopt, .uri = extension.uri, .attributes = ""});
  }
  return accepted;
}

std::vector<sdp::Codec> own_codecs(Kind kind, const VideoPreference& preference) {
  std::vector<sdp::Codec> codecs;
  if (kind == Kind::Video) {
    for (const Codec codec : preference) append_own_video(codecs, codec);
    return codecs;
  }
  codecs.push_back(own_codec(111, "opus", 48000, 2, "minptime=10;useinbandfec=1"));
  codecs.back().feedback = {{.type = "transport-cc", .parameter = ""}};
  codecs.push_back(own_codec(63, "red", 48000, 2, "111/111"));
  codecs.push_back(own_codec(9, "G722", 8000, 1, ""));
  codecs.push_back(own_codec(0, "PCMU", 8000, 1, ""));
  codecs.push_back(own_codec(8, "PCMA", 8000, 1, ""));
  return codecs;
}

std::vector<sdp::ExtMap> own_extensions(Kind kind) {
  const auto map = [](unsigned id, std::string_view uri) {
    return sdp::ExtMap{.id = static_cast<std::uint8_t>(id), .direction = {}, .uri = std::string{uri}, .attributes = ""};
  };
  std::vector<sdp::ExtMap> extensions{map(4, sdp::uri::kMid), map(3, sdp::uri::kTransportWideCc),
                                      map(2, sdp::uri::kAbsSendTime)};
  if (kind == Kind::Audio) {
    extensions.push_back(map(1, sdp::uri::kSsrcAudioLevel));
  } else {
    extensions.push_back(map(10, sdp::uri::kRtpStreamId));
    extensions.push_back(map(11, sdp::uri::kRepairedRtpStreamId));
    extensions.push_back(map(12, sdp::uri::kDependencyDescriptor));
  }
  return extensions;
}

bool is_known_extension(std::string_view uri) {
  for (const Kind kind : {Kind::Audio, Kind::Video}) {
    for (const sdp::ExtMap& map : own_extensions(kind)) {
      if (map.uri == uri) return true;
    }
  }
  return false;
}

std::vector<CodecParameters> codec_parameters(const std::vector<sdp::Codec>& codecs) {
  std::vector<CodecParameters> parameters;
  for (const sdp::Codec& codec : codecs) {
    const auto known = codec_of(codec);
    if (!known || *known == Codec::Rtx) continue;
    CodecParameters entry{.codec = *known,
                          .type = codec.payload_type,
                          .rtx = std::nullopt,
                          .clock_rate = codec.clock_rate_hz,
                          .profile = profile_of(codec)};
    for (const sdp::Codec& rtx : codecs) {
      if (rtx.is("rtx") && rtx.apt() == codec.payload_type) entry.rtx = rtx.payload_type;
    }
    parameters.push_back(std::move(entry));
  }
  return parameters;
}

ExtensionIds extension_ids(const std::vector<sdp::ExtMap>& extensions) {
  ExtensionIds ids;
  for (const auto& [uri, id] : std::initializer_list<std::pair<std::string_view, std::uint8_t*>>{
           {sdp::uri::kMid, &ids.mid},
           {sdp::uri::kRtpStreamId, &ids.rid},
           {sdp::uri::kRepairedRtpStreamId, &ids.repaired_rid},
           {sdp::uri::kTransportWideCc, &ids.transport_cc},
           {sdp::uri::kAbsSendTime, &ids.abs_send_time},
           {sdp::uri::kSsrcAudioLevel, &ids.audio_level},
           {sdp::uri::kDependencyDescriptor, &ids.dependency_descriptor}}) {
    const auto found = std::ranges::find(extensions, uri, &sdp::ExtMap::uri);
    if (found != extensions.end()) *id = found->id;
  }
  return ids;
}

}  // namespace zvonok::media
