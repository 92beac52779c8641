// Offers and answers that are under way in both directions at once, and WebSockets that take some of them along:
// random clients, each polite or not, and each ends with all tracks heard on both sides.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>

#include "fixture.h"

namespace zvonok::media {
namespace {

struct Message {
  enum class Type : std::uint8_t { Offer, Answer, OfferRefused, AnswerRefused };
  Type type = Type::Offer;
  std::string sdp;
};

/// One client and what the server has of it, with the wire between them. Both do as docs/protocol/room.md says.
class Wire {
 public:
  explicit Wire(unsigned seed)
      : random_{seed},
        politeness_{seed % 2 == 0 ? Politeness::Polite : Politeness::Impolite},
        server_{test_options(), ids_},
        client_{seed % 4 < 2 ? seed : 0} {}

  void step() {
    switch (pick(12)) {
      case 0: return change_wanted();
      case 1: return change_transceivers();
      case 2: return client_offers();
      case 3:
      case 4: return offer_is_due();
      case 5: return crossing_is_over();
      case 6: return restart();
      case 7: return pick(4) == 0 ? lose_socket() : client_takes();
      case 8:
      case 9: return client_takes();
      default: return server_takes();
    }
  }

  void settle() {
    for (int round = 0; round < 40; ++round) {
      while (!up_.empty() || !down_.empty()) {
        server_takes();
        client_takes();
      }
      if (crossing_) {
        crossing_is_over();
      } else if (pick(2) == 0) {  // who yields may do so for ever when both offer in step
        offer_is_due();
      } else {
        client_offers();
      }
    }
    ASSERT_TRUE(up_.empty() && down_.empty() && !open_ && !changed_) << "they go on for ever";
    ASSERT_TRUE(server_.may_offer());
    ASSERT_FALSE(server_.offer_needed());
    check_heard();
  }

  [[nodiscard]] std::size_t ignored() const { return ignored_; }
  [[nodiscard]] std::size_t rolled_back() const { return rolled_back_; }
  [[nodiscard]] std::size_t refused() const { return refused_; }

 private:
  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>{0, n - 1}(random_); }

  // ---- the server
  // -----------------------------------------------------------------------------------------------------

  void change_wanted() {
    if (wanted_.size() < 8 && pick(3) != 0) {
      wanted_.push_back(pick(2) == 0 ? audio_track(++tracks_) : video_track(++tracks_));
    } else if (!wanted_.empty()) {
      wanted_.erase(wanted_.begin() + pick(static_cast<unsigned>(wanted_.size())));
    }
    server_.set_wanted(wanted_);
    offer_due_ = true;
  }
  void offer_is_due() {
    if (!offer_due_) return;
    offer_due_ = false;
    if (!server_.may_offer() || !server_.offer_needed()) return;
    last_offer_ = server_.make_offer();
    down_.push_back({Message::Type::Offer, last_offer_});
  }
  /// The server waits for longer than anything is under way.
  void crossing_is_over() {
    if (!crossing_ || !up_.empty() || !down_.empty()) return;
    crossing_ = false;
    server_.expire_yielded();
    offer_due_ = true;
  }
  void server_takes() {
    if (up_.empty()) return;
    const Message message = std::move(up_.front());
    up_.pop_front();
    const auto agreed = message.type == Message::Type::Offer ? take_offer(message.sdp) : server_.on_answer(message.sdp);
    if (message.type == Message::Type::Answer) {
      if (politeness_ == Politeness::Impolite) {
        ASSERT_TRUE(agreed.has_value()) << "what it answers was not voided: " << to_text(agreed.error());
      }
      if (!agreed) return down_.push_back({Message::Type::AnswerRefused, {}});
      crossing_ = false;
    }
    if (!agreed) return;
    note(*agreed);
    offer_due_ = true;
  }
  Result<Negotiator::Agreed, NegotiationError> take_offer(const std::string& sdp) {
    const bool crosses = server_.offer_outstanding();
    const bool may_offer = server_.may_offer();
    auto agreed = server_.on_offer(sdp, politeness_);
    if (politeness_ == Politeness::Impolite) {
      crossing_ = false;
      EXPECT_TRUE(server_.may_offer());
    } else if (agreed && crosses) {
      crossing_ = true;
    }
    if (!agreed && politeness_ == Politeness::Impolite && !may_offer) offer_due_ = true;
    down_.push_back(agreed ? Message{Message::Type::Answer, agreed->answer} : Message{Message::Type::OfferRefused, {}});
    return agreed;
  }
  void note(const Negotiator::Agreed& agreed) {
    last_ = agreed.parameters;
    for (const SendParameters& send : last_.send) {
      EXPECT_EQ(owners_.emplace(send.ssrc, send.track).first->second, send.track) << "an SSRC with a second track";
    }
  }

  // ---- the client
  // -----------------------------------------------------------------------------------------------------

