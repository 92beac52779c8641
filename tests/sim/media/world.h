// One media engine, participants around it, and a network between them, in virtual time. Every datagram of the engine
// is looked at by a Tap.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "media/engine.h"
#include "sim/media/client.h"
#include "sim/media/tap.h"
#include "support/net_sim.h"

namespace zvonok::sim {

/// The three encodings that browsers make of 720 lines.
[[nodiscard]] std::vector<Client::Layer> simulcast();
/// One stream without rid.
[[nodiscard]] std::vector<Client::Layer> single(std::int64_t bitrate_bps = 1'000'000);
[[nodiscard]] test::LinkProfile clean();

class World final : private media::PacketSink {
 public:
  struct Joining {
    std::uint32_t room = 1;
    bool audio = true;
    std::vector<Client::Layer> layers{};  // none: no video
    test::LinkProfile up = clean();
    test::LinkProfile down = clean();
    bool sends_transport_feedback = true;
    bool sends_nacks = true;
    bool sends_keyframe_requests = true;
    bool video_section_first = false;
  };
  explicit World(std::uint64_t seed);
  ~World() override;

  /// Gives the participant's number, from 1 on.
  std::uint64_t join(const Joining& joining);
  void leave(std::uint64_t peer);
  void publish(std::uint64_t peer, bool audio, std::vector<Client::Layer> layers);
  void stop_publishing(std::uint64_t peer);
  /// Tells the engine again what holds for all of the room.
  void configure_room(std::uint32_t room);
  void configure(std::uint64_t peer);
  /// The client restarts ICE; the server does, too, as the negotiator has it.
  void restart_ice(std::uint64_t peer);
  void reload(std::uint64_t peer);
  void mute(std::uint32_t track, bool muted);
  /// What that participant publishes may be garbage from now on.
  void distrust(std::uint64_t peer);
  void view(std::uint64_t peer, std::uint32_t track, std::uint16_t height);
  /// A datagram from anywhere.
  /// `owner`: whose peer the answers are of, if any are sent there.
  void inject(std::uint32_t ip, std::uint16_t port, std::vector<std::uint8_t> bytes, std::uint64_t owner = 0);
  /// Names a track of anybody's among those that `peer` gets.
  void also_send(std::uint64_t peer, std::uint32_t track, media::Kind kind);

  void run_for(Duration duration);
  [[nodiscard]] TimePoint now() const { return now_; }

  struct Member {
    std::uint64_t id = 0;
    Joining joining;
    ice::Credentials server;
    std::unique_ptr<Client> client;
    std::unique_ptr<test::Link> up;
    std::unique_ptr<test::Link> down;
    std::uint32_t audio_track = 0;
    std::uint32_t video_track = 0;
    std::vector<Client::Layer> layers;
    std::map<std::uint32_t, media::SendParameters> gets;  // by track
    std::uint64_t up_bytes = 0;
    std::vector<std::vector<std::uint8_t>> recorded;  // of what it sent, when `record`
    bool record = false;
  };
  [[nodiscard]] Member& member(std::uint64_t peer) { return *members_.at(peer); }
  [[nodiscard]] Client& client(std::uint64_t peer) { return *members_.at(peer)->client; }
  [[nodiscard]] media::Engine& engine() { return *engine_; }
  [[nodiscard]] Tap& tap() { return tap_; }
  [[nodiscard]] const std::vector<media::Event>& events() const { return events_; }
  /// In how many steps something of the engine was due.
  [[nodiscard]] std::uint64_t timeouts() const { return timeouts_; }
  [[nodiscard]] static std::uint32_t ip_of(std::uint64_t peer) {
    return 0x0A000000U + static_cast<std::uint32_t>(peer);
  }

  // ---- judgements ----
  /// Everything that must never be; empty when all is well.
  [[nodiscard]] std::string violations();
  struct Audio {
    std::size_t sent = 0;
    std::size_t received = 0;
    Duration worst_delay{};
    [[nodiscard]] double loss() const {
      return sent == 0 ? 1 : 1 - static_cast<double>(received) / static_cast<double>(sent);
    }
  };
  /// Of what `from` sent in [begin, end) and `to` got.
  [[nodiscard]] Audio audio(std::uint64_t from, std::uint64_t to, TimePoint begin, TimePoint end);
  /// The longest time without a new picture of the publisher within [begin, end].
  [[nodiscard]] Duration freeze(std::uint64_t from, std::uint64_t to, TimePoint begin, TimePoint end);
  /// Pictures decoded within [begin, end), of one layer or of all.
  [[nodiscard]] std::size_t pictures(std::uint64_t from, std::uint64_t to, TimePoint begin, TimePoint end,
                                     int layer = -1);
  /// The layer of the newest picture; -1: none.
  [[nodiscard]] int layer(std::uint64_t from, std::uint64_t to);
  /// The first picture of that layer (and higher, unless `exact`) behind `after`.
  [[nodiscard]] std::optional<TimePoint> first_of_layer(std::uint64_t from, std::uint64_t to, int layer,
                                                        TimePoint after);
  [[nodiscard]] std::string story(std::uint64_t from, std::uint64_t to);

 private:
  [[nodiscard]] MutableBytes claim(const ice::Path& path) override;
  void commit(const ice::Path& path, std::size_t size) override;
  void deliver_uplinks(TimePoint until);
  void handle(TimePoint at, const ice::Path& path, std::vector<std::uint8_t> bytes);
  void turn(TimePoint at);
  [[nodiscard]] media::PeerParameters parameters(const Member& member) const;
  media::SendParameters& sending(Member& to, std::uint32_t track, media::Kind kind);

  std::uint64_t seed_;
  Random random_;
  RandomEntropy entropy_;
  TimePoint now_{seconds{1000}};
  std::unique_ptr<media::Engine> engine_;
  Tap tap_;
  std::map<std::uint64_t, std::unique_ptr<Member>> members_;
  std::map<std::uint32_t, std::uint64_t> strangers_;  // whose packets go to these addresses
  std::uint64_t next_peer_ = 0;
  std::uint32_t next_track_ = 0;
  std::uint32_t next_ssrc_ = 1000;
  std::array<std::uint8_t, kDatagramRoom> room_{};
  std::vector<media::Event> events_;
  std::uint64_t timeouts_ = 0;
  std::set<std::uint32_t> distrusted_;
  bool uplinks_keep_all_ = true;  // and its order
  std::vector<std::string> left_wrong_;
};

}  // namespace zvonok::sim
