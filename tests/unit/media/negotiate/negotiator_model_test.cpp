// Random transceivers, random tracks, random crossings, clients that yield and clients that do not: whatever happens,
// both sides come to agree.
#include <algorithm>
#include <map>
#include <random>

#include "fixture.h"

namespace zvonok::media {
namespace {

class Model {
 public:
  explicit Model(unsigned seed) : random_{seed}, server_{test_options(), ids_}, client_{seed % 2 == 0 ? seed : 0} {}

  void step() {
    switch (pick(9)) {
      case 0:
      case 1: add_track(); break;
      case 2:
      case 3: end_track(); break;
      case 4: change_transceivers(); break;
      case 5: client_offers(); break;
      case 6: server_offers(); break;
      case 7: cross(); break;
      case 8: restart(); break;
    }
  }

  void settle() {
    client_offers();
    int rounds = 0;
    while (server_.offer_needed() && rounds < 6) {
      ++rounds;
      server_offers();
    }
    ASSERT_FALSE(server_.offer_needed()) << "offers without end";
    for (const Negotiator::Wanted& want : wanted_) check(want);
    std::size_t carried = 0;
    for (const auto& t : client_.transceivers) carried += t.track.empty() ? 0U : 1U;
    EXPECT_EQ(carried, wanted_.size());
    EXPECT_EQ(last_.send.size(), wanted_.size());
    EXPECT_EQ(told_ufrag_, ids_.ufrag);
  }

 private:
  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>{0, n - 1}(random_); }

  void add_track() {
    if (wanted_.size() >= 12) return;
    wanted_.push_back(pick(2) == 0 ? audio_track(++tracks_) : video_track(++tracks_));
    server_.set_wanted(wanted_);
  }
  void end_track() {
    if (wanted_.empty()) return;
    wanted_.erase(wanted_.begin() + pick(static_cast<unsigned>(wanted_.size())));
    server_.set_wanted(wanted_);
  }
  void change_transceivers() {
    auto& all = client_.transceivers;
    if (all.size() < 24 && pick(2) == 0) {
      client_.add(pick(2) == 0 ? sdp::MediaKind::Audio : sdp::MediaKind::Video, pick(2) == 0);
    } else if (!all.empty()) {
      auto& t = all[pick(static_cast<unsigned>(all.size()))];
      if (pick(6) == 0 && all.size() < 200) {
        t.stopped = true;
      } else {
        t.sends = pick(2) == 0;
      }
    }
  }
  void restart() {
    if (pick(2) == 0) {
      server_.restart_ice();
    } else {
      client_.ufrag = "client" + std::to_string(++ufrags_ + 1);
    }
  }

  void client_offers() {
    const auto agreed = server_.on_offer(client_.offer());
    ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
    client_.take_answer(agreed->answer);
    note(*agreed);
    note_ufrag(agreed->answer);
  }
  void server_offers() {
    if (!server_.may_offer() || !server_.offer_needed()) return;
    const std::string offer = server_.make_offer();
    if (pick(10) == 0) {
      server_.withdraw_offer();
      return;
    }
    note_ufrag(offer);
    const auto agreed = server_.on_answer(client_.answer(offer));
    ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
    note(*agreed);
  }
  void cross() {
    if (!server_.may_offer() || !server_.offer_needed()) return;
    const std::string offer = server_.make_offer();
    const Politeness politeness = pick(2) == 0 ? Politeness::Polite : Politeness::Impolite;
    const auto answered = server_.on_offer(client_.offer(), politeness);
    ASSERT_TRUE(answered.has_value()) << to_text(answered.error());
    if (politeness == Politeness::Impolite) {
      check_same(parsed(offer), parsed(answered->answer));
      EXPECT_TRUE(server_.may_offer());
      client_.take_answer(answered->answer);
      note(*answered);
      note_ufrag(answered->answer);
      return;
    }
    EXPECT_TRUE(server_.crossing());
    EXPECT_FALSE(server_.may_offer());
    check_same(parsed(offer), parsed(answered->answer));
    if (pick(2) == 0) {
      const auto agreed = server_.on_answer(client_.answer(offer));
      ASSERT_TRUE(agreed.has_value()) << to_text(agreed.error());
      for (const ReceiveParameters& begun : answered->parameters.receive) {
        const auto same = std::ranges::find(agreed->parameters.receive, begun.mid, &ReceiveParameters::mid);
        const bool there = same != agreed->parameters.receive.end();
        EXPECT_TRUE(!there || same->track == begun.track) << begun.mid;
      }
      note(*agreed);
      note_ufrag(offer);
    } else {
      client_.take_answer(answered->answer);
      note(*answered);
      note_ufrag(answered->answer);
      server_.expire_yielded();
    }
    EXPECT_TRUE(server_.may_offer());
  }
  /// Whichever of the two the client takes: what comes in a section is the same.
  static void check_same(const sdp::SessionDescription& offer, const sdp::SessionDescription& answer) {
    for (const auto& ours : offer.sections) {
      const auto other = std::ranges::find(answer.sections, ours.mid, &sdp::MediaSection::mid);
      if (other == answer.sections.end() || ours.ssrcs.empty() || other->ssrcs.empty()) continue;
      EXPECT_EQ(ours.ssrcs[0].ssrc, other->ssrcs[0].ssrc) << ours.mid;
      EXPECT_EQ(ours.msids, other->msids) << ours.mid;
    }
  }
  void note_ufrag(const std::string& text) {
    for (const auto& section : parsed(text).sections) {
      if (!section.rejected()) told_ufrag_ = section.transport.ice_ufrag;
    }
  }
  void note(const Negotiator::Agreed& agreed) {
    last_ = agreed.parameters;
    std::set<rtp::Ssrc> now;
    for (const SendParameters& send : last_.send) {
      EXPECT_TRUE(now.insert(send.ssrc).second);
      EXPECT_TRUE(!send.rtx_ssrc || now.insert(*send.rtx_ssrc).second);
      const auto owner = owners_.emplace(send.ssrc, send.track).first->second;
      EXPECT_EQ(owner, send.track) << "an SSRC with a second track";
    }
  }
  void check(const Negotiator::Wanted& want) const {
    const std::string name = "t" + std::to_string(want.track.value());
    int sections = 0;
    std::string mid;
    for (const auto& t : client_.transceivers) {
      if (t.track != name) continue;
      ++sections;
      mid = t.mid;
    }
    EXPECT_EQ(sections, 1) << name;
    const auto sent = std::ranges::find(last_.send, want.track, &SendParameters::track);
    ASSERT_NE(sent, last_.send.end()) << name;
    EXPECT_EQ(sent->mid, mid);
    EXPECT_EQ(sent->kind, want.kind);
  }

  std::mt19937 random_;
  CountingIds ids_;
  Negotiator server_;
  FakeClient client_;
  std::vector<Negotiator::Wanted> wanted_;
  std::uint64_t tracks_ = 0;
  int ufrags_ = 0;
  PeerParameters last_;
  std::map<rtp::Ssrc, TrackId> owners_;
  std::string told_ufrag_;
};

TEST(NegotiatorModel, WhateverHappensBothSidesComeToAgree) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model{seed};
    for (int round = 0; round < 60; ++round) {
      model.step();
      if (round % 6 == 5) model.settle();
      if (testing::Test::HasFailure()) FAIL() << "round " << round;
    }
  }
}

}  // namespace
}  // namespace zvonok::media
