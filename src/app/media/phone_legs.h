// Phone calls on one media thread. A telephone in a room is a RoomLeg; every other call is a room of two, the browser's
// peer and the telephone as a guest of the engine, and between the telephone's line (port/phone_audio.h) and the guest
// what makes the one's sound the other's.
//
// Threads: everything happens on the media thread; MediaShard brings calls here.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "app/media/room_leg.h"
#include "base/id.h"
#include "media/engine.h"
#include "media/phone/to_browser.h"
#include "media/phone/to_line.h"
#include "net/loop.h"
#include "port/phone_audio.h"

namespace zvonok::app {

struct PhoneLegCounters {
  std::uint64_t legs = 0;   // now
  std::uint64_t lines = 0;  // likewise
  media::phone::ToLineCounters to_line;
  media::phone::ToBrowserCounters to_browser;
  std::uint64_t in_rooms = 0;  // of `legs`
  RoomLegCounters rooms;
  std::uint64_t without_line = 0;  // sounds of browsers whose telephone has none yet, or none any more
};

class PhoneLegs {
 public:
  /// A digit of the telephone that is this guest.
  using TellDigit = std::function<void(ParticipantId telephone, char digit)>;
  PhoneLegs(net::Loop& loop, media::Engine& engine, TellDigit tell_digit);
  PhoneLegs(const PhoneLegs&) = delete;
  PhoneLegs& operator=(const PhoneLegs&) = delete;
  ~PhoneLegs();

  struct Seat {
    ParticipantId telephone;  // new
    RoomId room;
    TrackId track;  // of the telephone's sound
  };
  void open(const Seat& seat);
  // All of the following ignore telephones that are not there.
  /// What the browser takes.
  void set_taken(ParticipantId telephone, const std::vector<media::CodecParameters>& taken);
  /// In place of the line that was there.
  void attach(ParticipantId telephone, std::unique_ptr<port::PhoneLine> line);
  /// The telephone hears silence.
  void set_mute(ParticipantId telephone, bool on);
  /// Both hear silence.
  void set_hold(ParticipantId telephone, bool on);
  void close(ParticipantId telephone);

  /// A telephone that is called into a room. Its line is attached and it is closed as above.
  void open_in_room(ParticipantId telephone);
  /// It was answered.
  void connect(const Seat& seat);
  void play(ParticipantId telephone, media::phone::Cue cue);

  /// Of those that have gone as well.
  [[nodiscard]] PhoneLegCounters counters() const;

 private:
  class Leg;
  [[nodiscard]] Leg* find(ParticipantId telephone);

  net::Loop& loop_;
  media::Engine& engine_;
  TellDigit tell_digit_;
  std::unordered_map<ParticipantId, std::unique_ptr<Leg>> legs_;
  std::unordered_map<ParticipantId, std::unique_ptr<RoomLeg>> in_rooms_;
  PhoneLegCounters gone_;
};

}  // namespace zvonok::app