  void change_transceivers() {
    if (open_) return;
    auto& all = client_.transceivers;
    if (all.size() < 6 && pick(2) == 0) {
      client_.add(pick(2) == 0 ? sdp::MediaKind::Audio : sdp::MediaKind::Video, true, false);
    } else if (!all.empty()) {
      auto& t = all[pick(static_cast<unsigned>(all.size()))];
      if (!t.receives) t.sends = !t.sends;  // those of the server's only receive
    }
    changed_ = true;
  }
  void restart() {
    if (pick(2) == 0) {
      server_.restart_ice();
      offer_due_ = true;
    } else if (!open_) {
      client_.ufrag = "client" + std::to_string(++ufrags_ + 1);
      changed_ = true;
    }
  }
  void client_offers() {
    if (open_ || !changed_ || client_.transceivers.empty()) {
      changed_ = changed_ && !client_.transceivers.empty();
      return;
    }
    changed_ = false;
    open_ = true;
    up_.push_back({Message::Type::Offer, pick(12) == 0 ? "nonsense" : client_.offer()});
  }
  void client_takes() {
    if (down_.empty()) return;
    const Message message = std::move(down_.front());
    down_.pop_front();
    switch (message.type) {
      case Message::Type::Offer: return client_takes_offer(message.sdp);
      case Message::Type::Answer:
        if (void_answers_ > 0) {
          --void_answers_;
        } else if (std::exchange(open_, false)) {
          client_.take_answer(message.sdp);
        }
        return;
      case Message::Type::OfferRefused:
        ++refused_;
        if (void_answers_ > 0) {
          --void_answers_;
        } else {
          open_ = false;
          changed_ = true;
        }
        return;
      case Message::Type::AnswerRefused: return;
    }
  }
  void client_takes_offer(const std::string& sdp) {
    if (open_ && politeness_ == Politeness::Impolite) {
      ++ignored_;
      return;
    }
    if (open_) {
      ++rolled_back_;
      ++void_answers_;
      open_ = false;
      changed_ = true;
    }
    up_.push_back({Message::Type::Answer, client_.answer(sdp)});
  }

  // ---- both
  // -----------------------------------------------------------------------------------------------------------

  /// What is under way is lost. Over the next WebSocket both say again what is not answered. Of clients that yield none
  /// is tried so: when the answer to ours is lost, the server holds an offer that such a client has rolled back.
  void lose_socket() {
    if (politeness_ == Politeness::Polite) return;
    up_.clear();
    down_.clear();
    void_answers_ = 0;
    if (server_.offer_outstanding()) {
      down_.push_back({Message::Type::Offer, last_offer_});
    } else {
      server_.offer_again();
      offer_due_ = true;
    }
    if (open_) up_.push_back({Message::Type::Offer, client_.offer()});
  }

  void check_heard() const {
    for (const Negotiator::Wanted& want : wanted_) {
      const std::string name = "t" + std::to_string(want.track.value());
      const auto sent = std::ranges::find(last_.send, want.track, &SendParameters::track);
      ASSERT_NE(sent, last_.send.end()) << name << " is not sent";
      const auto heard = std::ranges::find(client_.transceivers, name, &FakeClient::Transceiver::track);
      ASSERT_NE(heard, client_.transceivers.end()) << name << " is not heard";
      EXPECT_EQ(heard->mid, sent->mid);
    }
    EXPECT_EQ(last_.send.size(), wanted_.size());
    std::size_t sends = 0;
    for (const FakeClient::Transceiver& t : client_.transceivers) {
      if (!t.sends) continue;
      ++sends;
      EXPECT_NE(std::ranges::find(last_.receive, t.mid, &ReceiveParameters::mid), last_.receive.end())
          << t.mid << " of the client's is not heard";
    }
    EXPECT_EQ(last_.receive.size(), sends);
  }

  std::mt19937 random_;
  Politeness politeness_;
  CountingIds ids_;
  Negotiator server_;
  FakeClient client_;
  std::deque<Message> up_;
  std::deque<Message> down_;
  std::vector<Negotiator::Wanted> wanted_;
  std::uint64_t tracks_ = 0;
  int ufrags_ = 0;
  bool offer_due_ = true;
  bool crossing_ = false;  // an answer of a client that yields is waited for
  std::string last_offer_;
  PeerParameters last_;
  std::map<rtp::Ssrc, TrackId> owners_;
  bool open_ = false;     // an offer of the client's is unanswered
  bool changed_ = false;  // it has something to offer
  std::size_t void_answers_ = 0;
  std::size_t ignored_ = 0;
  std::size_t rolled_back_ = 0;
  std::size_t refused_ = 0;
};

TEST(NegotiatorWire, PoliteOrNotEveryClientEndsWithAllTracksHeard) {
  std::size_t ignored = 0;
  std::size_t rolled_back = 0;
  std::size_t refused = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Wire wire{seed};
    for (int round = 0; round < 120; ++round) {
      wire.step();
      if (round % 30 == 29) wire.settle();
      if (testing::Test::HasFailure()) FAIL() << "round " << round;
    }
    ignored += wire.ignored();
    rolled_back += wire.rolled_back();
    refused += wire.refused();
  }
  EXPECT_GT(ignored, 100U);
  EXPECT_GT(rolled_back, 100U);
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace zvonok::media
