// What the tests of negotiation share: numbers in order, golden descriptions, and a client of few words.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
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
    for (const Transceiver& t : transceivers) out.sections.push_back(section(t, sdp::Setup::ActPass));
    return finish(out);
  }

  /// Takes the server's offer; sections that are new become transceivers which only receive.
  [[nodiscard]] std::string answer(std::string_view offer_text) {
    const sdp::SessionDescription offer = parsed(offer_text);
    check_continues(offer);
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
    const Kind kind = t.kind == sdp::MediaKind::Audio ? Kind::Audio : Kind::Video;
    sdp::MediaSection out;
    out.kind = t.kind;
    out.mid = t.mid;
    out.port = t.stopped ? 0 : 9;
    out.codecs = own_codecs(kind, default_video_preference());
    out.extmaps = own_extensions(kind);
    out.rtcp_mux = true;
    out.direction = direction(t.sends, t.receives);
    out.transport = {.ice_ufrag = ufrag,
                     .ice_pwd = "abcdefghijklmnopqrstuvwx",
                     .ice_options = {},
                     .fingerprints = {{.algorithm = "sha-256", .digest = std::vector<std::uint8_t>(32, 9)}},
                     .setup = setup};
    return out;
  }

  int next_mid_ = 0;
  std::size_t negotiated_ = 0;  // transceivers that have a section
};

}  // namespace zvonok::media
