#include "media/negotiate/negotiator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "media/has.h"

namespace zvonok::media {
namespace {

/// What of the o= line stays the same for one connection (RFC 9429 section 5.2.1).
std::string session_of(const sdp::SessionDescription& description) {
  return description.origin.username + ' ' + std::to_string(description.origin.session_id);
}

}  // namespace

std::string_view to_text(NegotiationError error) {
  switch (error) {
    case NegotiationError::Malformed: return "the description is not SDP that can be read";
    case NegotiationError::Incompatible: return "the description does not fit those before";
    case NegotiationError::NewConnection: return "the description is of another connection than those before";
    case NegotiationError::NoTransport: return "the description has no ICE credentials or no fingerprint";
    case NegotiationError::NothingOffered: return "an answer without an offer";
  }
  return {};
}

Negotiator::Negotiator(Options options, NegotiationIds& ids) : options_{std::move(options)}, ids_{ids} {
  stable_.ice_ufrag = options_.ice_ufrag;
  stable_.ice_pwd = options_.ice_pwd;
}

Kind Negotiator::kind_of(const Section& section) {
  return section.kind == sdp::MediaKind::Video ? Kind::Video : Kind::Audio;
}

void Negotiator::renew_credentials(State& state) {
  NegotiationIds::Credentials fresh = ids_.new_credentials();
  state.ice_ufrag = options_.ice_ufrag = std::move(fresh.ufrag);
  state.ice_pwd = options_.ice_pwd = std::move(fresh.pwd);
}

// ---- what the client says -------------------------------------------------------------------------------------------

Result<Negotiator::Agreed, NegotiationError> Negotiator::on_offer(std::string_view text, Politeness politeness) {
  auto agreed = take_offer(text, politeness);
  if (!agreed && politeness == Politeness::Impolite) {
    // Whatever ours said, the client has not looked at it, and waits for it now.
    if (!may_offer()) again_ = true;
    void_offers(Restarted::No);
  }
  return agreed;
}

Result<Negotiator::Agreed, NegotiationError> Negotiator::take_offer(std::string_view text, Politeness politeness) {
  const auto description = sdp::parse(text, {.sections_max = options_.sections_max});
  if (!description) return fail(NegotiationError::Malformed);
  State next = stable_;
  if (const auto error = take_remote(next, *description, Author::Client)) {
    // Not every stack keeps its o= line, so that alone says nothing.
    const bool other = stable_.remote && session_of(*description) != stable_.remote_session;
    return fail(*error == NegotiationError::Incompatible && other ? NegotiationError::NewConnection : *error);
  }
  if (stable_.remote && next.remote->fingerprints != stable_.remote->fingerprints) {
    return fail(NegotiationError::NewConnection);
  }
  // An offer with other credentials restarts ICE, and the answer has to have new ones as well (RFC 8839 section 4.4.1).
  const bool restarts = stable_.remote && next.remote->ice_ufrag != stable_.remote->ice_ufrag;
  if (restarts) renew_credentials(next);
  take_sections(next, *description, Author::Client);
  // As those of ours say that are out, also if nobody will answer them: an answer that was lost with its WebSocket has
  // made a client take one.
  assign(next, Author::Client);
  abandoned_.clear();  // who offers has nothing of ours to answer any more but what crosses it
  if (politeness == Politeness::Impolite) void_offers(restarts ? Restarted::Yes : Restarted::No);
  if (offered_) yielded_ = std::exchange(offered_, std::nullopt);
  for (std::size_t i = 0; i < next.sections.size(); ++i) {
    Section& section = next.sections[i];
    section.agreed_to_send = section.sending.has_value() && sdp::receives(description->sections[i].direction);
  }
  stable_ = std::move(next);
  return agreed(write(stable_, Author::Client));
}

Result<Negotiator::Agreed, NegotiationError> Negotiator::on_answer(std::string_view text) {
  if (!offered_ && !yielded_ && abandoned_.empty()) return fail(NegotiationError::NothingOffered);
  const auto description = sdp::parse(text, {.sections_max = options_.sections_max});
  if (!description) return fail(NegotiationError::Malformed);
  const State* const answered = answered_by(*description);
  if (answered == nullptr) return fail(NegotiationError::Incompatible);
  State next = *answered;
  // The client's own offer, which it has rolled back, may have renewed our credentials after this offer was made.
  const bool outdated = next.ice_ufrag != options_.ice_ufrag;
  if (const auto error = take_remote(next, *description, Author::Server)) return fail(*error);
  take_sections(next, *description, Author::Server);
  for (std::size_t i = 0; i < next.sections.size(); ++i) {
    Section& section = next.sections[i];
    const bool takes = is_media(section) && sdp::receives(description->sections[i].direction);
    if (section.sending && !takes) {
      section.refused = true;
      refuse(section);
    }
    section.agreed_to_send = section.sending.has_value();
  }
  // An answer to another offer than the newest: that one may be answered as well.
  const bool newest = answered == (offered_ ? &*offered_ : yielded_ ? &*yielded_ : nullptr);
  if (newest) {
    offered_.reset();
    abandoned_.clear();
  } else if (answered >= abandoned_.data() && answered < abandoned_.data() + abandoned_.size()) {
    abandoned_.erase(abandoned_.begin(),
                     abandoned_.begin() + (answered - abandoned_.data()) + 1);  // and the older ones
  }
  drop(offered_);
  yielded_.reset();
  stable_ = std::move(next);
  stable_.restarts = false;
  if (outdated) restart_wanted_ = true;
  return agreed("");
}

const Negotiator::State* Negotiator::answered_by(const sdp::SessionDescription& description) const {
  const auto fits = [&](const State& offer) {
    return std::ranges::equal(offer.sections, description.sections, [](const Section& ours, const auto& theirs) {
      return ours.kind == theirs.kind && (ours.mid == theirs.mid || theirs.rejected());
    });
  };
  if (offered_ && fits(*offered_)) return &*offered_;
  if (yielded_ && fits(*yielded_)) return &*yielded_;
  for (auto offer = abandoned_.rbegin(); offer != abandoned_.rend(); ++offer) {
    if (fits(*offer)) return &*offer;
  }
  return nullptr;
}

/// Transport and the list of sections. Sections that are new in an offer are added, still empty.
std::optional<NegotiationError> Negotiator::take_remote(State& state, const sdp::SessionDescription& description,
                                                        Author offer_by) const {
  if (description.sections.size() < state.sections.size()) return NegotiationError::Incompatible;
  const sdp::MediaSection* carrier = nullptr;  // the first that is in use: its transport is everybody's
  for (std::size_t i = 0; i < description.sections.size(); ++i) {
    const sdp::MediaSection& theirs = description.sections[i];
    if (i < state.sections.size()) {
      Section& ours = state.sections[i];
      if (offer_by == Author::Client && ours.rejected && !theirs.rejected()) {
        ours = {};  // RFC 9429 section 5.2.2: a rejected section may become anything
        ours.mid = theirs.mid;
        ours.kind = theirs.kind;
      }
      if (ours.kind != theirs.kind || (ours.mid != theirs.mid && !theirs.rejected())) {
        return NegotiationError::Incompatible;
      }
    } else {
      Section added;
      added.mid = theirs.mid;
      added.kind = theirs.kind;
      state.sections.push_back(std::move(added));
    }
    Section& ours = state.sections[i];
    ours.other_kind = theirs.other_kind;
    ours.protocol = theirs.protocol;
    ours.formats = theirs.formats;
    if (carrier == nullptr && !theirs.rejected() && theirs.is_rtp()) carrier = &theirs;
  }
  if (carrier == nullptr) {
    return state.remote || offer_by == Author::Client ? std::nullopt : std::optional{NegotiationError::NoTransport};
  }
  const sdp::Transport transport = description.transport_of(*carrier);
  if (transport.ice_ufrag.empty() || transport.ice_pwd.empty() || transport.fingerprints.empty()) {
    return NegotiationError::NoTransport;
  }
  Remote remote{.ice_ufrag = transport.ice_ufrag,
                .ice_pwd = transport.ice_pwd,
                .fingerprints = transport.fingerprints,
                .our_role = transport.setup == sdp::Setup::Passive ? DtlsRole::Active : DtlsRole::Passive};
  // The association stays, and with it the roles, unless its other end is a new one (RFC 8842 section 5.5). That holds
  // whatever `setup` says: some stacks answer every offer of a lite agent with `passive`, and go on as they were.
  if (state.remote && state.remote->fingerprints == remote.fingerprints) remote.our_role = state.remote->our_role;
  state.remote = std::move(remote);
  state.remote_session = session_of(description);
  return std::nullopt;
}

/// One transport carries all: what the client keeps out of the bundle is rejected (RFC 9143 section 7.3.3).
void Negotiator::take_sections(State& state, const sdp::SessionDescription& description, Author offer_by) {
  const std::vector<std::string>* bundle = nullptr;
  const sdp::MediaSection* first = nullptr;
  for (const sdp::MediaSection& section : description.sections) {
    if (section.rejected() || !section.is_rtp()) continue;
    first = &section;
    for (const auto& group : description.bundle_groups) {
      if (has(group, section.mid)) bundle = &group;
    }
    break;
  }
  std::size_t receiving = 0;
  for (std::size_t i = 0; i < state.sections.size(); ++i) {
    const sdp::MediaSection& theirs = description.sections[i];
    for (const sdp::ExtMap& map : theirs.extmaps) {
      state.extension_ids_taken.insert(map.id);
      if (is_known_extension(map.uri)) state.extension_ids.try_emplace(map.uri, map.id);
    }
    for (const sdp::Codec& codec : theirs.codecs) state.payload_types.insert(codec.payload_type);
    if (&theirs == first || (bundle != nullptr && has(*bundle, theirs.mid))) {
      take_section(state.sections[i], theirs, offer_by, receiving);
      state.sections[i].mixed_extensions = theirs.extmap_allow_mixed || description.extmap_allow_mixed;
    } else {
      reject(state.sections[i], offer_by);
    }
  }
}

void Negotiator::take_section(Section& section, const sdp::MediaSection& theirs, Author offer_by,
                              std::size_t& receiving) {
  const bool media = theirs.kind == sdp::MediaKind::Audio || theirs.kind == sdp::MediaKind::Video;
  const bool was_rejected = section.rejected && offer_by == Author::Server;  // an answer can't bring it back
  if (was_rejected || theirs.rejected() || !media || theirs.mid.empty() || !theirs.rtcp_mux) {
    reject(section, offer_by);
    return;
  }
  const Kind kind = theirs.kind == sdp::MediaKind::Video ? Kind::Video : Kind::Audio;
  section.rejected = false;
  section.codecs = accept_codecs(kind, theirs.codecs, options_.video);
  section.extensions = accept_extensions(kind, theirs.extmaps);
  if (offer_by == Author::Client) {
    section.refused = !sdp::receives(theirs.direction);
    if (section.refused) refuse(section);
  }
  if (section.codecs.empty()) {
    reject(section, offer_by);
    return;
  }
  const bool sends = sdp::sends(theirs.direction) && receiving < options_.receive_max;
  if (!sends) {
    section.receiving.reset();
    section.rids.clear();
    section.ssrcs.clear();
    return;
  }
  ++receiving;
  if (!section.receiving) {
    // Who rolls an offer back and answers ours instead sends in this section what its offer began: no other track.
    const auto known = std::ranges::find(stable_.sections, section.mid, &Section::mid);
    const bool goes_on = offer_by == Author::Server && known != stable_.sections.end() && known->receiving &&
                         known->kind == section.kind && known->rids.empty() == theirs.simulcast.send.empty();
    section.receiving = goes_on ? *known->receiving : ids_.new_track();
  }
  take_sources(section, theirs);
}

/// What it carried goes elsewhere when the client stopped a section it had, and is not offered again when it wants no
/// new one.
void Negotiator::reject(Section& section, Author offer_by) {
  if (offer_by == Author::Server && !has(stable_.sections, section.mid, &Section::mid)) refuse(section);
  section.rejected = true;
  section.receiving.reset();
  section.sending.reset();
}

/// Asking again would go on for ever: the client gets the track when an offer of its own has room for it.
void Negotiator::refuse(Section& section) {
  if (!section.sending) return;
  refused_.push_back(section.sending->track);
  section.sending.reset();
}

void Negotiator::set_wanted(std::vector<Wanted> wanted) {
  wanted_ = std::move(wanted);
  std::erase_if(refused_, [this](TrackId track) { return !has(wanted_, track, &Wanted::track); });
}

void Negotiator::take_sources(Section& section, const sdp::MediaSection& theirs) {
  section.rids.clear();
  section.ssrcs.clear();
  for (const sdp::SimulcastStream& stream : theirs.simulcast.send) {
    if (stream.empty() || section.rids.size() == 4) continue;
    if (has(theirs.rids, stream.front().rid, &sdp::Rid::id)) {
      section.rids.push_back(stream.front().rid);
    }
  }
  for (const sdp::SsrcInfo& source : theirs.ssrcs) {
    const auto repairs = [&](const sdp::SsrcGroup& group) {
      return group.semantics == "FID" && group.ssrcs.size() == 2 && group.ssrcs[1] == source.ssrc;
    };
    if (std::ranges::any_of(theirs.ssrc_groups, repairs) || section.ssrcs.size() == 4) continue;
    SsrcPair pair{.primary = source.ssrc, .rtx = std::nullopt};
    for (const sdp::SsrcGroup& group : theirs.ssrc_groups) {
      if (group.semantics == "FID" && group.ssrcs.size() == 2 && group.ssrcs[0] == source.ssrc) {
        pair.rtx = group.ssrcs[1];
      }
    }
    section.ssrcs.push_back(pair);
  }
}

// ---- what the client is to get --------------------------------------------------------------------------------------

bool Negotiator::can_take(const Section& section, const Wanted& wanted) const {
  if (!is_media(section) || kind_of(section) != wanted.kind) return false;
  return std::ranges::any_of(codec_parameters(section.codecs), [&](const CodecParameters& ours) {
    return ours.codec != Codec::Red && ours.codec != Codec::TelephoneEvent &&
           std::ranges::any_of(wanted.codecs, [&](const CodecParameters& theirs) {
             return theirs.codec == ours.codec && theirs.profile == ours.profile;
           });
  });
}

const Negotiator::Sending* Negotiator::said_of(const State& offer, const Section& section) {
  const auto same = std::ranges::find(offer.sections, section.mid, &Section::mid);
  return same != offer.sections.end() && same->sending ? &*same->sending : nullptr;
}

bool Negotiator::is_promised(const Section& section, TrackId but) const {
  const auto promised = [&](const State& offer) {
    const Sending* const said = said_of(offer, section);
    return said != nullptr && said->track != but;
  };
  return (offered_ && promised(*offered_)) || (yielded_ && promised(*yielded_)) ||
         std::ranges::any_of(abandoned_, promised);
}

void Negotiator::begin_sending(Section& section, const Wanted& wanted) {
  section.agreed_to_send = false;
  section.sending = Sending{.track = wanted.track, .stream = wanted.stream, .ssrc = {}, .rtx = {}};
  const auto said = [&](const State& offer) {
    const Sending* const before = said_of(offer, section);
    if (before == nullptr || before->track != wanted.track) return false;
    section.sending->ssrc = before->ssrc;
    section.sending->rtx = before->rtx;
    return true;
  };
  if ((offered_ && said(*offered_)) || (yielded_ && said(*yielded_)) || std::ranges::any_of(abandoned_, said)) return;
  section.sending->ssrc = ids_.new_ssrc();
  if (wanted.kind == Kind::Video) section.sending->rtx = ids_.new_ssrc();
}

void Negotiator::assign(State& state, Author offer_by) {
  for (Section& section : state.sections) {
    const bool had = section.sending.has_value();
    if (had && !has(wanted_, section.sending->track, &Wanted::track)) section.sending.reset();
    section.resting = had && !section.sending;
  }
  for (const Wanted& wanted : wanted_) {
    const auto gets = [&](const Section& s) { return s.sending && s.sending->track == wanted.track; };
    if (std::ranges::any_of(state.sections, gets)) continue;
    if (offer_by == Author::Server && has(refused_, wanted.track)) continue;
    const auto free = std::ranges::find_if(state.sections, [&](const Section& section) {
      return !section.sending && !section.resting && !section.refused && can_take(section, wanted) &&
             !is_promised(section, wanted.track);
    });
    if (free != state.sections.end()) {
      begin_sending(*free, wanted);
      std::erase(refused_, wanted.track);
    } else if (offer_by == Author::Server && state.sections.size() < options_.sections_max) {
      Section added = new_section(wanted.kind, state.sections.size());
      if (!can_take(added, wanted)) continue;  // a codec that this client can't play
      begin_sending(added, wanted);
      state.sections.push_back(std::move(added));
    }
  }
}

Negotiator::Section Negotiator::new_section(Kind kind, std::size_t index) const {
  Section section;
  section.mid = "z" + std::to_string(index);
  while (has(stable_.sections, section.mid, &Section::mid)) section.mid += '_';  // a client may call its own so
  section.by_server = true;
  section.kind = kind == Kind::Audio ? sdp::MediaKind::Audio : sdp::MediaKind::Video;
  section.protocol = "UDP/TLS/RTP/SAVPF";
  // A payload type keeps its meaning within a bundle: what the client has used is used again.
  const auto like = std::ranges::find_if(stable_.sections, [&](const Section& known) {
    return is_media(known) && kind_of(known) == kind && !known.codecs.empty();
  });
  const bool known = like != stable_.sections.end();
  section.codecs = codecs_to_offer(kind);
  section.extensions = extensions_to_offer(kind);
  section.mixed_extensions = known && like->mixed_extensions;
  return section;
}

/// Everything that we can pass on, also what the client does not send itself. A payload type keeps its meaning within a
/// bundle, so ours make way for those that the client uses; and one offer may have new sections of both kinds, so those
/// of pictures make way for those of sound.
std::vector<sdp::Codec> Negotiator::codecs_to_offer(Kind kind) const {
  std::set<rtp::PayloadType> taken = stable_.payload_types;
  const auto known = [&](Kind wanted) {
    std::vector<sdp::Codec> codecs;
    std::set<rtp::PayloadType> copied;
    for (const Section& section : stable_.sections) {
      if (!is_media(section)) continue;
      for (const sdp::Codec& codec : section.codecs) {
        taken.insert(codec.payload_type);
        if (kind_of(section) == wanted && copied.insert(codec.payload_type).second) codecs.push_back(codec);
      }
    }
    return codecs;
  };
  std::vector<sdp::Codec> audio = known(Kind::Audio);
  if (audio.empty()) add_own_codecs(audio, Kind::Audio, taken);  // everybody has Opus
  if (kind == Kind::Audio) return audio;
  std::vector<sdp::Codec> video = known(Kind::Video);
  add_own_codecs(video, Kind::Video, taken);
  return video;
}

void Negotiator::add_own_codecs(std::vector<sdp::Codec>& codecs, Kind kind, std::set<rtp::PayloadType>& taken) const {
  const auto free_type = [&taken](rtp::PayloadType wish) {
    for (std::uint8_t type = 127; taken.contains(wish) && type >= 96; --type) wish = rtp::PayloadType{type};
    for (std::uint8_t type = 35; taken.contains(wish) && type < 64; ++type) wish = rtp::PayloadType{type};
    return wish;
  };
  const auto text = [](rtp::PayloadType type) { return std::to_string(unsigned{std::to_underlying(type)}); };
  const std::vector<sdp::Codec> own = own_codecs(kind, options_.video);
  for (const sdp::Codec& codec : own) {
    const auto same = [&](const sdp::Codec& known) {
      return codec_of(known) == codec_of(codec) && profile_of(known) == profile_of(codec);
    };
    if (codec.is("rtx") || std::ranges::any_of(codecs, same)) continue;
    sdp::Codec added = codec;
    added.payload_type = free_type(codec.payload_type);
    if (!taken.insert(added.payload_type).second) break;
    if (codec.is("red")) {
      const std::string inner = text(codecs.front().payload_type);  // Opus, the first of ours
      added.fmtp = inner;
      added.fmtp += '/';
      added.fmtp += inner;
    }
    codecs.push_back(added);
    for (const sdp::Codec& rtx : own) {
      if (!rtx.is("rtx") || rtx.apt() != codec.payload_type) continue;
      sdp::Codec repeats = rtx;
      repeats.payload_type = free_type(rtx.payload_type);
      repeats.fmtp = "apt=" + text(added.payload_type);
      if (taken.insert(repeats.payload_type).second) codecs.push_back(std::move(repeats));
    }
  }
}

/// An id means one thing throughout a bundle: those of both kinds are chosen together.
std::vector<sdp::ExtMap> Negotiator::extensions_to_offer(Kind kind) const {
  std::map<std::string, std::uint8_t> ids = stable_.extension_ids;
  std::set<std::uint8_t> taken = stable_.extension_ids_taken;
  for (const Kind each : {Kind::Audio, Kind::Video}) {
    for (const sdp::ExtMap& map : own_extensions(each)) {
      if (ids.contains(map.uri)) continue;
      std::uint8_t id = map.id;
      for (std::uint8_t other = 1; taken.contains(id) && other < 15; ++other) id = other;
      if (taken.insert(id).second) ids.emplace(map.uri, id);
    }
  }
  std::vector<sdp::ExtMap> extensions = own_extensions(kind);
  std::erase_if(extensions, [&](const sdp::ExtMap& map) { return !ids.contains(map.uri); });
  for (sdp::ExtMap& map : extensions) map.id = ids.at(map.uri);
  return extensions;
}

bool Negotiator::offer_needed() const {
  if (restart_wanted_ || again_ || stable_.sections.empty()) return true;
  for (const Section& section : stable_.sections) {
    if (section.sending && !has(wanted_, section.sending->track, &Wanted::track)) return true;
    if (section.sending && !section.agreed_to_send) return true;
  }
  return std::ranges::any_of(wanted_, [&](const Wanted& wanted) {
    const auto gets = [&](const Section& s) { return s.sending && s.sending->track == wanted.track; };
    if (std::ranges::any_of(stable_.sections, gets) || has(refused_, wanted.track)) return false;
    if (stable_.sections.size() < options_.sections_max) return can_take(new_section(wanted.kind, 0), wanted);
    return std::ranges::any_of(stable_.sections, [&](const Section& section) {
      return !section.sending && !section.refused && can_take(section, wanted);
    });
  });
}

std::string Negotiator::make_offer() {
  ZVONOK_CHECK(may_offer());
  State next = stable_;
  if (next.sections.empty()) {
    next.sections.push_back(new_section(Kind::Audio, 0));
    next.sections.push_back(new_section(Kind::Video, 1));
  }
  assign(next, Author::Server);
  again_ = false;
  next.restarts = std::exchange(restart_wanted_, false);
  if (next.restarts) renew_credentials(next);
  offered_ = std::move(next);
  return write(*offered_, Author::Server);
}

void Negotiator::drop(std::optional<State>& offer) {
  constexpr std::size_t kAbandonedMax = 4;
  if (!offer) return;
  if (offer->restarts) restart_wanted_ = true;
  if (abandoned_.size() == kAbandonedMax) abandoned_.erase(abandoned_.begin());
  abandoned_.push_back(std::move(*offer));
  offer.reset();
}

void Negotiator::void_offers(Restarted restarted) {
  for (std::optional<State>* const offer : {&offered_, &yielded_}) {
    if (*offer && (*offer)->restarts && restarted == Restarted::No) restart_wanted_ = true;
    offer->reset();
  }
  abandoned_.clear();
}

// ---- results --------------------------------------------------------------------------------------------------------

Negotiator::Agreed Negotiator::agreed(std::string answer) const {
  Agreed result{.answer = std::move(answer), .parameters = {}, .remote = stable_.remote.value_or(Remote{})};
  for (const Section& section : stable_.sections) {
    if (!is_media(section)) continue;
    const Kind kind = kind_of(section);
    const ExtensionIds extensions = extension_ids(section.extensions);
    const auto codecs = codec_parameters(section.codecs);
    const auto nacks =
        std::ranges::any_of(section.codecs, [](const sdp::Codec& codec) { return codec.has_feedback("nack"); });
    const Retransmission retransmission = nacks ? Retransmission::Nack : Retransmission::Off;
    if (section.receiving) {
      result.parameters.receive.push_back({.track = *section.receiving,
                                           .mid = section.mid,
                                           .kind = kind,
                                           .codecs = codecs,
                                           .extensions = extensions,
                                           .rids = section.rids,
                                           .ssrcs = section.ssrcs,
                                           .retransmission = retransmission});
    }
    if (section.sending && section.agreed_to_send) {
      result.parameters.send.push_back({.track = section.sending->track,
                                        .mid = section.mid,
                                        .kind = kind,
                                        .ssrc = section.sending->ssrc,
                                        .rtx_ssrc = section.sending->rtx,
                                        .cname = section.sending->stream,
                                        .codecs = codecs,
                                        .extensions = extensions,
                                        .mixed_extensions = section.mixed_extensions,
                                        .retransmission = retransmission});
    }
  }
  return result;
}

// ---- writing --------------------------------------------------------------------------------------------------------

std::string Negotiator::write(const State& state, Author offer_by) {
  sdp::SessionDescription out;
  out.origin = {.username = "-", .session_id = options_.session_id, .version = ++version_};
  out.ice_lite = true;
  out.extmap_allow_mixed = offer_by == Author::Server;
  out.msid_semantic = "WMS *";
  std::vector<std::string> bundle;
  for (const Section& section : state.sections) {
    out.sections.push_back(write_section(section, state, offer_by));
    if (!is_media(section)) continue;
    if (bundle.empty()) {  // of the section that carries the bundle (RFC 9143 section 7.2); the others have no need
      out.sections.back().candidates = options_.candidates;
      out.sections.back().end_of_candidates = true;
    }
    bundle.push_back(section.mid);
  }
  if (!bundle.empty()) out.bundle_groups.push_back(std::move(bundle));
  return sdp::write(out);
}

sdp::MediaSection Negotiator::write_section(const Section& section, const State& state, Author offer_by) const {
  sdp::MediaSection out;
  out.kind = section.kind;
  out.other_kind = section.other_kind;
  out.protocol = section.protocol;
  out.mid = section.mid;
  if (!is_media(section)) {
    out.port = 0;
    out.formats = section.formats;
    out.codecs = section.codecs;
    out.direction = sdp::Direction::Inactive;
    return out;
  }
  const bool offering = offer_by == Author::Server;
  // An offer of ours is willing to receive wherever the client sends, and wherever it might begin to.
  const bool receives =
      section.receiving.has_value() || (offering && !section.by_server) || (offering && stable_.sections.empty());
  const bool sends = section.sending.has_value() && (offering || section.agreed_to_send);
  out.direction = receives ? (sends ? sdp::Direction::SendRecv : sdp::Direction::RecvOnly)
                           : (sends ? sdp::Direction::SendOnly : sdp::Direction::Inactive);
  out.codecs = section.codecs;
  out.extmaps = section.extensions;
  out.extmap_allow_mixed = section.mixed_extensions;
  out.rtcp_mux = true;
  out.rtcp_rsize = true;
  out.transport.ice_ufrag = state.ice_ufrag;
  out.transport.ice_pwd = state.ice_pwd;
  out.transport.fingerprints = {options_.fingerprint};
  const bool active = state.remote && state.remote->our_role == DtlsRole::Active;
  out.transport.setup = offering ? sdp::Setup::ActPass : active ? sdp::Setup::Active : sdp::Setup::Passive;
  for (const std::string& rid : section.rids) {
    out.rids.push_back({.id = rid, .direction = sdp::RidDirection::Recv, .payload_types = {}, .params = {}});
    out.simulcast.recv.push_back({{.rid = rid, .paused = false}});
  }
  if (sends) {
    const Sending& sending = *section.sending;
    const sdp::Msid msid{.stream = sending.stream, .track = "t" + std::to_string(sending.track.value())};
    out.msids.push_back(msid);
    out.ssrcs.push_back({.ssrc = sending.ssrc, .cname = sending.stream, .msid = msid});
    const bool has_rtx = std::ranges::any_of(section.codecs, [](const sdp::Codec& codec) { return codec.is("rtx"); });
    if (sending.rtx && has_rtx) {
      out.ssrcs.push_back({.ssrc = *sending.rtx, .cname = sending.stream, .msid = msid});
      out.ssrc_groups.push_back({.semantics = "FID", .ssrcs = {sending.ssrc, *sending.rtx}});
    }
  }
  return out;
}

}  // namespace zvonok::media
