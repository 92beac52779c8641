#include "adapter/voip_twilio/sound_wire.h"

#include <utility>

namespace zvonok::voip_twilio {
namespace {

class TwilioLine final : public port::PhoneLine {
 public:
  explicit TwilioLine(std::shared_ptr<SoundWire> wire) : wire_{std::move(wire)} {}
  ~TwilioLine() override { wire_->detach_line(); }
  TwilioLine(const TwilioLine&) = delete;
  TwilioLine& operator=(const TwilioLine&) = delete;

  [[nodiscard]] port::G711 law() const override { return port::G711::Ulaw; }
  /// Media Streams play what comes one after the other: nobody else would mind what is late or lost.
  [[nodiscard]] Feed feed() const override { return Feed::Steady; }
  void start(net::Loop& loop, port::PhoneEars& ears) override { wire_->attach_line(loop, ears); }
  void send(TimePoint, const port::PhoneSound& sound) override { wire_->send_sound(sound); }
  void send_digit(TimePoint, char digit) override { wire_->send_digit(digit); }

 private:
  std::shared_ptr<SoundWire> wire_;  // see make_line
};

}  // namespace

SoundWire::SoundWire(net::Loop& control, OnSound on_sound, OnDigit on_digit)
    : on_sound_{std::move(on_sound)}, on_digit_{std::move(on_digit)}, control_{&control} {}

// ---- from the telephone ---------------------------------------------------------------------------------------------

void SoundWire::pass_sound(const port::PhoneSound& sound) {
  if (to_ears_.push_sound(sound) == SoundLane::Wake::Yes) wake_media();
}

void SoundWire::pass_digit(char digit) {
  if (to_ears_.push_digit(digit) == SoundLane::Wake::Yes) wake_media();
}

void SoundWire::wake_media() {
  const std::lock_guard lock{mutex_};
  if (media_ != nullptr) media_->post([wire = shared_from_this()] { wire->deliver_to_ears(); });
}

void SoundWire::deliver_to_ears() {
  if (ears_ == nullptr) return;
  net::Loop* loop = nullptr;
  {
    const std::lock_guard lock{mutex_};
    loop = media_;
  }
  const TimePoint now = loop->now().mono;
  // Who hears may let go of the line meanwhile.
  to_ears_.take(
      [&](const port::PhoneSound& sound) {
        if (ears_ != nullptr) ears_->on_sound(now, sound);
      },
      [&](char digit) {
        if (ears_ != nullptr) ears_->on_digit(now, digit);
      });
}

void SoundWire::attach_line(net::Loop& media, port::PhoneEars& ears) {
  {
    const std::lock_guard lock{mutex_};
    media_ = &media;
  }
  // What came before there was anybody to hear it is old. After the above: what comes now is posted here.
  to_ears_.take([](const port::PhoneSound&) {}, [](char) {});
  ears_ = &ears;
}

void SoundWire::detach_line() {
  ears_ = nullptr;
  const std::lock_guard lock{mutex_};
  media_ = nullptr;
}

// ---- to the telephone -----------------------------------------------------------------------------------------------

void SoundWire::send_sound(const port::PhoneSound& sound) {
  if (to_phone_.push_sound(sound) == SoundLane::Wake::Yes) wake_control();
}

void SoundWire::send_digit(char digit) {
  if (to_phone_.push_digit(digit) == SoundLane::Wake::Yes) wake_control();
}

void SoundWire::wake_control() {
  const std::lock_guard lock{mutex_};
  if (control_ != nullptr) control_->post([wire = shared_from_this()] { wire->deliver_to_phone(); });
}

void SoundWire::deliver_to_phone() {
  to_phone_.take(
      [&](const port::PhoneSound& sound) {
        if (on_sound_) on_sound_(sound);
      },
      [&](char digit) {
        if (on_digit_) on_digit_(digit);
      });
}

void SoundWire::close_control() {
  on_sound_ = nullptr;
  on_digit_ = nullptr;
  const std::lock_guard lock{mutex_};
  control_ = nullptr;
}

std::unique_ptr<port::PhoneLine> make_line(std::shared_ptr<SoundWire> wire) {
  return std::make_unique<TwilioLine>(std::move(wire));
}

}  // namespace zvonok::voip_twilio
