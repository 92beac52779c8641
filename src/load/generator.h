// `zvonok loadtest`: fills a server's rooms with participants over its real sockets, and measures what they get. One
// thread, thousands of participants.
//
// The run: publishers join, then all others; a while for things to settle; the window, in which everything is counted;
// a moment for what is still under way. Each of these ends by a deadline at the latest.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/private.h"
#include "base/result.h"
#include "base/time.h"
#include "load/log_histogram.h"
#include "load/participant.h"
#include "load/received.h"

namespace zvonok::load {

struct LoadOptions {
  SocketAddress server;  // of signalling
  std::string host;      // as in the Host header
  /// Of HS256, to make a token for everybody; or tokens, which participants take in turn.
  Private<std::string> secret;
  std::vector<std::string> tokens;
  std::string room_prefix = "load-";

  unsigned rooms = 1;
  unsigned publishers = 1;    // of each room
  unsigned subscribers = 10;  // of each room, who only receive
  enum class Publishers : std::uint8_t { OnlySend, HearEachOther } publishers_do = Publishers::OnlySend;
  unsigned audio_packets_per_second = 50;  // 0: no audio
  unsigned video_packets_per_second = 0;   // 0: no video
  std::size_t audio_bytes = 100;           // of payload
  std::size_t video_bytes = 1100;

  double joins_per_second = 50;  // 0: at once
  double leaves_per_second = 0;  // of subscribers, within the window; each comes back a second later
  double verify_share = 0.05;    // of receivers; one of each room at least
  Reports reports = Reports::On;
  Duration join_timeout = seconds{30};  // from a participant's beginning
  Duration warm_up = seconds{2};
  Duration window = seconds{10};
  Duration drain = milliseconds{500};
  int server_pid = 0;  // 0: nothing is told of the server's process
};

struct LoadResult {
  double load_average = 0;  // before the run
  unsigned participants = 0;
  unsigned joined = 0;
  std::vector<std::string> failures;  // the first few, each with whose
  unsigned failed = 0;                // participants to whom one happened
  LogHistogram join;       // from the WebSocket's beginning to the first packet of every stream; of receivers
  LogHistogram connected;  // to the end of the DTLS handshake; of everybody
  std::uint64_t left = 0;
  std::uint64_t rejoined = 0;
  LogHistogram rejoin;

  double seconds = 0;              // of the window
  Counts headers;                  // of all receivers
  std::uint64_t sent_packets = 0;  // by publishers, within the window
  std::uint64_t sent_bytes = 0;
  std::uint64_t key_frames = 0;  // in all
  std::uint64_t not_sent = 0;    // the system did not take them

  // Of those who verify.
  unsigned verifying = 0;
  std::uint64_t verified_expected = 0;
  std::uint64_t verified = 0;
  std::uint64_t verified_lost = 0;
  std::uint64_t verified_duplicates = 0;
  std::uint64_t verified_reordered = 0;
  Participant::Wrong wrong;
  LogHistogram delays;

  double own_cpu_seconds = 0;
  double own_waited_seconds = 0;
  std::uint64_t own_socket_drops = 0;
  bool has_server_figures = false;
  double server_cpu_seconds = 0;
  double server_waited_seconds = 0;
  std::uint64_t server_socket_drops = 0;
  std::uint64_t server_resident_bytes = 0;
  double server_join_cpu_seconds = 0;                       // from the start until all are in
  std::uint64_t server_resident_bytes_per_participant = 0;  // what it grew by, the media of the run included

  /// What nobody sent, or somebody else, came out of a decryption, or nothing did.
  [[nodiscard]] std::uint64_t corrupt() const {
    return wrong.unopened + wrong.corrupt + wrong.foreign + wrong.unannounced + wrong.unknown;
  }
  [[nodiscard]] bool good() const {
    return joined == participants && rejoined == left && corrupt() == 0 && failed == 0;
  }
};

/// Runs it and returns after all its deadlines at the latest; a line of progress each second goes to `progress`. The
/// error is one line: it could not begin.
[[nodiscard]] Result<LoadResult, std::string> run_load(const LoadOptions& options, std::ostream& progress);

}  // namespace zvonok::load
