// Text into a session description: one pass over the lines, one handler for each kind of line and attribute.
#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "proto/sdp/attributes.h"
#include "proto/sdp/sdp.h"
#include "proto/sdp/text.h"

namespace zvonok::sdp {

namespace {

/// What is wrong with a line; empty: nothing.
using Wrong = std::string_view;
constexpr Wrong kFine;

constexpr std::size_t kIceUfragBytesMin = 4;
constexpr std::size_t kIcePwdBytesMin = 22;
// Far more than any kind of feedback needs. Each is copied to every payload type, so their length is bounded as well.
constexpr std::size_t kFeedbackBytesMax = 128;

/// For attributes that stand once: a second value would leave open which of them is meant.
template <class T>
bool set_once(T& target, std::string_view value) {
  if (!target.empty()) return false;
  target = value;
  return true;
}

Wrong read_fingerprint(std::string_view value, Transport& transport) {
  auto fingerprint = parse_fingerprint(value);
  if (!fingerprint) return "malformed fingerprint";
  if (!fingerprint->digest.empty()) transport.fingerprints.push_back(std::move(*fingerprint));
  return kFine;
}

/// The attributes that a session and a section have in common. Nothing: `name` is not one of them.
std::optional<Wrong> read_transport(std::string_view name, std::string_view value, Transport& transport) {
  if (name == "ice-ufrag") {
    if (!is_ice_text(value, kIceUfragBytesMin)) return "malformed ice-ufrag";
    return set_once(transport.ice_ufrag, value) ? kFine : "second ice-ufrag";
  }
  if (name == "ice-pwd") {
    if (!is_ice_text(value, kIcePwdBytesMin)) return "malformed ice-pwd";
    return set_once(transport.ice_pwd, value) ? kFine : "second ice-pwd";
  }
  if (name == "ice-options") {
    for (const std::string_view option : text::words(value)) transport.ice_options.emplace_back(option);
    return kFine;
  }
  if (name == "fingerprint") return read_fingerprint(value, transport);
  if (name == "setup") {
    const auto setup = parse_setup(value);
    if (!setup) return "unknown setup";
    if (transport.setup && transport.setup != setup) return "second setup";
    transport.setup = setup;
    return kFine;
  }
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(const Limits& limits) : limits_{limits} {}

  Result<SessionDescription, Error> run(std::string_view text) {
    if (text.size() > limits_.bytes_max) return fail(Error{.line = 0, .what = "too large"});
    while (!text.empty()) {
      ++line_;
      if (line_ > limits_.lines_max) return fail(Error{.line = line_, .what = "too many lines"});
      auto [line, rest] = text::cut(text, '\n');
      text = rest;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (const Wrong wrong = read_line(line); !wrong.empty()) return fail(Error{.line = line_, .what = wrong});
    }
    if (!has_version_) return fail(Error{.line = 0, .what = "no v= line"});
    if (!has_origin_) return fail(Error{.line = 0, .what = "no o= line"});
    return std::move(session_);
  }

 private:
  using Handler = Wrong (Parser::*)(std::string_view value);
  struct Attribute {
    std::string_view name;
    Handler handler;
  };

  Wrong read_line(std::string_view line);
  Wrong read_origin(std::string_view value);
  Wrong read_media_line(std::string_view value);
  Wrong read_formats(std::string_view value);
  Wrong read_attribute(std::string_view value);
  Wrong read_session_attribute(std::string_view name, std::string_view value);
  Wrong read_section_attribute(std::string_view name, std::string_view value);
  Wrong read_group(std::string_view value);

  Wrong read_mid(std::string_view value);
  Wrong read_candidate(std::string_view value);
  Wrong read_extmap(std::string_view value);
  Wrong read_msid(std::string_view value);
  Wrong read_rtpmap(std::string_view value);
  Wrong read_fmtp(std::string_view value);
  Wrong read_feedback(std::string_view value);
  Wrong read_ssrc(std::string_view value);
  Wrong read_ssrc_group(std::string_view value);
  Wrong read_rid(std::string_view value);
  Wrong read_simulcast(std::string_view value);
  Wrong read_sctp_port(std::string_view value);
  Wrong read_max_message_size(std::string_view value);

  Wrong add_feedback(Codec& codec, const RtcpFeedback& feedback);
  Codec* find_codec(PayloadType type);
  MediaSection& section() { return session_.sections.back(); }

  const Limits& limits_;
  SessionDescription session_;
  std::size_t line_ = 0;
  std::size_t feedback_count_ = 0;
  bool has_version_ = false;
  bool has_origin_ = false;
  // What the session says for sections that say nothing.
  Direction direction_ = Direction::SendRecv;
  bool end_of_candidates_ = false;
};

Wrong Parser::read_line(std::string_view line) {
  if (line.empty()) return kFine;
  if (line.size() > limits_.line_bytes_max) return "line too long";
  if (line.find('\0') != std::string_view::npos || line.find('\r') != std::string_view::npos) {
    return "control character";
  }
  if (line.size() < 2 || line[1] != '=') return "not a line of SDP";
  const std::string_view value = line.substr(2);
  if (!has_version_) {
    has_version_ = line == "v=0";
    return has_version_ ? kFine : "does not begin with v=0";
  }
  switch (line[0]) {
    case 'o': return read_origin(value);
    case 's':
      if (session_.sections.empty() && !value.empty()) session_.name = value;
      return kFine;
    case 'm': return read_media_line(value);
    case 'b': {
      if (session_.sections.empty()) return kFine;
      auto bandwidth = parse_bandwidth(value);
      if (!bandwidth) return "malformed b= line";
      section().bandwidths.push_back(std::move(*bandwidth));
      return kFine;
    }
    case 'a': return read_attribute(value);
    default: return kFine;
  }
}

Wrong Parser::read_origin(std::string_view value) {
  if (has_origin_) return "second o= line";
  const auto words = text::words(value);
  if (words.size() != 6) return "malformed o= line";
  const auto id = text::number<std::uint64_t>(words[1]);
  const auto version = text::number<std::uint64_t>(words[2]);
  if (!id || !version) return "malformed o= line";
  session_.origin = {.username = std::string{words[0]}, .session_id = *id, .version = *version};
  has_origin_ = true;
  return kFine;
}

Wrong Parser::read_media_line(std::string_view value) {
  if (session_.sections.size() >= limits_.sections_max) return "too many media sections";
  const auto [kind, after_kind] = text::cut_word(value);
  const auto [port_text, after_port] = text::cut_word(after_kind);
  const auto [protocol, formats] = text::cut_word(after_port);
  const auto port = text::number<std::uint16_t>(port_text);
  if (!text::is_token(kind) || protocol.empty() || formats.empty()) return "malformed m= line";
  if (!port) return "malformed port";

  MediaSection& made = session_.sections.emplace_back();
  made.port = *port;
  made.protocol = protocol;
  made.direction = direction_;
  made.end_of_candidates = end_of_candidates_;
  if (kind == "audio") {
    made.kind = MediaKind::Audio;
  } else if (kind == "video") {
    made.kind = MediaKind::Video;
  } else if (kind == "application") {
    made.kind = MediaKind::Application;
  } else {
    made.kind = MediaKind::Other;
    made.other_kind = kind;
  }
  return read_formats(formats);
}

Wrong Parser::read_formats(std::string_view value) {
  for (const std::string_view word : text::words(value)) {
    if (!section().is_rtp()) {
      section().formats.emplace_back(word);
      continue;
    }
    const auto type = parse_payload_type(word);
    if (!type) return "malformed payload type";
    if (find_codec(*type) != nullptr) return "payload type given twice";
    Codec& codec = section().codecs.emplace_back();
    codec.payload_type = *type;
  }
  return kFine;
}

Wrong Parser::read_attribute(std::string_view value) {
  const auto [name, raw] = text::cut(value, ':');
  const std::string_view trimmed = text::trim(raw);
  const bool is_in_session = session_.sections.empty();
  Transport& transport = is_in_session ? session_.transport : section().transport;
  if (const auto wrong = read_transport(name, trimmed, transport)) return *wrong;
  return is_in_session ? read_session_attribute(name, trimmed) : read_section_attribute(name, trimmed);
}

Wrong Parser::read_session_attribute(std::string_view name, std::string_view value) {
  if (name == "group") return read_group(value);
  if (name == "ice-lite") session_.ice_lite = true;
  if (name == "extmap-allow-mixed") session_.extmap_allow_mixed = true;
  if (name == "msid-semantic") session_.msid_semantic = value;
  if (name == "end-of-candidates") end_of_candidates_ = true;
  if (const auto direction = parse_direction(name)) direction_ = *direction;
  return kFine;
}

Wrong Parser::read_group(std::string_view value) {
  const auto [semantics, mids] = text::cut_word(value);
  if (semantics != "BUNDLE") return kFine;
  auto& group = session_.bundle_groups.emplace_back();
  for (const std::string_view mid : text::words(mids)) {
    if (!text::is_token(mid)) return "malformed group";
    group.emplace_back(mid);
  }
  return kFine;
}

Wrong Parser::read_section_attribute(std::string_view name, std::string_view value) {
  static constexpr std::array kValues{
      Attribute{"mid", &Parser::read_mid},
      Attribute{"candidate", &Parser::read_candidate},
      Attribute{"extmap", &Parser::read_extmap},
      Attribute{"msid", &Parser::read_msid},
      Attribute{"rtpmap", &Parser::read_rtpmap},
      Attribute{"fmtp", &Parser::read_fmtp},
      Attribute{"rtcp-fb", &Parser::read_feedback},
      Attribute{"ssrc", &Parser::read_ssrc},
      Attribute{"ssrc-group", &Parser::read_ssrc_group},
      Attribute{"rid", &Parser::read_rid},
      Attribute{"simulcast", &Parser::read_simulcast},
      Attribute{"sctp-port", &Parser::read_sctp_port},
      Attribute{"max-message-size", &Parser::read_max_message_size},
  };
  static constexpr std::array<std::pair<std::string_view, bool MediaSection::*>, 6> kFlags{
      {{"bundle-only", &MediaSection::bundle_only},
       {"rtcp-mux", &MediaSection::rtcp_mux},
       {"rtcp-mux-only", &MediaSection::rtcp_mux_only},
       {"rtcp-rsize", &MediaSection::rtcp_rsize},
       {"extmap-allow-mixed", &MediaSection::extmap_allow_mixed},
       {"end-of-candidates", &MediaSection::end_of_candidates}}};
  for (const Attribute& attribute : kValues) {
    if (attribute.name == name) return (this->*attribute.handler)(value);
  }
  for (const auto& [flag, member] : kFlags) {
    if (flag == name) section().*member = true;
  }
  if (const auto direction = parse_direction(name)) section().direction = *direction;
  return kFine;
}

Wrong Parser::read_mid(std::string_view value) {
  if (!text::is_token(value)) return "malformed mid";
  if (session_.section(value) != nullptr) return "mid given twice";
  return set_once(section().mid, value) ? kFine : "second mid";
}

Wrong Parser::read_candidate(std::string_view value) {
  section().candidates.push_back("candidate:" + std::string{value});
  return kFine;
}

Wrong Parser::read_extmap(std::string_view value) {
  auto extmap = parse_extmap(value);
  if (!extmap) return "malformed extmap";
  auto& extmaps = section().extmaps;
  if (std::ranges::find(extmaps, extmap->id, &ExtMap::id) != extmaps.end()) return "extmap id given twice";
  extmaps.push_back(std::move(*extmap));
  return kFine;
}

Wrong Parser::read_msid(std::string_view value) {
  const auto [stream, rest] = text::cut_word(value);
  if (stream.empty()) return "malformed msid";
  section().msids.push_back({.stream = std::string{stream}, .track = std::string{text::cut_word(rest).first}});
  return kFine;
}

Codec* Parser::find_codec(PayloadType type) {
  auto& codecs = section().codecs;
  const auto found = std::ranges::find(codecs, type, &Codec::payload_type);
  return found == codecs.end() ? nullptr : &*found;
}

// Browsers leave attributes of payload types that the m= line has not (Firefox does after setCodecPreferences), so
// those are checked and skipped.
Wrong Parser::read_rtpmap(std::string_view value) {
  if (!section().is_rtp()) return kFine;
  const auto [type_text, rest] = text::cut_word(value);
  const auto type = parse_payload_type(type_text);
  const auto map = parse_rtpmap(rest);
  if (!type || !map) return "malformed rtpmap";
  Codec* const codec = find_codec(*type);
  if (codec == nullptr) return kFine;
  if (!set_once(codec->name, map->name)) return "second rtpmap for a payload type";
  codec->clock_rate_hz = map->clock_rate_hz;
  codec->channels = map->channels;
  return kFine;
}

Wrong Parser::read_fmtp(std::string_view value) {
  if (!section().is_rtp()) return kFine;
  const auto [type_text, parameters] = text::cut_word(value);
  const auto type = parse_payload_type(type_text);
  if (!type) return "malformed fmtp";
  Codec* const codec = find_codec(*type);
  if (codec == nullptr || parameters.empty()) return kFine;
  if (!codec->fmtp.empty()) codec->fmtp += ';';
  codec->fmtp += parameters;
  return kFine;
}

Wrong Parser::add_feedback(Codec& codec, const RtcpFeedback& feedback) {
  if (codec.has_feedback(feedback.type, feedback.parameter)) return kFine;
  if (codec.feedback.size() >= limits_.feedback_per_codec_max) return "too many rtcp-fb for a payload type";
  if (++feedback_count_ > limits_.feedback_max) return "too many rtcp-fb";
  codec.feedback.push_back(feedback);
  return kFine;
}

Wrong Parser::read_feedback(std::string_view value) {
  if (!section().is_rtp()) return kFine;
  const auto [type_text, rest] = text::cut_word(value);
  const auto [name, parameter] = text::cut_word(rest);
  if (name.empty() || rest.size() > kFeedbackBytesMax) return "malformed rtcp-fb";
  const RtcpFeedback feedback{.type = std::string{name}, .parameter = std::string{parameter}};
  if (type_text == "*") {
    for (Codec& codec : section().codecs) {
      if (const Wrong wrong = add_feedback(codec, feedback); !wrong.empty()) return wrong;
    }
    return kFine;
  }
  const auto type = parse_payload_type(type_text);
  if (!type) return "malformed rtcp-fb";
  Codec* const codec = find_codec(*type);
  return codec == nullptr ? kFine : add_feedback(*codec, feedback);
}

Wrong Parser::read_ssrc(std::string_view value) {
  const auto [ssrc_text, rest] = text::cut_word(value);
  const auto ssrc = parse_ssrc(ssrc_text);
  if (!ssrc) return "malformed ssrc";
  auto& infos = section().ssrcs;
  auto info = std::ranges::find(infos, *ssrc, &SsrcInfo::ssrc);
  if (info == infos.end()) {
    infos.push_back({.ssrc = *ssrc, .cname = {}, .msid = {}});
    info = std::prev(infos.end());
  }
  const auto [name, attribute] = text::cut(rest, ':');
  if (name == "cname") info->cname = text::trim(attribute);
  if (name == "msid") {
    const auto [stream, track] = text::cut_word(attribute);
    if (stream.empty()) return "malformed ssrc";
    info->msid = Msid{.stream = std::string{stream}, .track = std::string{text::cut_word(track).first}};
  }
  return kFine;
}

Wrong Parser::read_ssrc_group(std::string_view value) {
  auto group = parse_ssrc_group(value);
  if (!group) return "malformed ssrc-group";
  section().ssrc_groups.push_back(std::move(*group));
  return kFine;
}

Wrong Parser::read_rid(std::string_view value) {
  auto rid = parse_rid(value);
  if (!rid) return "malformed rid";
  auto& rids = section().rids;
  if (std::ranges::find(rids, rid->id, &Rid::id) != rids.end()) return "rid given twice";
  rids.push_back(std::move(*rid));
  return kFine;
}

Wrong Parser::read_simulcast(std::string_view value) {
  auto simulcast = parse_simulcast(value);
  if (!simulcast) return "malformed simulcast";
  if (!section().simulcast.empty()) return "second simulcast";
  section().simulcast = std::move(*simulcast);
  return kFine;
}

Wrong Parser::read_sctp_port(std::string_view value) {
  section().sctp_port = text::number<std::uint16_t>(value);
  return section().sctp_port ? kFine : "malformed sctp-port";
}

Wrong Parser::read_max_message_size(std::string_view value) {
  section().max_message_bytes = text::number<std::uint64_t>(value);
  return section().max_message_bytes ? kFine : "malformed max-message-size";
}

/// The payload types that need no a=rtpmap and had none.
void name_static_codecs(SessionDescription& session) {
  for (MediaSection& section : session.sections) {
    for (Codec& codec : section.codecs) {
      if (!codec.name.empty()) continue;
      const auto map = static_rtpmap(codec.payload_type);
      if (!map) continue;
      codec.name = map->name;
      codec.clock_rate_hz = map->clock_rate_hz;
    }
  }
}

}  // namespace

Result<SessionDescription, Error> parse(std::string_view text, const Limits& limits) {
  auto session = Parser{limits}.run(text);
  if (session) name_static_codecs(*session);
  return session;
}

}  // namespace zvonok::sdp
