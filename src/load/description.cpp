#include "load/description.h"

#include <algorithm>
#include <utility>

#include "media/negotiate/codecs.h"
#include "proto/ice/candidate.h"
#include "proto/sdp/extension_uris.h"

namespace zvonok::load {
namespace {

using media::Kind;
using sdp::Direction;
using sdp::MediaKind;

Direction direction_of(bool sends, bool receives) {
  if (sends) return receives ? Direction::SendRecv : Direction::SendOnly;
  return receives ? Direction::RecvOnly : Direction::Inactive;
}

std::optional<sdp::Fingerprint> to_sdp(std::string_view text) {
  const auto parsed = dtls::Fingerprint::parse(text);
  if (!parsed) return std::nullopt;
  return sdp::Fingerprint{.algorithm = std::string{dtls::name_of(parsed->algorithm)}, .digest = parsed->bytes};
}

}  // namespace

Description::Description(Options options) : options_{std::move(options)} {
  for (std::size_t i = 0; i < options_.own.size(); ++i) sections_.push_back(own_section(options_.own[i].kind, i));
  for (std::size_t i = 0; i < options_.audio_to_receive; ++i) sections_.push_back(own_section(Kind::Audio, {}));
  for (std::size_t i = 0; i < options_.video_to_receive; ++i) sections_.push_back(own_section(Kind::Video, {}));
  for (std::size_t i = 0; i < sections_.size(); ++i) sections_[i].mid = std::to_string(i);
}

/// What we take of the codecs offered, with the feedback that we understand.
std::vector<sdp::Codec> Description::take_codecs(const std::vector<sdp::Codec>& offered) const {
  std::vector<sdp::Codec> taken;
  for (const sdp::Codec& codec : offered) {
    if (!codec.is("opus") && !codec.is("VP8")) continue;
    taken.push_back(codec);
    std::erase_if(taken.back().feedback, [&](const sdp::RtcpFeedback& f) {
      if (f.type == "transport-cc") return options_.transport_feedback == TransportFeedback::Off;
      if (f.type == "nack" && f.parameter.empty()) return options_.repair == Repair::Off;
      return f.type != "nack" && f.type != "ccm";
    });
    if (options_.repair == Repair::Off) continue;
    const auto repeats = [&](const sdp::Codec& other) { return other.apt() == codec.payload_type; };
    if (const auto rtx = std::ranges::find_if(offered, repeats); rtx != offered.end()) taken.push_back(*rtx);
  }
  return taken;
}

std::vector<sdp::ExtMap> Description::take_extensions(const std::vector<sdp::ExtMap>& offered) const {
  const bool simulcast = std::ranges::any_of(options_.own, [](const Own& own) { return !own.rids.empty(); });
  std::vector<sdp::ExtMap> taken;
  for (const sdp::ExtMap& one : offered) {
    const bool is_rid = one.uri == sdp::uri::kRtpStreamId || one.uri == sdp::uri::kRepairedRtpStreamId;
    const bool is_wanted =
        one.uri == sdp::uri::kMid || one.uri == sdp::uri::kSsrcAudioLevel || (simulcast && is_rid) ||
        (options_.transport_feedback == TransportFeedback::On && one.uri == sdp::uri::kTransportWideCc);
    if (is_wanted) taken.push_back(one);
  }
  return taken;
}

Description::Section Description::own_section(Kind kind, std::optional<std::size_t> own) const {
  Section section;
  section.kind = kind == Kind::Audio ? MediaKind::Audio : MediaKind::Video;
  section.own = own;
  section.codecs = take_codecs(media::own_codecs(kind, {media::Codec::Vp8}));
  section.extensions = take_extensions(media::own_extensions(kind));
  return section;
}

sdp::SessionDescription Description::session() const {
  sdp::SessionDescription out;
  out.origin = {.username = "-", .session_id = options_.session_id, .version = version_};
  out.msid_semantic = "WMS *";
  return out;
}

Direction Description::wish(const Section& section) const {
  // A section that was begun for receiving receives whatever the participant does elsewhere.
  return direction_of(section.own.has_value(), options_.receiving == Receiving::Yes);
}

sdp::MediaSection Description::write_section(const Section& section, Direction direction, sdp::Setup setup) const {
  sdp::MediaSection out;
  out.kind = section.kind;
  out.mid = section.mid;
  out.codecs = section.codecs;
  out.direction = direction;
  out.rtcp_mux = true;
  out.rtcp_rsize = true;
  out.extmaps = section.extensions;
  out.transport.ice_ufrag = options_.ice.ufrag;
  out.transport.ice_pwd = options_.ice.pwd;
  if (auto fingerprint = to_sdp(options_.fingerprint)) out.transport.fingerprints.push_back(std::move(*fingerprint));
  out.transport.setup = setup;
  if (section.rejected) out.port = 0;
  if (!section.own || !sdp::sends(direction)) return out;
  const sdp::Msid msid{.stream = options_.name, .track = options_.name + "-" + section.mid};
  out.msids = {msid};
  const Own& own = options_.own[*section.own];
  for (const std::string& rid : own.rids) {
    out.rids.push_back({.id = rid, .direction = sdp::RidDirection::Send, .payload_types = {}, .params = {}});
    out.simulcast.send.push_back({{.rid = rid, .paused = false}});
  }
  if (!own.rids.empty()) return out;
  out.ssrcs = {{.ssrc = own.ssrc, .cname = options_.name, .msid = msid}};
  if (!own.rtx) return out;
  out.ssrcs.push_back({.ssrc = *own.rtx, .cname = options_.name, .msid = msid});
  out.ssrc_groups = {{.semantics = "FID", .ssrcs = {own.ssrc, *own.rtx}}};
  return out;
}

std::string Description::finish(sdp::SessionDescription session) {
  auto& mids = session.bundle_groups.emplace_back();
  for (const sdp::MediaSection& section : session.sections) {
    if (!section.rejected()) mids.push_back(section.mid);
  }
  ++version_;
  return sdp::write(session);
}

std::string Description::make_offer() {
  offered_ = true;
  sdp::SessionDescription out = session();
  for (const Section& section : sections_) {
    out.sections.push_back(write_section(section, wish(section), sdp::Setup::ActPass));
  }
  return finish(std::move(out));
}

void Description::read_address(const std::string& candidate, Remote& out) {
  const auto parsed = ice::parse_candidate(candidate);
  const auto ip = parsed ? IpAddress::parse(parsed->address) : std::nullopt;
  if (!ip) return;
  const bool tcp = parsed->protocol == ice::Protocol::Tcp;
  if (tcp && parsed->tcp_type != ice::TcpType::Passive) return;
  std::optional<SocketAddress>& place = tcp ? out.tcp : out.udp;
  if (place && (place->ip.is_v4() || !ip->is_v4())) return;
  place = {.ip = *ip, .port = parsed->port};
}

void Description::read_streams(const sdp::MediaSection& section, Remote& out) {
  const auto kind = section.kind == MediaKind::Video ? Kind::Video : Kind::Audio;
  for (const sdp::SsrcInfo& source : section.ssrcs) {
    Stream stream{.ssrc = source.ssrc, .rtx = {}, .kind = kind};
    bool repairs = false;
    for (const sdp::SsrcGroup& group : section.ssrc_groups) {
      if (group.semantics != "FID" || group.ssrcs.size() != 2) continue;
      if (group.ssrcs[0] == source.ssrc) stream.rtx = group.ssrcs[1];
      if (group.ssrcs[1] == source.ssrc) repairs = true;
    }
    if (!repairs) out.streams.push_back(stream);
  }
}

Result<Description::Remote, std::string> Description::read_remote(const sdp::SessionDescription& session) {
  Remote out;
  for (const sdp::MediaSection& section : session.sections) {
    if (section.rejected()) continue;
    const sdp::Transport transport = session.transport_of(section);
    if (out.ice.ufrag.empty()) {
      out.ice = {.ufrag = transport.ice_ufrag, .pwd = transport.ice_pwd};
      for (const sdp::Fingerprint& fingerprint : transport.fingerprints) {
        const auto known = dtls::Fingerprint::parse(sdp::to_text(fingerprint));
        if (known) out.fingerprints.push_back(*known);
      }
    }
    for (const std::string& line : section.candidates) read_address(line, out);
    if (sdp::sends(section.direction)) read_streams(section, out);
    if (out.transport_feedback_id == 0) {
      out.transport_feedback_id = section.extension_id(sdp::uri::kTransportWideCc).value_or(0);
    }
  }
  if (out.ice.ufrag.empty() || out.fingerprints.empty()) return fail(std::string{"no transport in the description"});
  return out;
}

void Description::agree(Section& section, const sdp::MediaSection& theirs) const {
  section.sending.reset();
  section.rejected = theirs.rejected();
  if (section.rejected) return;
  section.codecs = take_codecs(theirs.codecs);
  section.extensions = take_extensions(theirs.extmaps);
  if (!section.own || section.codecs.empty() || !sdp::receives(theirs.direction)) return;
  const rtp::PayloadType type = section.codecs.front().payload_type;
  Sending sending;
  sending.type = type;
  for (const sdp::Codec& codec : section.codecs) {
    if (codec.apt() == type) sending.rtx = codec.payload_type;
  }
  const auto id = [&](std::string_view uri) { return theirs.extension_id(uri).value_or(0); };
  sending.audio_level = id(sdp::uri::kSsrcAudioLevel);
  sending.mid_id = id(sdp::uri::kMid);
  sending.rid_id = id(sdp::uri::kRtpStreamId);
  sending.repaired_rid_id = id(sdp::uri::kRepairedRtpStreamId);
  if (options_.transport_feedback == TransportFeedback::On) {
    sending.transport_feedback_id = id(sdp::uri::kTransportWideCc);
  }
  sending.mid = section.mid;
  section.sending = std::move(sending);
}

Result<Description::Remote, std::string> Description::on_answer(std::string_view text) {
  const auto answer = sdp::parse(text);
  if (!answer) return fail("an answer that can't be read: " + std::string{answer.error().what});
  if (!offered_) return fail(std::string{"an answer to no offer"});
  if (answer->sections.size() != sections_.size()) return fail(std::string{"an answer with other sections"});
  offered_ = false;
  for (std::size_t i = 0; i < sections_.size(); ++i) agree(sections_[i], answer->sections[i]);
  return read_remote(*answer);
}

Result<std::optional<Description::Answered>, std::string> Description::on_offer(std::string_view text) {
  if (offered_) return std::nullopt;
  const auto offer = sdp::parse(text);
  if (!offer) return fail("an offer that can't be read: " + std::string{offer.error().what});
  if (offer->sections.size() < sections_.size()) return fail(std::string{"an offer that lacks sections"});
  sdp::SessionDescription out = session();
  for (std::size_t i = 0; i < offer->sections.size(); ++i) {
    const sdp::MediaSection& theirs = offer->sections[i];
    if (i == sections_.size()) {
      Section& added = sections_.emplace_back();
      added.mid = theirs.mid;
      added.kind = theirs.kind;
    }
    Section& section = sections_[i];
    if (section.mid != theirs.mid || section.kind != theirs.kind)
      return fail(std::string{"an offer that mixes sections"});
    agree(section, theirs);
    section.rejected = section.rejected || section.codecs.empty();
    const Direction mine = wish(section);
    const Direction direction = direction_of(sdp::sends(mine) && sdp::receives(theirs.direction),
                                             sdp::receives(mine) && sdp::sends(theirs.direction));
    out.sections.push_back(write_section(section, direction, sdp::Setup::Active));
    if (section.codecs.empty()) out.sections.back().codecs = theirs.codecs;
  }
  auto remote = read_remote(*offer);
  if (!remote) return fail(std::move(remote.error()));
  return Answered{.answer = finish(std::move(out)), .remote = std::move(*remote)};
}

const Description::Sending* Description::sending(std::size_t index) const {
  const auto& sending = sections_[index].sending;  // own sections are the first ones
  return sending ? &*sending : nullptr;
}

}  // namespace zvonok::load
