#include "app/media/phone_legs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/media/media_law.h"
#include "app/media/sum_counters.h"
#include "media/phone/sound.h"

namespace zvonok::app {

/// One call.
class PhoneLegs::Leg final : public media::Guest, public port::PhoneEars {
 public:
  Leg(PhoneLegs& legs, ParticipantId telephone) : legs_{legs}, telephone_{telephone} {}
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;
  ~Leg() override {
    if (timer_) legs_.loop_.cancel(*timer_);
  }

  void set_taken(const std::vector<media::CodecParameters>& taken) { to_browser_.set_taken(taken); }
  void attach(std::unique_ptr<port::PhoneLine> line) {
    line_ = std::move(line);
    if (line_ == nullptr) return;
    to_line_.set_feed(line_->feed() == port::PhoneLine::Feed::Steady ? media::phone::ToLine::Feed::Steady
                                                                     : media::phone::ToLine::Feed::AsItComes);
    line_->start(legs_.loop_, *this);
  }
  void set_mute(bool on) {
    muted_ = on;
    update();
  }
  void set_hold(bool on) {
    held_ = on;
    update();
  }
  void add_to(PhoneLegCounters& sum) const;
  [[nodiscard]] bool has_line() const { return line_ != nullptr; }

  // What the browser says.
  void on_audio(const media::Track& track, const media::MediaPacket& packet, TimePoint now) override {
    if (line_ == nullptr) {
      ++without_line_;
      return;
    }
    if (const std::uint8_t stream = track.layers[packet.layer].epoch; std::exchange(stream_, stream) != stream) {
      to_line_.restart();
    }
    to_line_.set_law(to_media(line_->law()));
    to_line_.on_packet(now, packet);
    arm();
  }
  void on_track_ended(TrackId) override {}

  // What the telephone says.
  void on_sound(TimePoint now, const port::PhoneSound& sound) override {
    to_browser_.on_sound(now, {.law = to_media(sound.law),
                               .timestamp = sound.timestamp,
                               .is_first = sound.is_first,
                               .samples = sound.samples});
    arm();
  }
  void on_digit(TimePoint now, char digit) override {
    to_browser_.on_digit(now, digit);
    legs_.tell_digit_(telephone_, digit);
    arm();
  }

 private:
  class Line final : public media::phone::ToLine::Out {
   public:
    explicit Line(Leg& leg) : leg_{leg} {}
    void on_sound(TimePoint now, const media::phone::Sound& sound) override {
      leg_.line_->send(now, {.law = to_port(sound.law),
                             .timestamp = sound.timestamp,
                             .is_first = sound.is_first,
                             .samples = sound.samples});
    }
    void on_digit(TimePoint now, char digit) override { leg_.line_->send_digit(now, digit); }

   private:
    Leg& leg_;
  };
  class Browser final : public media::phone::ToBrowser::Out {
   public:
    explicit Browser(Leg& leg) : leg_{leg} {}
    void on_packet(TimePoint now, const media::MediaPacket& packet, rtp::PayloadType type) override {
      leg_.legs_.engine_.publish(leg_.telephone_, packet, type, now);
    }

   private:
    Leg& leg_;
  };

  void update() {
    to_line_.set_silent(muted_ || held_);
    to_browser_.set_silent(held_);
  }

  void arm() {
    const TimePoint of_line = line_ != nullptr ? to_line_.next_timeout() : TimePoint::max();
    const TimePoint next = std::min(to_browser_.next_timeout(), of_line);
    if (timer_ && timer_->first <= next) return;
    if (timer_) legs_.loop_.cancel(*timer_);
    timer_.reset();
    if (next == TimePoint::max()) return;
    timer_ = legs_.loop_.schedule(next, [this] {
      timer_.reset();
      const TimePoint now = legs_.loop_.now().mono;
      to_browser_.handle_timeout(now);
      if (line_ != nullptr) to_line_.handle_timeout(now);
      arm();
    });
  }

