// A telephone in a room, on the media thread that the room is on: a guest of the engine that hears the mix of everybody
// else, and publishes the telephone's sound as Opus, which every browser takes.
//
// Threads: everything on the media thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "app/media/media_law.h"
#include "base/id.h"
#include "media/engine.h"
#include "media/phone/mix_to_line.h"
#include "media/phone/to_browser.h"
#include "net/loop.h"
#include "port/phone_audio.h"

namespace zvonok::app {

struct RoomLegCounters {
  media::phone::MixCounters to_line;
  media::phone::ToBrowserCounters to_room;
};

class RoomLeg final : public media::Guest, public port::PhoneEars {
 public:
  using TellDigit = std::function<void(ParticipantId telephone, char digit)>;
  /// All outlive it.
  struct Parts {
    net::Loop& loop;
    media::Engine& engine;
    const TellDigit& tell_digit;
  };
  RoomLeg(Parts parts, ParticipantId telephone);
  RoomLeg(const RoomLeg&) = delete;
  RoomLeg& operator=(const RoomLeg&) = delete;
  ~RoomLeg() override;

  /// In place of the line that was there.
  void attach(std::unique_ptr<port::PhoneLine> line);
  /// It was answered: before that it hears nothing, and is not heard. Once.
  void connect(RoomId room, TrackId track);
  void play(media::phone::Cue cue) { to_line_.play(cue); }
  [[nodiscard]] bool has_line() const { return line_ != nullptr; }
  void add_to(RoomLegCounters& sum) const;

  // What the room says.
  void on_audio(const media::Track& track, const media::MediaPacket& packet, TimePoint now) override;
  void on_track_ended(TrackId track) override { to_line_.remove(track); }

  // What the telephone says.
  void on_sound(TimePoint now, const port::PhoneSound& sound) override;
  void on_digit(TimePoint now, char digit) override;

 private:
  class Line final : public media::phone::MixToLine::Out {
   public:
    explicit Line(RoomLeg& leg) : leg_{leg} {}
    void on_sound(TimePoint now, const media::phone::Sound& sound) override;

   private:
    RoomLeg& leg_;
  };
  class Room final : public media::phone::ToBrowser::Out {
   public:
    explicit Room(RoomLeg& leg) : leg_{leg} {}
    void on_packet(TimePoint now, const media::MediaPacket& packet, rtp::PayloadType type) override;

   private:
    RoomLeg& leg_;
  };
  void arm();

  Parts parts_;
  ParticipantId telephone_;
  bool connected_ = false;
  std::uint8_t loudness_ = 127;  // of the newest sound
  Line line_end_{*this};
  Room room_end_{*this};
  media::phone::MixToLine to_line_{line_end_};
  media::phone::ToBrowser to_room_{room_end_};
  std::optional<net::Loop::TimerKey> timer_;
  std::unique_ptr<port::PhoneLine> line_;  // goes first: it may call until then
};

/// What a telephone in a room publishes.
[[nodiscard]] std::vector<media::CodecParameters> room_phone_codecs();

}  // namespace zvonok::app
