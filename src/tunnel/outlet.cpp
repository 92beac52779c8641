#include "tunnel/outlet.h"


#include "base/check.h"

namespace zvonok::tunnel {

bool Outlet::write(Stream& stream, Bytes head, Bytes body, TimePoint now) {
  const MutableBytes room = sink_.append(stream.id, head.size() + body.size());
  if (room.empty()) {
    stream.blocked = true;
    return false;
  }
  ZVONOK_CHECK(room.size() == head.size() + body.size());
  copy_bytes(body, copy_bytes(head, room));
  stream.last_active = now;
  return true;
}

void Outlet::emit(Stream& stream, Bytes head, Bytes body, Lasting lasting, TimePoint now) {
  if (stream.gone) return;
  if (!stream.blocked && stream.outbox.empty() && write(stream, head, body, now)) return;
  counters_.count(Drop::QueueFull, stream.outbox.push(head, body, lasting, now));
}

void Outlet::flush(Stream& stream, TimePoint now) {
  stream.blocked = false;
  for (;;) {
    counters_.count(Drop::QueueStale, stream.outbox.drop_stale(now));
    if (stream.outbox.empty() || !write(stream, stream.outbox.front(), {}, now)) return;
    stream.outbox.pop();
  }
}

void Outlet::set_reading(Stream& stream, Reading reading) {
  const bool pause = reading == Reading::Off;
  if (stream.gone || stream.paused == pause) return;
  stream.paused = pause;
  if (pause) ++counters_.paused;
  sink_.set_reading(stream.id, reading);
}

}  // namespace zvonok::tunnel