  PhoneLegs& legs_;
  ParticipantId telephone_;
  bool muted_ = false;
  bool held_ = false;
  std::uint8_t stream_ = 0;  // of the browser's track: which of those that it had
  Line to_line_end_{*this};
  Browser to_browser_end_{*this};
  media::phone::ToLine to_line_{to_line_end_};
  media::phone::ToBrowser to_browser_{to_browser_end_};
  std::optional<net::Loop::TimerKey> timer_;
  std::uint64_t without_line_ = 0;
  std::unique_ptr<port::PhoneLine> line_;  // goes first: it may call until then
};

PhoneLegs::PhoneLegs(net::Loop& loop, media::Engine& engine, TellDigit tell_digit)
    : loop_{loop}, engine_{engine}, tell_digit_{std::move(tell_digit)} {}

PhoneLegs::~PhoneLegs() = default;

PhoneLegs::Leg* PhoneLegs::find(ParticipantId telephone) {
  const auto found = legs_.find(telephone);
  return found == legs_.end() ? nullptr : found->second.get();
}

void PhoneLegs::open(const Seat& seat) {
  const auto [place, added] = legs_.try_emplace(seat.telephone, std::make_unique<Leg>(*this, seat.telephone));
  if (!added) return;
  engine_.seat(
      {.guest = seat.telephone, .room = seat.room, .track = seat.track, .codecs = media::phone::ToBrowser::codecs()},
      *place->second);
}

void PhoneLegs::set_taken(ParticipantId telephone, const std::vector<media::CodecParameters>& taken) {
  if (Leg* const leg = find(telephone)) leg->set_taken(taken);
}

void PhoneLegs::attach(ParticipantId telephone, std::unique_ptr<port::PhoneLine> line) {
  const auto in_room = in_rooms_.find(telephone);
  if (in_room != in_rooms_.end()) return in_room->second->attach(std::move(line));
  if (Leg* const leg = find(telephone)) leg->attach(std::move(line));
}

void PhoneLegs::set_mute(ParticipantId telephone, bool on) {
  if (Leg* const leg = find(telephone)) leg->set_mute(on);
}

void PhoneLegs::set_hold(ParticipantId telephone, bool on) {
  if (Leg* const leg = find(telephone)) leg->set_hold(on);
}

void PhoneLegs::open_in_room(ParticipantId telephone) {
  const RoomLeg::Parts parts{.loop = loop_, .engine = engine_, .tell_digit = tell_digit_};
  in_rooms_.try_emplace(telephone, std::make_unique<RoomLeg>(parts, telephone));
}

void PhoneLegs::connect(const Seat& seat) {
  const auto in_room = in_rooms_.find(seat.telephone);
  if (in_room != in_rooms_.end()) in_room->second->connect(seat.room, seat.track);
}

void PhoneLegs::play(ParticipantId telephone, media::phone::Cue cue) {
  const auto in_room = in_rooms_.find(telephone);
  if (in_room != in_rooms_.end()) in_room->second->play(cue);
}

void PhoneLegs::close(ParticipantId telephone) {
  if (const auto in_room = in_rooms_.find(telephone); in_room != in_rooms_.end()) {
    in_room->second->add_to(gone_.rooms);
    in_rooms_.erase(in_room);
    return;
  }
  const auto found = legs_.find(telephone);
  if (found == legs_.end()) return;
  engine_.unseat(telephone);
  found->second->add_to(gone_);
  legs_.erase(found);
}

void PhoneLegs::Leg::add_to(PhoneLegCounters& sum) const {
  add_counters(sum.to_line, to_line_.counters());
  add_counters(sum.to_browser, to_browser_.counters());
  sum.without_line += without_line_;
}

PhoneLegCounters PhoneLegs::counters() const {
  PhoneLegCounters sum = gone_;
  for (const auto& [telephone, leg] : legs_) {
    leg->add_to(sum);
    ++sum.legs;
    if (leg->has_line()) ++sum.lines;
  }
  for (const auto& [telephone, leg] : in_rooms_) {
    leg->add_to(sum.rooms);
    ++sum.legs;
    ++sum.in_rooms;
    if (leg->has_line()) ++sum.lines;
  }
  return sum;
}

}  // namespace zvonok::app
