// Users that enter, leave, drop, come back, moderate and publish at random, and a media plane that fails at random.
// Every step is checked by the invariants.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "call/room_engine.h"
#include "room_invariants.h"
#include "sim/call/sim_random.h"

namespace zvonok::sim {

enum class Trace { Off, On };

class RoomWorld {
 public:
  RoomWorld(std::uint64_t seed, Trace trace);
  /// The whole run. Throws Violation.
  void run();
  [[nodiscard]] const RoomTally& tally() const { return invariants_.tally(); }
  [[nodiscard]] const std::string& trace() const { return trace_text_; }

 private:
  struct Socket {
    ConnectionId id;
    call::RoomKey room;
    UserId user;
  };
  static call::RoomOptions make_options(Random& random);
  void step();
  void open();
  void drop();
  void say_something();
  void moderate();
  void media_happens();
  void phones_happen();
  /// What the engine asked of whoever calls telephones.
  void answer_asked();
  void pass_time();
  void let_pass(Duration duration);
  void finish();
  Socket* any_socket();
  call::SessionId any_session(const call::RoomKey& room);
  call::SessionId any_target(const call::RoomKey& room);
  call::JoinEncryption any_encryption();
  std::optional<ParticipantId> any_stay();

  void tell(const std::string& line, call::RoomCommand command, std::optional<ConnectionId> acting);
  void note(const std::string& line);
  void note_effects(const call::RoomEffects& effects);

  Random random_;
  bool tracing_;
  std::string trace_text_;
  RandomEntropy entropy_;
  call::Rooms engine_;
  RoomInvariants invariants_;
  std::vector<call::RoomKey> keys_;
  std::vector<UserId> users_;
  std::vector<Socket> sockets_;
  std::vector<TrackId> tracks_;
  std::vector<call::CallPhone> asked_;
  std::uint64_t next_call_ = 1;
  Now now_{.mono = TimePoint{hours{1}}, .wall = wall_from_unix_milliseconds(1'700'000'000'000)};
  std::uint64_t next_connection_ = 1;
  std::uint64_t next_track_ = 1;
};

}  // namespace zvonok::sim
