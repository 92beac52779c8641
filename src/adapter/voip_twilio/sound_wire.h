// The sound of one call between the control thread, where Twilio's WebSocket is, and the media thread of the browser's
// leg, where the line is. Either end may go first.
#pragma once
#include <functional>
#include <memory>
#include <mutex>

#include "adapter/voip_twilio/sound_lane.h"
#include "net/loop.h"
#include "port/phone_audio.h"

namespace zvonok::voip_twilio {

class SoundWire : public std::enable_shared_from_this<SoundWire> {
 public:
  using OnSound = std::function<void(const port::PhoneSound&)>;
  using OnDigit = std::function<void(char)>;

  // ---- the control thread ----
  /// `on_*`: what is to be heard at the telephone.
  SoundWire(net::Loop& control, OnSound on_sound, OnDigit on_digit);
  void pass_sound(const port::PhoneSound& sound);
  void pass_digit(char digit);
  /// The call is over: nothing is told any more, and nothing reaches the line.
  void close_control();

  // ---- the media thread ----
  void attach_line(net::Loop& media, port::PhoneEars& ears);
  void send_sound(const port::PhoneSound& sound);
  void send_digit(char digit);
  void detach_line();

  // ---- any ----
  /// Pieces that found a lane full, or that no line was there for.
  [[nodiscard]] std::uint64_t dropped() const { return to_ears_.dropped() + to_phone_.dropped(); }

 private:
  void wake_media();
  void wake_control();
  void deliver_to_ears();
  void deliver_to_phone();

  SoundLane to_ears_;
  SoundLane to_phone_;
  OnSound on_sound_;                 // of the control thread
  OnDigit on_digit_;                 // likewise
  port::PhoneEars* ears_ = nullptr;  // of the media thread
  std::mutex mutex_;                 // guards the two below, and that they live while something is posted to them
  net::Loop* control_;
  net::Loop* media_ = nullptr;
};

/// The line of a call. The call and the line own the wire, and so does what is on its way between their threads.
[[nodiscard]] std::unique_ptr<port::PhoneLine> make_line(std::shared_ptr<SoundWire> wire);

}  // namespace zvonok::voip_twilio
