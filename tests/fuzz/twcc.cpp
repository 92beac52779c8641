// A receiver and a sender of transport-wide feedback: whatever packets come when, the recorder stays within its bounds,
// and what the sender reads is what was noted, each arrival to 250 us, each at most once lost before it is received.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/twcc_recorder.h"

using namespace zvonok;
using namespace zvonok::rtcp;

namespace {

constexpr std::size_t kWindow = 1024;
constexpr std::size_t kReorder = 100;

class Scene {
 public:
  void step(fuzz::Input& input) {
    const std::uint8_t action = input.byte();
    switch (action % 8) {
      case 0: now_ += microseconds{input.byte() * 37}; break;
      case 1: now_ += milliseconds{input.byte()}; break;
      case 2: poll(24 + input.byte() * 5U); break;
      case 3: note(static_cast<std::uint16_t>(number_ + input.byte() * 9U)); break;  // a gap
      case 4: note(static_cast<std::uint16_t>(number_ - input.byte())); break;       // late or again
      case 5: note(static_cast<std::uint16_t>(input.byte() << 8 | input.byte())); break;
      case 6: now_ += seconds{input.byte() % 32}; break;
      default:
        for (std::size_t count = input.below(64); count > 0; --count) {
          now_ += microseconds{250 + action};
          note(static_cast<std::uint16_t>(number_ + 1));
        }
    }
  }

 private:
  void note(std::uint16_t sequence) {
    const auto result = recorder_.note(sequence, now_);
    if (result == TwccRecorder::Noted::Recorded) noted_[sequence].push_back(now_);
    if (result != TwccRecorder::Noted::TooOld) number_ = sequence;
    ZVONOK_CHECK(result == TwccRecorder::Noted::TooOld || !noted_[sequence].empty());
    ZVONOK_CHECK(result != TwccRecorder::Noted::Recorded || recorder_.next_timeout());
  }

  void poll(std::size_t room) {
    std::array<std::uint8_t, 1300> buffer{};
    const std::size_t length = recorder_.poll(now_, MutableBytes{buffer}.first(room % buffer.size()));
    ZVONOK_CHECK(length <= room % buffer.size() && length % 4 == 0);
    if (length == 0) return;
    Reader reader{Bytes{buffer}.first(length)};
    std::size_t packets = 0;
    while (const auto packet = reader.next()) {
      const auto* feedback = std::get_if<TransportFeedback>(&*packet);
      ZVONOK_CHECK(feedback != nullptr && feedback->feedback_count == next_count_);
      ++next_count_;
      ++packets;
      check(*feedback);
    }
    ZVONOK_CHECK(packets > 0 && !reader.error());
  }

  void check(const TransportFeedback& feedback) {
    ZVONOK_CHECK(feedback.status_count <= kWindow);
    auto statuses = feedback.statuses();
    bool ends_received = false;
    while (const auto status = statuses.next()) {
      ends_received = status->fate == PacketStatus::Fate::Received;
      if (!ends_received) continue;
      const Duration wrap = (1 << 24) * kReferenceTimeUnit;
      bool found = false;
      for (const TimePoint time : noted_[status->sequence]) {
        const Duration error = time.time_since_epoch() % wrap - status->arrival % wrap;
        found = found || (error >= Duration::zero() && error < kFeedbackTick);
      }
      ZVONOK_CHECK(found);
    }
    ZVONOK_CHECK(ends_received);
  }

  TwccRecorder recorder_{{.sender = Ssrc{1}, .window = kWindow, .reorder = kReorder}};
  TimePoint now_{};
  std::uint16_t number_ = 0;
  std::uint8_t next_count_ = 0;
  std::map<std::uint16_t, std::vector<TimePoint>> noted_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  Scene scene;
  while (!input.rest().empty()) scene.step(input);
  return 0;
}
