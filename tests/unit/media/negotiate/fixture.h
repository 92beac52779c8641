// What the tests of negotiation share: numbers in order, golden descriptions, and a client of few words.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "media/negotiate/negotiator.h"

namespace zvonok::media {

class CountingIds final : public NegotiationIds {
 public:
  TrackId new_track() override { return TrackId{++tracks_}; }
  rtp::Ssrc new_ssrc() override { return rtp::Ssrc{++ssrcs_}; }
  Credentials new_credentials() override {
    ufrag = "fresh" + std::to_string(++credentials_);
    return {.ufrag = ufrag, .pwd = "abcdefghijklmnopqrstuvwx"};
  }

  std::string ufrag = "server";  // the last that was given

 private:
  std::uint64_t tracks_ = 1000;
  std::uint32_t ssrcs_ = 0;
  int credentials_ = 0;
};

inline Negotiator::Options test_options() {
  Negotiator::Options options;
  options.ice_ufrag = "server";
  options.ice_pwd = "abcdefghijklmnopqrstuvwx";
  options.fingerprint = {.algorithm = "sha-256", .digest = std::vector<std::uint8_t>(32, 7)};
  options.candidates = {"candidate:1 1 udp 2130706431 192.0.2.1 7000 typ host"};
  return options;
}

inline std::string golden(const std::string& name) {
  std::ifstream file{std::string{ZVONOK_SOURCE_DIR "/tests/golden/sdp/"} + name + ".sdp", std::ios::binary};
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline sdp::SessionDescription parsed(std::string_view text) {
  auto result = sdp::parse(text);
  EXPECT_TRUE(result.has_value()) << text;
  return result ? *result : sdp::SessionDescription{};
}

inline Negotiator::Wanted wanted(std::uint64_t track, Kind kind, Codec codec) {
  const bool audio = kind == Kind::Audio;
  return {.track = TrackId{track},
          .kind = kind,
          .stream = "alice",
          .codecs = {{.codec = codec,
                      .type = rtp::PayloadType{100},
                      .rtx = {},
                      .clock_rate = audio ? 48000U : 90000U,
                      .profile = codec == Codec::H264 ? "1" : ""}}};
}
inline Negotiator::Wanted audio_track(std::uint64_t track) {
  return wanted(track, Kind::Audio, Codec::Opus);
}
inline Negotiator::Wanted video_track(std::uint64_t track) {
  return wanted(track, Kind::Video, Codec::Vp8);
}

/// Payload types and header extension ids, each of which means one thing throughout a bundle (RFC 9143 section 9.1).
class Numbers {
 public:
  /// Not those that the server would choose: another order for each seed. 0: the same.
  explicit Numbers(unsigned seed = 0) {
    for (unsigned type = 96; type < 128; ++type) types_.push_back(static_cast<std::uint8_t>(type));
    for (unsigned id = 1; id < 15; ++id) ids_.push_back(static_cast<std::uint8_t>(id));
    if (seed == 0) return;
    std::mt19937 random{seed};
    std::ranges::shuffle(types_, random);
    std::ranges::shuffle(ids_, random);
    shuffled_ = true;
  }

  [[nodiscard]] std::vector<sdp::Codec> codecs(Kind kind) {
    std::vector<sdp::Codec> own = own_codecs(kind, default_video_preference());
    if (!shuffled_) return own;
    std::map<rtp::PayloadType, rtp::PayloadType> now;
    for (sdp::Codec& codec : own) {
      const rtp::PayloadType before = codec.payload_type;
      if (const auto apt = codec.apt()) codec.fmtp = "apt=" + text(now.at(*apt));
      if (codec.is("red")) codec.fmtp = text(now.begin()->second) + '/' + text(now.begin()->second);
      codec.payload_type = type_of(codec);
      now[before] = codec.payload_type;
    }
    return own;
  }
  [[nodiscard]] std::vector<sdp::ExtMap> extensions(Kind kind) {
    std::vector<sdp::ExtMap> own = own_extensions(kind);
    if (!shuffled_) return own;
    for (sdp::ExtMap& map : own) {
      const auto known = std::ranges::find(uris_, map.uri, &std::pair<const std::uint8_t, std::string>::second);
      map.id = known != uris_.end() ? known->first
                                    : *std::ranges::find_if(ids_, [&](std::uint8_t id) { return !uris_.contains(id); });
      uris_.emplace(map.id, map.uri);
    }
    return own;
  }
  /// Of a description that holds: no number means two things.
  void take(const sdp::SessionDescription& description) {
    for (const sdp::MediaSection& section : description.sections) {
      if (section.rejected()) continue;
      for (const sdp::ExtMap& map : section.extmaps) {
        EXPECT_EQ(uris_.emplace(map.id, map.uri).first->second, map.uri) << "id " << unsigned{map.id};
      }
      for (const sdp::Codec& codec : section.codecs) {
        EXPECT_EQ(codecs_.emplace(codec.payload_type, meaning(codec)).first->second, meaning(codec))
            << "type " << text(codec.payload_type);
        if (codec.is("red")) {
          EXPECT_TRUE(codec.fmtp.starts_with(text(section.codecs.at(0).payload_type))) << codec.fmtp;
        }
      }
    }
  }

 private:
  static std::string text(rtp::PayloadType type) { return std::to_string(unsigned{std::to_underlying(type)}); }
  static std::string meaning(const sdp::Codec& codec) { return codec.name + ' ' + codec.fmtp; }
  rtp::PayloadType type_of(const sdp::Codec& codec) {
    for (const auto& [type, known] : codecs_) {
      if (known == meaning(codec)) return type;
    }
    const rtp::PayloadType type{
        *std::ranges::find_if(types_, [&](std::uint8_t free) { return !codecs_.contains(rtp::PayloadType{free}); })};
    codecs_.emplace(type, meaning(codec));
    return type;
  }

  bool shuffled_ = false;
  std::vector<std::uint8_t> types_;  // in the order in which they are taken
  std::vector<std::uint8_t> ids_;
  std::map<rtp::PayloadType, std::string> codecs_;
  std::map<std::uint8_t, std::string> uris_;
};

/// A browser reduced to its transceivers. It offers what it is told and takes what it is offered.
class FakeClient {
 public:
  struct Transceiver {
    std::string mid;
    sdp::MediaKind kind = sdp::MediaKind::Audio;
    bool sends = false;
    bool receives = true;
    bool stopped = false;
    std::string track;  // what the server last said that it sends here; empty: nothing
  };

  std::vector<Transceiver> transceivers;
  std::string ufrag = "client1";

  FakeClient() = default;
  /// With other numbers than the server's.
  explicit FakeClient(unsigned seed) : numbers_{seed} {}

  void add(sdp::MediaKind kind, bool sends, bool receives = true) {
    transceivers.push_back({.mid = std::to_string(next_mid_++),
                            .kind = kind,
                            .sends = sends,
                            .receives = receives,
                            .stopped = false,
                            .track = {}});
  }

  [[nodiscard]] std::string offer() const {
    sdp::SessionDescription out = session();
    Numbers numbers = numbers_;  // until it is answered these are only a wish
    for (const Transceiver& t : transceivers) {
      out.sections.push_back(section(t, sdp::Setup::ActPass));
      out.sections.back().codecs = numbers.codecs(kind_of(t));
      out.sections.back().extmaps = numbers.extensions(kind_of(t));
    }
    return finish(out);
  }

  /// Takes the server's offer; sections that are new become transceivers which only receive.
  [[nodiscard]] std::string answer(std::string_view offer_text) {
    const sdp::SessionDescription offer = parsed(offer_text);
    check_continues(offer);
    numbers_.take(offer);
    sdp::SessionDescription out = session();
    for (std::size_t i = 0; i < offer.sections.size(); ++i) {
      const sdp::MediaSection& theirs = offer.sections[i];
      if (i == negotiated_) {  // the client's own that were not offered yet move back (RFC 9429 section 5.10)
        Transceiver added{.mid = theirs.mid,
                          .kind = theirs.kind,
                          .sends = false,
                          .receives = !refuses_new,
                          .stopped = false,
                          .track = {}};
        transceivers.insert(transceivers.begin() + static_cast<std::ptrdiff_t>(i), std::move(added));
        ++negotiated_;
      }
      Transceiver& t = transceivers[i];
      if (theirs.rejected()) t.stopped = true;
      sdp::MediaSection ours = section(t, sdp::Setup::Active);
      const bool sends = t.sends && sdp::receives(theirs.direction);
      const bool receives = t.receives && sdp::sends(theirs.direction);
      ours.direction = direction(sends, receives);
      ours.codecs = theirs.codecs;
      ours.extmaps = theirs.extmaps;
      t.track = receives && !t.stopped ? theirs.msids.at(0).track : "";
      out.sections.push_back(std::move(ours));
    }
    return finish(out);
  }

  void take_answer(std::string_view text) {
    const sdp::SessionDescription answer = parsed(text);
    ASSERT_EQ(answer.sections.size(), transceivers.size());
    negotiated_ = transceivers.size();
    check_continues(answer);
    numbers_.take(answer);
    for (std::size_t i = 0; i < transceivers.size(); ++i) {
      Transceiver& t = transceivers[i];
      const sdp::MediaSection& theirs = answer.sections[i];
      ASSERT_TRUE(!sdp::sends(theirs.direction) || t.receives) << text;
      ASSERT_TRUE(!sdp::receives(theirs.direction) || t.sends) << text;
      t.track = !theirs.rejected() && sdp::sends(theirs.direction) ? theirs.msids.at(0).track : "";
    }
  }

  bool refuses_new = false;

 private:
  static sdp::Direction direction(bool sends, bool receives) {
    if (sends) return receives ? sdp::Direction::SendRecv : sdp::Direction::SendOnly;
    return receives ? sdp::Direction::RecvOnly : sdp::Direction::Inactive;
  }

  void check_continues(const sdp::SessionDescription& theirs) const {
    ASSERT_GE(theirs.sections.size(), negotiated_);
    std::set<std::string> mids;
    for (std::size_t i = 0; i < theirs.sections.size(); ++i) {
      EXPECT_TRUE(mids.insert(theirs.sections[i].mid).second) << "a mid twice: " << theirs.sections[i].mid;
      if (i >= negotiated_) continue;
      EXPECT_EQ(theirs.sections[i].mid, transceivers[i].mid);
      EXPECT_EQ(theirs.sections[i].kind, transceivers[i].kind);
    }
  }

  static Kind kind_of(const Transceiver& t) { return t.kind == sdp::MediaKind::Audio ? Kind::Audio : Kind::Video; }
  static sdp::SessionDescription session() {
    sdp::SessionDescription out;
    out.origin.session_id = 1;
    return out;
  }
  static std::string finish(sdp::SessionDescription& out) {
    std::vector<std::string> bundle;
    for (const sdp::MediaSection& s : out.sections) {
      if (!s.rejected()) bundle.push_back(s.mid);
    }
    if (!bundle.empty()) out.bundle_groups = {bundle};
    return sdp::write(out);
  }
  [[nodiscard]] sdp::MediaSection section(const Transceiver& t, sdp::Setup setup) const {
    sdp::MediaSection out;
    out.kind = t.kind;
    out.mid = t.mid;
    out.port = t.stopped ? 0 : 9;
    out.rtcp_mux = true;
    out.direction = direction(t.sends, t.receives);
    out.transport = {.ice_ufrag = ufrag,
                     .ice_pwd = "abcdefghijklmnopqrstuvwx",
                     .ice_options = {},
                     .fingerprints = {{.algorithm = "sha-256", .digest = std::vector<std::uint8_t>(32, 9)}},
                     .setup = setup};
    return out;
  }

  Numbers numbers_;
  int next_mid_ = 0;
  std::size_t negotiated_ = 0;  // transceivers that have a section
};

}  // namespace zvonok::media
