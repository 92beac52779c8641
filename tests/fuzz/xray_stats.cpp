// What an external tunnel server says of its users: whatever comes is read or refused, what was read is not negative
// and of somebody, and a frame that says another length than it has is refused.
#include <cstddef>
#include <cstdint>
#include <string>

#include "adapter/tunnel_xray/messages.h"
#include "adapter/tunnel_xray/stats_messages.h"
#include "base/check.h"
#include "fuzz/input.h"

using namespace zvonok;
using namespace zvonok::tunnel_xray;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string message{fuzz::Input{data, size}.rest()};
  (void)read_query_stats(message);
  (void)unescape_status(message);
  if (const auto counter = parse_counter_name(message)) ZVONOK_CHECK(!counter->email.empty());
  const std::string framed = frame(message);
  const auto counters = read_query_stats(framed);
  ZVONOK_CHECK(!read_query_stats(framed + "x"));
  if (!counters) return 0;
  for (const TrafficCounter& counter : *counters) {
    ZVONOK_CHECK(counter.bytes >= 0);
    ZVONOK_CHECK(!counter.email.empty() && counter.email.size() < message.size());
  }
  // One after the other they are read as one: that is how protobuf's lists are merged.
  const auto twice = read_query_stats(frame(message + message));
  ZVONOK_CHECK(twice && twice->size() == counters->size() * 2);
  return 0;
}
