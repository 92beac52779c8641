// Offers and answers of one participant's peer connection (RFC 3264, RFC 9429), on the server's side. Sans-IO and a
// value: what was agreed, what is offered, and what the participant is to get.
//
// Either side may offer at any time. When offers cross, the client's is answered, always, so that stacks without
// rollback go on. Those that yield instead answer ours a moment later: that answer is then what holds, and what
// was agreed by ours is taken back but for tracks that go on (`expire_yielded` ends the wait for it). The two outcomes
// can't both happen at one client: whoever answered our offer has rolled its own back. What both send in one section is
// the same, SSRC for SSRC: packets come by the first of them before the client has taken the second, and a receiver
// whose SSRC changes then stays silent in Chromium if its frames are transformed (the stream that goes takes the
// other's callback along).
//
// A client may say with an offer that it does not yield (Politeness::Impolite, W3C WebRTC "perfect negotiation"): then
// nothing is waited for. Whatever of ours is unanswered is void, and can be offered anew as soon as the answer is made.
//
// m-sections are never removed and never change their kind. One whose track has ended is inactive for a round before
// it takes another track: then browsers announce the new one as they announced the first.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "media/negotiate/codecs.h"
#include "media/parameters.h"
#include "proto/sdp/sdp.h"

namespace zvonok::media {

/// Gives numbers that are used once: of tracks for the whole server, of SSRCs for one participant.
class NegotiationIds {
 public:
  virtual ~NegotiationIds() = default;
  virtual TrackId new_track() = 0;
  /// Never 0, never one that this participant had before.
  virtual rtp::Ssrc new_ssrc() = 0;
  struct Credentials {
    std::string ufrag;
    std::string pwd;
  };
  /// For an ICE restart: the transport takes them at once, and the next description has them.
  virtual Credentials new_credentials() = 0;
};

enum class DtlsRole : std::uint8_t { Passive, Active };

/// Of an offer of the client's: whether one of ours that it crosses may be answered yet. Impolite: what the client
/// answered came before that offer, and it looks at no offer of ours before it has the answer to its own.
enum class Politeness : std::uint8_t { Polite, Impolite };

enum class NegotiationError : std::uint8_t {
  Malformed,       // not SDP
  Incompatible,    // sections that don't continue those before
  NewConnection,   // an offer of another RTCPeerConnection than before: everything is to begin anew
  NoTransport,     // no ICE credentials or no fingerprint
  NothingOffered,  // an answer without an offer
};
[[nodiscard]] std::string_view to_text(NegotiationError error);

class Negotiator {
 public:
  struct Options {
    std::uint64_t session_id = 1;
    std::string ice_ufrag;
    std::string ice_pwd;
    sdp::Fingerprint fingerprint;
    std::vector<std::string> candidates;  // `candidate:...`, without the attribute's name
    VideoPreference video = default_video_preference();
    std::size_t sections_max = 512;
    std::size_t receive_max = 16;  // tracks that this participant may publish
  };
  /// A track of somebody else that this participant is to get.
  struct Wanted {
    TrackId track;
    Kind kind = Kind::Audio;
    std::string stream;                   // of the publisher: groups its tracks (msid, cname); a token
    std::vector<CodecParameters> codecs;  // what the publisher may send; at least one must be taken by the receiver
    friend bool operator==(const Wanted&, const Wanted&) = default;
  };
  struct Remote {
    std::string ice_ufrag;
    std::string ice_pwd;
    std::vector<sdp::Fingerprint> fingerprints;
    DtlsRole our_role = DtlsRole::Passive;
    friend bool operator==(const Remote&, const Remote&) = default;
  };
  /// What holds after an offer was answered or an answer taken.
  struct Agreed {
    std::string answer;  // to send; empty when an answer was taken
    PeerParameters parameters;
    Remote remote;
  };

  Negotiator(Options options, NegotiationIds& ids);

  /// Of an impolite offer that is an error nothing holds, but all of ours are void as well: the client has not looked
  /// at them. If there were any, an offer is needed.
  [[nodiscard]] Result<Agreed, NegotiationError> on_offer(std::string_view text,
                                                          Politeness politeness = Politeness::Polite);
  /// An answer is taken to be about the newest unanswered offer whose sections it has. About one that is void:
  /// NothingOffered, or Incompatible, unless a later one with the same sections is out.
  [[nodiscard]] Result<Agreed, NegotiationError> on_answer(std::string_view text);

  void set_wanted(std::vector<Wanted> wanted);
  /// Our side restarts ICE with the next offer.
  void restart_ice() { restart_wanted_ = true; }
  /// The other side may have lost what was agreed: an offer is needed, whatever it says.
  void offer_again() { again_ = true; }

  /// Whether what is wanted differs from what is agreed. While an offer is out, or one of ours may still be answered
  /// after a crossing, nothing is to be offered.
  [[nodiscard]] bool offer_needed() const;
  [[nodiscard]] bool may_offer() const { return !offered_ && !yielded_; }
  /// Only when `may_offer`.
  [[nodiscard]] std::string make_offer();
  [[nodiscard]] bool offer_outstanding() const { return offered_.has_value(); }
  [[nodiscard]] bool crossing() const { return yielded_.has_value(); }
  /// Our offer that crossed the client's will not be answered any more.
  void expire_yielded() { drop(yielded_); }
  /// Our offer got no answer in time: it may be made again.
  void withdraw_offer() { drop(offered_); }

