// The browser's side of phone calls on the media threads: a call is a room of two there, the browser and the telephone
// (app/media/phone_legs.h). Offers and answers are made and read here; there is one audio section, G.711 first, since
// that is what telephones speak. Belongs to the control thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/histogram.h"
#include "app/media/media_shards.h"
#include "app/phone/browser_legs.h"
#include "base/entropy.h"
#include "base/log.h"
#include "proto/ice/credentials.h"
#include "proto/sdp/sdp.h"

namespace zvonok::app {

class MediaLegs final : public BrowserLegs {
 public:
  MediaLegs(Entropy& entropy, Logger& log) : entropy_{entropy}, log_{log} {}

  /// Before any call. `candidates` are those of each media thread.
  void attach(MediaShards& shards, sdp::Fingerprint fingerprint, std::vector<std::vector<std::string>> candidates);
  /// What the media threads tell; most of it is of others.
  void on_media_events(const std::vector<media::Event>& events);
  void on_phone_digit(ParticipantId telephone, char digit);

  void on_event(Events tell) override { tell_ = std::move(tell); }
  [[nodiscard]] std::string open(const CallId& call) override;
  [[nodiscard]] std::string offer_of(const CallId& call) const override;
  void take_answer(const CallId& call, const std::string& sdp) override;
  std::string restart_ice(const CallId& call) override;
  void attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line) override;
  void set_mute(const CallId& call, call::phone::Switch to) override;
  void set_hold(const CallId& call, call::phone::Switch to) override;
  void close(const CallId& call) override;

  struct Counters {
    std::uint64_t connected = 0;  // legs that came to be connected, each time
    std::uint64_t lost = 0;       // that were given up
    // Of each connected browser, once in Engine::kStatisticsInterval.
    Histogram<8> score{{1.5, 2, 2.5, 3, 3.5, 4, 4.2, 4.4}};
    Histogram<9> round_trip_seconds{{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2}};
    Histogram<8> jitter_seconds{{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2}};
    Histogram<8> loss{{0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5}};
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Leg {
    CallId call;
    std::size_t shard = 0;
    std::uint64_t number = 0;  // of its peer, telephone, room and tracks
    std::uint64_t session = 0;
    std::uint64_t version = 1;
    ice::Credentials local;
    rtp::Ssrc ssrc{};   // of what the browser gets
    std::string cname;  // likewise
    std::string offer;
    std::optional<media::Transport::Remote> remote;
  };
  [[nodiscard]] ParticipantId browser_of(const Leg& leg) const;
  [[nodiscard]] ParticipantId telephone_of(const Leg& leg) const;
  [[nodiscard]] Leg* find(const CallId& call);
  [[nodiscard]] std::string make_offer(const Leg& leg) const;
  [[nodiscard]] std::size_t place() const;
  void on_event(const media::PeerStateChanged& event);
  void on_event(const media::StatisticsTaken& event);
  void with_telephone(const Leg& leg, std::move_only_function<void(PhoneLegs&, ParticipantId)> task);

  Entropy& entropy_;
  Logger& log_;
  Events tell_;
  MediaShards* shards_ = nullptr;
  sdp::Fingerprint fingerprint_;
  std::vector<std::vector<std::string>> candidates_;
  std::vector<std::size_t> shard_use_;  // legs on each media thread
  std::uint64_t next_number_ = 0;
  std::unordered_map<CallId, Leg> legs_;
  std::unordered_map<std::uint64_t, CallId> by_number_;
  Counters counters_;
};

}  // namespace zvonok::app
