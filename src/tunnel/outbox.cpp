#include "tunnel/outbox.h"

#include <algorithm>

namespace zvonok::tunnel {

std::size_t Outbox::push(Bytes head, Bytes body, Lasting lasting, TimePoint now) {
  const std::size_t size = head.size() + body.size();
  std::size_t& sum = lasting == Lasting::Yes ? lasting_bytes_ : datagram_bytes_;
  const bool joins = lasting == Lasting::Yes && !messages_.empty() && messages_.back().lasting == Lasting::Yes &&
                     messages_.back().bytes.size() + size <= kJoinedBytesMax;
  if (!joins) {
    messages_.push_back({.bytes = {}, .at = now, .lasting = lasting});
    messages_.back().bytes.reserve(size);
    sum += kMessageCost;
  }
  std::vector<std::uint8_t>& bytes = messages_.back().bytes;
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), body.begin(), body.end());
  sum += size;
  std::size_t dropped = 0;
  while (datagram_bytes_ > limits_.datagram_bytes_max) {
    const auto oldest = std::ranges::find(messages_, Lasting::No, &Message::lasting);
    forget(*oldest);
    messages_.erase(oldest);  // of those that last, few stand before it
    ++dropped;
  }
  return dropped;
}

std::size_t Outbox::drop_stale(TimePoint now) {
  std::size_t dropped = 0;
  while (!messages_.empty() && messages_.front().lasting == Lasting::No &&
         now - messages_.front().at > limits_.datagram_age_max) {
    pop();
    ++dropped;
  }
  return dropped;
}

void Outbox::pop() {
  forget(messages_.front());
  messages_.pop_front();
}

void Outbox::forget(const Message& message) {
  (message.lasting == Lasting::Yes ? lasting_bytes_ : datagram_bytes_) -= message.bytes.size() + kMessageCost;
}

}  // namespace zvonok::tunnel
