// Every phone provider behind one face, for the contract that they share. A provider is added by a subject of its own,
// a kind, and a line in fixture.cpp.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "net/loop.h"
#include "port/phone_provider.h"

namespace zvonok::test {

/// What the telephone that is dialed does.
enum class Telephone {
  Answers,           // rings, then answers; says what it hears, where there is sound
  AnswersAndLeaves,  // hangs up by itself some seconds later
  RingsForever,
  Busy,  // rings or not, then is busy
  NoSuchNumber,
  Fails,        // the provider's fault
  Unreachable,  // nobody is there whom the provider could ask
};

/// What the telephone does that calls us. Where there is sound it says what it hears.
enum class Caller {
  Talks,    // until we hang up, or refuse it
  Leaves,   // hangs up some time after it was taken
  GivesUp,  // while it rings
};

/// A provider with its other side, whatever that is made of.
class PhoneSubject {
 public:
  virtual ~PhoneSubject() = default;
  [[nodiscard]] virtual port::PhoneProvider& provider() = 0;
  /// That does what was asked for; good for any number of calls.
  [[nodiscard]] virtual call::phone::PhoneNumber number() const = 0;
  /// A telephone calls us, now or soon.
  virtual void call_in(Caller caller) = 0;
  /// Whether `take_line` gives a line, and `Answers` an echo.
  [[nodiscard]] virtual bool has_sound() const = 0;
  /// Digits that the other side was sent by now, of all calls; nothing where it does not tell.
  [[nodiscard]] virtual std::optional<std::string> digits_heard() { return std::nullopt; }
  /// Whether digits come back as sound does.
  [[nodiscard]] virtual bool echoes_digits() const { return false; }
  /// Calls that the other side believes to be under way; nothing where it does not tell.
  [[nodiscard]] virtual std::optional<std::size_t> calls_there() { return std::nullopt; }
};

enum class ProviderKind { Mock, Sip, Twilio };
[[nodiscard]] std::string to_text(ProviderKind kind);
void PrintTo(ProviderKind kind, std::ostream* out);

struct SubjectParts {
  net::Loop& loop;  // the control thread's, which is the test's
  Logger& log;
};
/// One function for each kind, in a file of its own.
[[nodiscard]] std::unique_ptr<PhoneSubject> make_subject(ProviderKind kind, Telephone telephone, SubjectParts parts);
[[nodiscard]] std::unique_ptr<PhoneSubject> make_mock_subject(Telephone telephone, SubjectParts parts);
[[nodiscard]] std::unique_ptr<PhoneSubject> make_sip_subject(Telephone telephone, SubjectParts parts);
[[nodiscard]] std::unique_ptr<PhoneSubject> make_twilio_subject(Telephone telephone, SubjectParts parts);

/// A loop with a thread of its own: where lines belong.
class MediaThread {
 public:
  MediaThread();
  ~MediaThread();
  [[nodiscard]] net::Loop& loop() { return *loop_; }
  /// Runs it there and waits for its end.
  void run(std::function<void()> what);

 private:
  std::unique_ptr<net::Loop> loop_;
  std::thread thread_;
};

/// Somebody who holds a line on a media thread, speaks a tone into it every 20 ms, and keeps what he hears.
class Talker final : public port::PhoneEars {
 public:
  Talker(MediaThread& media, std::unique_ptr<port::PhoneLine> line);
  ~Talker() override;
  Talker(const Talker&) = delete;
  Talker& operator=(const Talker&) = delete;

  /// 0: silent from now on.
  void speak(double hz);
  void press(char digit);
  [[nodiscard]] port::G711 law();
  /// How much of the last half second that was heard is that tone (see share_of); 0 when it was less than that.
  [[nodiscard]] double hears(double hz);
  [[nodiscard]] std::string digits();
  /// Samples heard since the beginning.
  [[nodiscard]] std::size_t heard();
  void forget();

  void on_sound(TimePoint now, const port::PhoneSound& sound) override;
  void on_digit(TimePoint now, char digit) override;

 private:
  void tick();

  MediaThread& media_;
  std::unique_ptr<port::PhoneLine> line_;  // of the media thread, as all below
  double hz_ = 0;
  std::size_t spoken_ = 0;
  bool was_silent_ = true;
  TimePoint next_{};
  std::optional<net::Loop::TimerKey> timer_;
  std::mutex mutex_;  // guards what was heard
  std::vector<int> heard_;
  std::size_t heard_in_all_ = 0;
  std::string digits_;
};

/// The test's thread is the control thread: the loop turns while it waits.
class PhoneWorld {
 public:
  PhoneWorld();
  [[nodiscard]] net::Loop& loop() { return *loop_; }
  /// Turns the loop until `done`, or gives up and returns false.
  bool wait(const std::function<bool()>& done, Duration patience = seconds{10});
  /// Turns it for that long, for what must not happen.
  void pass(Duration time);

 private:
  std::unique_ptr<net::Loop> loop_;
};

class KeptLines final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override;
  [[nodiscard]] std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace zvonok::test
