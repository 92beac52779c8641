// `zvonok loadtest --calls` and `--signalling-only`: pairs of devices at a server's `/ws`, over its real sockets. No
// media: in pair calls it never passes the server. One thread, thousands of sockets.
//
// The run: sockets are opened; a while for things to settle; the window; a moment for what is still under way. Each of
// these ends by a deadline at the latest.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "load/log_histogram.h"
#include "load/pair_client.h"
#include "load/process_meter.h"
#include "load/tally.h"
#include "load/target.h"

namespace zvonok::load {

struct PairLoadOptions {
  Target target;
  std::string user_prefix = "load-";
  /// Calls: pairs call each other again and again. Relays: every pair is in one call throughout, and talks.
  enum class Kind : std::uint8_t { Calls, Relays } kind = Kind::Calls;
  unsigned pairs = 100;
  double calls_per_second = 10;  // begun by all together; as many as there are idle pairs for
  Duration hold = seconds{5};
  double messages_per_second = 0;  // of each socket, of Relays
  std::size_t message_bytes = 200;
  unsigned watched = 10;  // users whose presence each socket asks for

  double joins_per_second = 200;  // sockets; 0: at once
  Duration join_timeout = seconds{30};
  Duration warm_up = seconds{2};
  Duration window = seconds{10};
  Duration drain = seconds{1};
};

struct PairLoadResult {
  double load_average = 0;  // before the run
  unsigned sockets = 0;
  unsigned connected = 0;             // opened, and greeted
  Tally failures;                     // sockets that could not be opened or were closed
  LogHistogram connect;               // from the socket's beginning to the server's hello
  double seconds = 0;                 // of the window
  std::uint64_t calls_not_begun = 0;  // no pair was idle when they were due
  PairCourse course;
  ProcessWatch::Used own;
  ProcessWatch::Used server;
  bool has_server_figures = false;

  [[nodiscard]] bool good() const {
    return connected == sockets && failures.count() == 0 && course.calls_failed == 0 && course.unreadable == 0 &&
           course.relays_came == course.relays_sent;
  }
};

/// As run_load.
[[nodiscard]] Result<PairLoadResult, std::string> run_pair_load(const PairLoadOptions& options, std::ostream& progress);

}  // namespace zvonok::load
