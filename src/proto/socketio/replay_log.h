// The newest events that one client was sent, in order, for the time when it comes back without the last of them.
//
// Events are numbered by the server, so that the number of the last one that a client has seen says what it has missed,
// whoever else was sent events in between. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace zvonok::socketio {

/// Orders all events of a server that carry an offset; from 1.
using EventNumber = std::uint64_t;

/// An event as it goes to the wire, with its offset in it.
struct SealedEvent {
  EventNumber number = 0;
  std::string text;
  std::vector<std::string> attachments;
  [[nodiscard]] std::size_t bytes() const;
};
/// Shared by the logs of everybody whom a broadcast was for.
using SharedEvent = std::shared_ptr<const SealedEvent>;

struct ReplayLimits {
  std::size_t events_max = 1000;
  std::size_t bytes_max = 256 * 1024;
};

class ReplayLog {
 public:
  /// Its number must be above those before. How many older ones were forgotten for it, itself too if it is too large.
  std::size_t push(SharedEvent event, const ReplayLimits& limits);
  /// An event with that number was sent and is not to be remembered: the client may name it as the last that it has
  /// seen.
  void note(EventNumber number) { newest_ = number; }
  /// The client has shown that it has them.
  void forget_through(EventNumber number);
  void forget_all();

  /// Whether all that came behind `seen` is still there. 0: nothing was seen.
  [[nodiscard]] bool reaches_back_to(EventNumber seen) const { return forgotten_ <= seen; }
  [[nodiscard]] std::vector<SharedEvent> behind(EventNumber seen) const;
  /// Of the newest event that was pushed or noted, remembered or not; 0 for none.
  [[nodiscard]] EventNumber newest() const { return newest_; }
  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void forget_oldest();

  std::deque<SharedEvent> events_;
  std::size_t bytes_ = 0;
  EventNumber forgotten_ = 0;  // the newest that was
  EventNumber newest_ = 0;
};

}  // namespace zvonok::socketio
