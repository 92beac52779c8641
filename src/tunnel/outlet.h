// The way out of a stream: straight to the sink while it has room, which costs one copy, and by the stream's outbox
// while it has not.
#pragma once
#include "base/bytes.h"
#include "base/time.h"
#include "tunnel/counters.h"
#include "tunnel/sink.h"
#include "tunnel/stream.h"

namespace zvonok::tunnel {

class Outlet {
 public:
  Outlet(StreamSink& sink, Counters& counters) : sink_{sink}, counters_{counters} {}

  /// Sends `head` and `body` as one message. On a stream that has ended it is lost.
  void emit(Stream& stream, Bytes head, Bytes body, Lasting lasting, TimePoint now);
  /// The sink has room again: sends what waits, as far as it goes.
  void flush(Stream& stream, TimePoint now);
  void set_reading(Stream& stream, Reading reading);

 private:
  /// False when there is no room.
  [[nodiscard]] bool write(Stream& stream, Bytes head, Bytes body, TimePoint now);

  StreamSink& sink_;
  Counters& counters_;
};

}  // namespace zvonok::tunnel
