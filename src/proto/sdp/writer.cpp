// A session description as text, in the order of RFC 9429 section 5.2.1, which is also the browsers'.
#include <array>
#include <concepts>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "proto/sdp/sdp.h"

namespace zvonok::sdp {

namespace {

/// Collects lines. Texts come from peers through other messages too, so none may bring a line break with it.
class Lines {
 public:
  template <class... Parts>
  void line(const Parts&... parts) {
    (put(parts), ...);
    text_ += "\r\n";
  }
  template <class... Parts>
  void add(const Parts&... parts) {
    (put(parts), ...);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void put(std::string_view part) {
    for (const char c : part) {
      if (c != '\r' && c != '\n' && c != '\0') text_ += c;
    }
  }
  template <std::unsigned_integral T>
  void put(T number) {
    text_ += std::to_string(number);
  }
  void put(PayloadType type) { put(unsigned{std::to_underlying(type)}); }
  void put(Ssrc ssrc) { put(std::to_underlying(ssrc)); }

  std::string text_;
};

std::string_view name_of(MediaKind kind) {
  switch (kind) {
    case MediaKind::Audio: return "audio";
    case MediaKind::Video: return "video";
    case MediaKind::Application: return "application";
    case MediaKind::Other: return "other";
  }
  std::abort();
}

std::string_view name_of(Direction direction) {
  switch (direction) {
    case Direction::SendRecv: return "sendrecv";
    case Direction::SendOnly: return "sendonly";
    case Direction::RecvOnly: return "recvonly";
    case Direction::Inactive: return "inactive";
  }
  std::abort();
}

std::string_view name_of(Setup setup) {
  switch (setup) {
    case Setup::ActPass: return "actpass";
    case Setup::Active: return "active";
    case Setup::Passive: return "passive";
    case Setup::HoldConn: return "holdconn";
  }
  std::abort();
}

void write_transport(Lines& out, const Transport& transport) {
  if (!transport.ice_ufrag.empty()) out.line("a=ice-ufrag:", transport.ice_ufrag);
  if (!transport.ice_pwd.empty()) out.line("a=ice-pwd:", transport.ice_pwd);
  if (!transport.ice_options.empty()) {
    out.add("a=ice-options:");
    std::string_view separator;
    for (const std::string& option : transport.ice_options) out.add(std::exchange(separator, " "), option);
    out.line();
  }
  for (const Fingerprint& fingerprint : transport.fingerprints) out.line("a=fingerprint:", to_text(fingerprint));
  if (transport.setup) out.line("a=setup:", name_of(*transport.setup));
}

void write_media_line(Lines& out, const MediaSection& section) {
  const bool is_other = section.kind == MediaKind::Other && !section.other_kind.empty();
  out.add("m=", is_other ? std::string_view{section.other_kind} : name_of(section.kind), " ", section.port, " ",
          section.protocol);
  for (const Codec& codec : section.codecs) out.add(" ", codec.payload_type);
  for (const std::string& format : section.formats) out.add(" ", format);
  if (section.codecs.empty() && section.formats.empty()) out.add(" 0");
  out.line();
  out.line("c=IN IP4 0.0.0.0");
  for (const Bandwidth& bandwidth : section.bandwidths) out.line("b=", bandwidth.type, ":", bandwidth.value);
}

void write_codec(Lines& out, const Codec& codec) {
  if (!codec.name.empty()) {
    out.add("a=rtpmap:", codec.payload_type, " ", codec.name, "/", codec.clock_rate_hz);
    if (codec.channels != 1) out.add("/", unsigned{codec.channels});
    out.line();
  }
  for (const RtcpFeedback& one : codec.feedback) {
    out.line("a=rtcp-fb:", codec.payload_type, " ", one.type, one.parameter.empty() ? "" : " ", one.parameter);
  }
  if (!codec.fmtp.empty()) out.line("a=fmtp:", codec.payload_type, " ", codec.fmtp);
}

void write_extmap(Lines& out, const ExtMap& extmap) {
  out.add("a=extmap:", unsigned{extmap.id});
  if (extmap.direction) out.add("/", name_of(*extmap.direction));
  out.line(" ", extmap.uri, extmap.attributes.empty() ? "" : " ", extmap.attributes);
}

void write_ssrc(Lines& out, const SsrcInfo& info) {
  // A line needs an attribute: an empty cname says that the source is there and no more.
  out.line("a=ssrc:", info.ssrc, " cname:", info.cname);
  if (info.msid) {
    out.line("a=ssrc:", info.ssrc, " msid:", info.msid->stream, info.msid->track.empty() ? "" : " ", info.msid->track);
  }
}

void write_rid(Lines& out, const Rid& rid) {
  out.add("a=rid:", rid.id, rid.direction == RidDirection::Send ? " send" : " recv");
  std::string_view separator = " ";
  if (!rid.payload_types.empty()) {
    out.add(std::exchange(separator, ";"), "pt=");
    std::string_view comma;
    for (const PayloadType type : rid.payload_types) out.add(std::exchange(comma, ","), type);
  }
  for (const auto& [key, value] : rid.params) {
    out.add(std::exchange(separator, ";"), key, value.empty() ? "" : "=", value);
  }
  out.line();
}

void write_simulcast_list(Lines& out, std::string_view direction, const std::vector<SimulcastStream>& streams) {
  if (streams.empty()) return;
  out.add(direction, " ");
  std::string_view semicolon;
  for (const SimulcastStream& stream : streams) {
    out.add(std::exchange(semicolon, ";"));
    std::string_view comma;
    for (const SimulcastAlternative& one : stream) {
      out.add(std::exchange(comma, ","), one.paused ? "~" : "", one.rid);
    }
  }
}

void write_simulcast(Lines& out, const Simulcast& simulcast) {
  if (simulcast.empty()) return;
  out.add("a=simulcast:");
  write_simulcast_list(out, "send", simulcast.send);
  if (!simulcast.send.empty() && !simulcast.recv.empty()) out.add(" ");
  write_simulcast_list(out, "recv", simulcast.recv);
  out.line();
}

void write_sources(Lines& out, const MediaSection& section) {
  for (const SsrcGroup& group : section.ssrc_groups) {
    out.add("a=ssrc-group:", group.semantics);
    for (const Ssrc ssrc : group.ssrcs) out.add(" ", ssrc);
    out.line();
  }
  for (const SsrcInfo& info : section.ssrcs) write_ssrc(out, info);
  for (const Rid& rid : section.rids) write_rid(out, rid);
  write_simulcast(out, section.simulcast);
}

void write_section(Lines& out, const MediaSection& section) {
  write_media_line(out, section);
  for (const std::string& candidate : section.candidates) out.line("a=", candidate);
  if (section.end_of_candidates) out.line("a=end-of-candidates");
  write_transport(out, section.transport);
  if (!section.mid.empty()) out.line("a=mid:", section.mid);
  if (section.bundle_only) out.line("a=bundle-only");
  if (section.extmap_allow_mixed) out.line("a=extmap-allow-mixed");
  for (const ExtMap& extmap : section.extmaps) write_extmap(out, extmap);
  // Data channels have no direction of their own (RFC 8841), so the usual one goes without saying.
  if (section.is_rtp() || section.direction != Direction::SendRecv) out.line("a=", name_of(section.direction));
  for (const Msid& msid : section.msids) {
    out.line("a=msid:", msid.stream, msid.track.empty() ? "" : " ", msid.track);
  }
  if (section.rtcp_mux) out.line("a=rtcp-mux");
  if (section.rtcp_mux_only) out.line("a=rtcp-mux-only");
  if (section.rtcp_rsize) out.line("a=rtcp-rsize");
  for (const Codec& codec : section.codecs) write_codec(out, codec);
  write_sources(out, section);
  if (section.sctp_port) out.line("a=sctp-port:", *section.sctp_port);
  if (section.max_message_bytes) out.line("a=max-message-size:", *section.max_message_bytes);
}

}  // namespace

std::string write(const SessionDescription& session) {
  Lines out;
  out.line("v=0");
  out.line("o=", session.origin.username.empty() ? "-" : session.origin.username, " ", session.origin.session_id, " ",
           session.origin.version, " IN IP4 127.0.0.1");
  out.line("s=", session.name.empty() ? "-" : session.name);
  out.line("t=0 0");
  if (session.ice_lite) out.line("a=ice-lite");
  for (const auto& mids : session.bundle_groups) {
    out.add("a=group:BUNDLE");
    for (const std::string& mid : mids) out.add(" ", mid);
    out.line();
  }
  if (session.extmap_allow_mixed) out.line("a=extmap-allow-mixed");
  if (!session.msid_semantic.empty()) out.line("a=msid-semantic: ", session.msid_semantic);
  write_transport(out, session.transport);
  for (const MediaSection& section : session.sections) write_section(out, section);
  return out.take();
}

}  // namespace zvonok::sdp
