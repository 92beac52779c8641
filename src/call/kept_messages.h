// A bounded queue of messages that can't be delivered yet, in the order they came.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "call/deadlines.h"
#include "call/pair_options.h"

namespace zvonok::call {

enum class MessageKind { Offer, Answer, Ice };

struct KeptMessage {
  MessageKind kind = MessageKind::Ice;
  std::string payload;
  TimePoint until = kNever;  // for early candidates: when they are refused
  std::uint64_t call = 0;    // for candidates behind a pending offer: the call their sender sat in, 0 for none
};

enum class Kept { Yes, Full };

class KeptMessages {
 public:
  /// Takes the message unless that would pass a limit; then it is not moved from.
  [[nodiscard]] Kept keep(KeptMessage&& message, const KeepLimits& limits) {
    if (messages_.size() >= limits.messages_max || bytes_ + message.payload.size() > limits.bytes_max) {
      return Kept::Full;
    }
    bytes_ += message.payload.size();
    messages_.push_back(std::move(message));
    return Kept::Yes;
  }
  /// Everything, oldest first; nothing is left.
  [[nodiscard]] std::vector<KeptMessage> take() {
    bytes_ = 0;
    return std::exchange(messages_, {});
  }
  /// Removes those at the front whose time has come; returns how many.
  std::size_t drop_until(TimePoint now) {
    const auto rest = std::ranges::find_if(messages_, [now](const KeptMessage& m) { return m.until > now; });
    for (auto gone = messages_.begin(); gone != rest; ++gone) bytes_ -= gone->payload.size();
    const auto count = static_cast<std::size_t>(rest - messages_.begin());
    messages_.erase(messages_.begin(), rest);
    return count;
  }
  [[nodiscard]] const std::vector<KeptMessage>& all() const { return messages_; }
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::vector<KeptMessage> messages_;
  std::size_t bytes_ = 0;
};

}  // namespace zvonok::call
