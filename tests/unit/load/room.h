// A room of this server in virtual time, for the participants of a load test: our negotiation and our media engine, one
// room, and a network that delays and, if told to, spoils what the server sends.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "load/participant.h"
#include "media/engine.h"
#include "media/negotiate/negotiator.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"
#include "support/seeded_entropy.h"

namespace zvonok::load {

struct Identity {
  dtls::Certificate certificate;
  dtls::Context context;
};
/// Made once: 0 is the server's, 1 all participants'.
const Identity& identity(std::size_t index);

class Room final : private media::PacketSink {
 public:
  using Bytes8 = std::vector<std::uint8_t>;
  enum class Fate : std::uint8_t { Arrives, Lost, Twice, Late };
  static constexpr Duration kDelay = milliseconds{5};

  explicit Room(std::uint64_t seed);
  ~Room() override;

  /// It joins at once. Gives its number.
  std::size_t add(ParticipantOptions options);
  [[nodiscard]] Participant& participant(std::size_t index) { return seats_[index]->participant; }
  void run_for(Duration duration);
  /// Time in which nobody does anything.
  void stand_still(Duration duration) { now_ += duration; }
  [[nodiscard]] const media::EngineCounters& counters() const { return engine_->counters(); }
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] static SourceOptions audio(std::uint32_t track);
  [[nodiscard]] static SourceOptions video(std::uint32_t track, unsigned packets_per_second);
  /// The layers of a simulcast, tracks `first_track` and the two after it.
  [[nodiscard]] static std::vector<SourceOptions> simulcast(std::uint32_t first_track);
  [[nodiscard]] static ParticipantOptions options(std::string name);

  Course course;
  /// What becomes of a datagram to participant `index`; may change its bytes.
  std::function<Fate(std::size_t index, Bytes8& bytes)> spoil;
  /// The same of one from participant `index` to the server; Late and Twice are not known here.
  std::function<Fate(std::size_t index, Bytes8& bytes)> spoil_up;
  /// Whether the server's media address answers.
  bool media_answers = true;
  /// Takes all that the server sends, in place of the network.
  media::PacketSink* instead = nullptr;
  /// Before (true) and after (false) the engine is given a datagram or time.
  std::function<void(bool begins)> at_engine;

 private:
  struct Seat final : Outlet {
    Seat(Room& room, std::size_t number, ParticipantOptions with);
    void send_text(std::string_view text) override;
    void use_server(const SocketAddress& server) override;
    MutableBytes claim() override { return buffer; }
    void commit(std::size_t size) override;

    Room& owner;
    std::size_t index;
    std::array<std::uint8_t, Outlet::kDatagramRoom> buffer{};
    std::deque<std::string> texts;  // for the server
    Participant participant;
    std::unique_ptr<media::Negotiator> negotiator;
    std::vector<media::ReceiveParameters> published;
  };
  struct Flight {
    TimePoint at{};
    std::size_t seat = 0;
    bool to_server = false;
    Bytes8 bytes;
  };
  class Ids;

  [[nodiscard]] MutableBytes claim(const ice::Path& path) override;
  void commit(const ice::Path& path, std::size_t size) override;
  void put(Flight flight);
  void serve(Seat& seat, std::string_view text);
  void agree(Seat& seat, const media::Negotiator::Agreed& agreed);
  void tell_what_is_wanted();
  void offer_all();
  void say(Seat& seat, std::string_view type, std::string_view sdp);
  void deliver();

  test::SeededEntropy entropy_;
  std::unique_ptr<Ids> ids_;
  TimePoint now_{seconds{1000}};
  std::array<std::uint8_t, kDatagramRoom> buffer_{};
  std::unique_ptr<media::Engine> engine_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::multimap<TimePoint, Flight> flights_;
};

}  // namespace zvonok::load