  /// Whether anything was agreed yet.
  [[nodiscard]] bool established() const { return stable_.remote.has_value(); }

 private:
  struct Sending {
    TrackId track;
    std::string stream;
    rtp::Ssrc ssrc{};
    std::optional<rtp::Ssrc> rtx;
    friend bool operator==(const Sending&, const Sending&) = default;
  };
  struct Section {
    std::string mid;
    sdp::MediaKind kind = sdp::MediaKind::Audio;
    std::string other_kind;
    std::string protocol;
    std::vector<std::string> formats;
    bool rejected = false;
    bool by_server = false;  // began in an offer of ours
    bool mixed_extensions = false;
    std::vector<sdp::Codec> codecs;
    std::vector<sdp::ExtMap> extensions;
    std::optional<TrackId> receiving;  // the client sends here
    std::vector<std::string> rids;     // of its simulcast
    std::vector<SsrcPair> ssrcs;       // it announced
    std::optional<Sending> sending;
    bool agreed_to_send = false;  // the client has taken what `sending` says
    bool resting = false;         // had a track in the last description, and has none now
    bool refused = false;         // the client answered that it wants nothing here
  };
  struct State {
    std::vector<Section> sections;
    std::optional<Remote> remote;
    std::string ice_ufrag;  // ours
    std::string ice_pwd;
    std::string remote_session;  // of the o= line: of one RTCPeerConnection
    // Numbers of the client's, also of what was not accepted: they mean one thing throughout a bundle.
    std::map<std::string, std::uint8_t> extension_ids;  // by URI, of those we know
    std::set<std::uint8_t> extension_ids_taken;
    std::set<rtp::PayloadType> payload_types;
    bool restarts = false;  // an offer of ours that restarts ICE
  };

  enum class Author : std::uint8_t { Client, Server };
  enum class Restarted : std::uint8_t { No, Yes };

  [[nodiscard]] bool is_media(const Section& section) const {
    return !section.rejected && (section.kind == sdp::MediaKind::Audio || section.kind == sdp::MediaKind::Video);
  }
  [[nodiscard]] static Kind kind_of(const Section& section);
  [[nodiscard]] Result<Agreed, NegotiationError> take_offer(std::string_view text, Politeness politeness);
  [[nodiscard]] std::optional<NegotiationError> take_remote(State& state, const sdp::SessionDescription& description,
                                                            Author offer_by) const;
  void take_sections(State& state, const sdp::SessionDescription& description, Author offer_by);
  void take_section(Section& section, const sdp::MediaSection& theirs, Author offer_by, std::size_t& receiving);
  void reject(Section& section, Author offer_by);
  void refuse(Section& section);
  static void take_sources(Section& section, const sdp::MediaSection& theirs);
  /// An offer that came to nothing; a restart it was made for is still wanted. A slow client may answer it yet.
  void drop(std::optional<State>& offer);
  /// Nobody will answer an offer of ours that was made before now. `restarted`: the client has restarted ICE meanwhile,
  /// so that a restart of ours is not needed any more.
  void void_offers(Restarted restarted);
  /// Which of our offers an answer is to, by its sections; null when it fits none.
  [[nodiscard]] const State* answered_by(const sdp::SessionDescription& description) const;
  /// Lets go of what is not wanted any more, and gives wanted tracks to sections without one.
  void assign(State& state, Author offer_by);
  [[nodiscard]] bool can_take(const Section& section, const Wanted& wanted) const;
  /// As an offer of ours that may be answered yet says it, if it does.
  void begin_sending(Section& section, const Wanted& wanted);
  /// An offer that may be answered yet sends another track there.
  [[nodiscard]] bool is_promised(const Section& section, TrackId but) const;
  /// What that offer sends there; null: nothing.
  [[nodiscard]] static const Sending* said_of(const State& offer, const Section& section);
  [[nodiscard]] Section new_section(Kind kind, std::size_t index) const;
  [[nodiscard]] std::string write(const State& state, Author offer_by);
  [[nodiscard]] sdp::MediaSection write_section(const Section& section, const State& state, Author offer_by) const;
  /// The newest credentials are those of `options_`: the transport has them.
  void renew_credentials(State& state);
  [[nodiscard]] std::vector<sdp::Codec> codecs_to_offer(Kind kind) const;
  /// Those that `codecs` has not, by numbers that are not `taken` yet.
  void add_own_codecs(std::vector<sdp::Codec>& codecs, Kind kind, std::set<rtp::PayloadType>& taken) const;
  [[nodiscard]] std::vector<sdp::ExtMap> extensions_to_offer(Kind kind) const;
  [[nodiscard]] Agreed agreed(std::string answer) const;

  Options options_;
  NegotiationIds& ids_;
  std::vector<Wanted> wanted_;
  std::vector<TrackId> refused_;  // offered, and answered with a section that does not receive
  State stable_;
  std::optional<State> offered_;  // our offer, unanswered
  std::optional<State> yielded_;  // our offer that crossed one of the client's
  std::vector<State> abandoned_;  // offers that were given up, the newest last: kAbandonedMax
  bool restart_wanted_ = false;
  bool again_ = false;
  std::uint64_t version_ = 0;
};

}  // namespace zvonok::media
