// The line of a mock telephone: its sound on the timers of the media thread.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapter/voip_mock/mock_rules.h"
#include "adapter/voip_mock/mock_telephone.h"
#include "net/loop.h"
#include "port/phone_audio.h"

namespace zvonok::voip_mock {

/// What the control thread wants of a line on its thread.
class MockSwitches {
 public:
  void press(std::string_view keys);
  [[nodiscard]] std::string take_keys();
  // Muted: it hears silence. On hold: it says nothing besides. Over: for good.
  std::atomic<bool> muted = false;
  std::atomic<bool> held = false;
  std::atomic<bool> over = false;

 private:
  std::mutex mutex_;
  std::string keys_;
};

class MockLine final : public port::PhoneLine {
 public:
  struct Options {
    TimePoint dialed_at{};
    MockTelephone::Script script;
    Manner manner;
    std::shared_ptr<MockSwitches> switches;  // the provider's and the line's: either may be the last
  };
  explicit MockLine(Options options);
  ~MockLine() override;

  [[nodiscard]] port::G711 law() const override { return options_.manner.law; }
  [[nodiscard]] Feed feed() const override { return options_.manner.feed; }
  void start(net::Loop& loop, port::PhoneEars& ears) override;
  void send(TimePoint now, const port::PhoneSound& sound) override;
  void send_digit(TimePoint now, char digit) override;

 private:
  void tick();
  [[nodiscard]] bool is_silent() const { return options_.switches->held || options_.switches->over; }

  Options options_;
  MockTelephone telephone_;
  net::Loop* loop_ = nullptr;
  port::PhoneEars* ears_ = nullptr;
  std::optional<net::Loop::TimerKey> timer_;
  TimePoint next_{};
  std::uint32_t timestamp_ = 0;
  bool spoke_ = false;
  std::size_t pressed_ = 0;  // of Manner::presses
};

}  // namespace zvonok::voip_mock
