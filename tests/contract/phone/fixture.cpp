// See fixture.h.
#include "contract/phone/fixture.h"

#include <future>
#include <utility>

#include "base/check.h"
#include "net/clock.h"
#include "support/tone.h"

/// Sofia-SIP 1.12.11 never frees the SSL object of a TLS connection to a trunk, nor what hangs on it when its agent
/// ends: once in the life of a server. The stacks end in the libraries, so that all of theirs has to be passed over in
/// this program; our own TLS is watched in unit_net and integration_server.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): LeakSanitizer's name
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libcrypto.so\nleak:libssl.so\nleak:libsofia-sip-ua.so\n";
}

namespace zvonok::test {
namespace {

constexpr std::size_t kPiece = 160;  // samples: 20 ms
constexpr std::size_t kMeasured = 4000;

std::unique_ptr<net::Loop> make_loop() {
  auto loop = net::Loop::create();
  ZVONOK_CHECK(loop.has_value());
  return std::move(*loop);
}

}  // namespace

std::string to_text(ProviderKind kind) {
  switch (kind) {
    case ProviderKind::Mock: return "Mock";
    case ProviderKind::Sip: return "Sip";
    case ProviderKind::Twilio: return "Twilio";
  }
  return "?";
}

void PrintTo(ProviderKind kind, std::ostream* out) {
  *out << to_text(kind);
}

std::unique_ptr<PhoneSubject> make_subject(ProviderKind kind, Telephone telephone, SubjectParts parts) {
  switch (kind) {
    case ProviderKind::Mock: return make_mock_subject(telephone, parts);
    case ProviderKind::Sip: return make_sip_subject(telephone, parts);
    case ProviderKind::Twilio: return make_twilio_subject(telephone, parts);
  }
  return nullptr;
}

// ---- threads --------------------------------------------------------------------------------------------------------

MediaThread::MediaThread() : loop_{make_loop()}, thread_{[this] { loop_->run(); }} {}

MediaThread::~MediaThread() {
  loop_->stop();
  thread_.join();
}

void MediaThread::run(std::function<void()> what) {
  std::promise<void> done;
  loop_->post([&] {
    what();
    done.set_value();
  });
  done.get_future().wait();
}

PhoneWorld::PhoneWorld() : loop_{make_loop()} {
  loop_->stop();  // so that each `run` is one turn
}

bool PhoneWorld::wait(const std::function<bool()>& done, Duration patience) {
  const TimePoint end = net::read_clocks().mono + patience;
  while (!done()) {
    if (net::read_clocks().mono >= end) return false;
    // What is waited for may happen on another thread or in another process: look again soon.
    loop_->schedule(std::min(end, net::read_clocks().mono + milliseconds{10}), [] {});
    loop_->run();
  }
  return true;
}

void PhoneWorld::pass(Duration time) {
  (void)wait([] { return false; }, time);
}

// ---- the talker -----------------------------------------------------------------------------------------------------

Talker::Talker(MediaThread& media, std::unique_ptr<port::PhoneLine> line) : media_{media}, line_{std::move(line)} {
  media_.run([this] {
    line_->start(media_.loop(), *this);
    next_ = media_.loop().now().mono;
    tick();
  });
}

Talker::~Talker() {
  media_.run([this] {
    if (timer_) media_.loop().cancel(*timer_);
    line_.reset();
  });
}

void Talker::speak(double hz) {
  media_.run([this, hz] { hz_ = hz; });
}

void Talker::press(char digit) {
  media_.run([this, digit] { line_->send_digit(media_.loop().now().mono, digit); });
}

port::G711 Talker::law() {
  port::G711 law{};
  media_.run([&] { law = line_->law(); });
  return law;
}

void Talker::tick() {
  const TimePoint now = media_.loop().now().mono;
  if (hz_ > 0) {
    const port::G711 law = line_->law();
    const auto samples = tone(law, hz_, spoken_, kPiece);
    line_->send(now, {.law = law,
                      .timestamp = static_cast<std::uint32_t>(spoken_),
                      .is_first = std::exchange(was_silent_, false),
                      .samples = samples});
  } else {
    was_silent_ = true;
  }
  spoken_ += kPiece;
  next_ += milliseconds{20};
  timer_ = media_.loop().schedule(next_, [this] { tick(); });
}

void Talker::on_sound(TimePoint /*now*/, const port::PhoneSound& sound) {
  const std::lock_guard lock{mutex_};
  for (const std::uint8_t byte : sound.samples) heard_.push_back(from_g711(sound.law, byte));
  heard_in_all_ += sound.samples.size();
  if (heard_.size() > 2 * kMeasured) {
    heard_.erase(heard_.begin(), heard_.end() - static_cast<std::ptrdiff_t>(kMeasured));
  }
}

void Talker::on_digit(TimePoint /*now*/, char digit) {
  const std::lock_guard lock{mutex_};
  digits_ += digit;
}

double Talker::hears(double hz) {
  const std::lock_guard lock{mutex_};
  if (heard_.size() < kMeasured) return 0;
  return share_of(hz, std::span{heard_}.last(kMeasured));
}

std::string Talker::digits() {
  const std::lock_guard lock{mutex_};
  return digits_;
}

std::size_t Talker::heard() {
  const std::lock_guard lock{mutex_};
  return heard_in_all_;
}

void Talker::forget() {
  const std::lock_guard lock{mutex_};
  heard_.clear();
  heard_in_all_ = 0;
}

// ---- the log --------------------------------------------------------------------------------------------------------

void KeptLines::write(LogLevel /*level*/, std::string_view message, std::initializer_list<LogField> fields) {
  const std::lock_guard lock{mutex_};
  text_ += message;
  for (const LogField& field : fields) text_ += " " + std::string{field.key} + "=" + field.value;
  text_ += '\n';
}

std::string KeptLines::text() const {
  const std::lock_guard lock{mutex_};
  return text_;
}

}  // namespace zvonok::test
