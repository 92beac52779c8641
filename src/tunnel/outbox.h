// What waits to be sent on a stream that takes nothing at the moment. Datagrams grow old and give way to newer ones;
// bytes of a TCP connection do neither, and who sends them is stopped in time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace zvonok::tunnel {

enum class Lasting : std::uint8_t { No, Yes };

class Outbox {
 public:
  struct Limits {
    std::size_t datagram_bytes_max = 0;
    Duration datagram_age_max{};
  };
  /// What one message costs besides its bytes, so that many small ones are limited as well.
  static constexpr std::size_t kMessageCost = 64;

  explicit Outbox(Limits limits) : limits_{limits} {}

  [[nodiscard]] bool empty() const { return messages_.empty(); }
  [[nodiscard]] std::size_t size() const { return messages_.size(); }
  /// What the messages that last cost.
  [[nodiscard]] std::size_t lasting_bytes() const { return lasting_bytes_; }
  /// ... and those that don't.
  [[nodiscard]] std::size_t datagram_bytes() const { return datagram_bytes_; }

  /// Messages that last are joined up to this size: a stream's boundaries mean nothing.
  static constexpr std::size_t kJoinedBytesMax = 16 * 1024;

  /// Puts `head` and `body` behind the rest. How many datagrams gave way; it may be among them.
  [[nodiscard]] std::size_t push(Bytes head, Bytes body, Lasting lasting, TimePoint now);
  /// Takes datagrams that have grown too old off the front. How many.
  [[nodiscard]] std::size_t drop_stale(TimePoint now);
  /// The next message; there must be one. Good until the next call.
  [[nodiscard]] Bytes front() const { return messages_.front().bytes; }
  void pop();

 private:
  struct Message {
    std::vector<std::uint8_t> bytes;
    TimePoint at;
    Lasting lasting;
  };
  void forget(const Message& message);

  Limits limits_;
  std::deque<Message> messages_;
  std::size_t lasting_bytes_ = 0;
  std::size_t datagram_bytes_ = 0;
};

}  // namespace zvonok::tunnel
