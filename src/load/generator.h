// `zvonok loadtest`: fills a server's rooms with participants over its real sockets, and measures what they get. One
// thread, thousands of participants.
//
// The run: publishers join, then all others; a while for things to settle; the window, in which everything is counted;
// a moment for what is still under way. Each of these ends by a deadline at the latest.
#pragma once
#include <array>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "load/log_histogram.h"
#include "load/participant.h"
#include "load/process_meter.h"
#include "load/received.h"
#include "load/tally.h"
#include "load/target.h"

namespace zvonok::load {

struct LoadOptions {
  Target target;
  std::string room_prefix = "load-";

  unsigned rooms = 1;
  unsigned publishers = 1;    // of each room
  unsigned subscribers = 10;  // of each room, who only receive
  enum class Publishers : std::uint8_t { OnlySend, HearEachOther } publishers_do = Publishers::OnlySend;
  unsigned audio_packets_per_second = 50;  // 0: no audio
  unsigned video_packets_per_second = 0;   // 0: no video
  std::size_t audio_bytes = 100;           // of payload
  std::size_t video_bytes = 1100;

  /// Of simulcast the sizes and rates are those of `kSimulcastLadder`; feedback and repair belong to it.
  enum class Video : std::uint8_t { Single, Simulcast } video = Video::Single;
  TransportFeedback transport_feedback = TransportFeedback::Off;
  Repair repair = Repair::Off;
  double tcp_share = 0;  // of each room's participants, whose media goes over TCP

  double joins_per_second = 50;  // 0: at once
  double leaves_per_second = 0;  // of subscribers, within the window; each comes back a second later
  double verify_share = 0.05;    // of receivers; one of each room at least
  Reports reports = Reports::On;
  Duration join_timeout = seconds{30};  // from a participant's beginning
  Duration warm_up = seconds{2};
  Duration window = seconds{10};
  Duration drain = milliseconds{500};
};

/// A layer of simulcast, as browsers make them of a picture of 1280 x 720.
struct SimulcastLayer {
  const char* rid;
  std::uint16_t height;
  unsigned packets_per_second;
  std::size_t payload_bytes;
};
inline constexpr std::array kSimulcastLadder{SimulcastLayer{"q", 180, 30, 625},     // 150 kbit/s
                                             SimulcastLayer{"h", 360, 60, 1040},    // 500 kbit/s
                                             SimulcastLayer{"f", 720, 180, 1040}};  // 1.5 Mbit/s

struct LoadResult {
  double load_average = 0;  // before the run
  unsigned participants = 0;
  unsigned joined = 0;
  Tally failures;          // of participants
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
  LogHistogram late;  // how long after they were due packets were sent

  /// Of simulcast, by rid.
  struct Layer {
    std::uint64_t packets = 0;  // that those who verify got of it, sent within the window
    std::uint64_t streams = 0;  // of all receivers, that were of it when the window ended, as the server says
  };
  std::map<std::string, Layer> layers;
  Participant::Repairs repairs;          // of the whole run
  std::vector<std::uint64_t> estimates;  // bit/s, of each receiver of whom the server told one; ascending
  std::vector<double> scores;            // 1.0 to 4.5, likewise

  ProcessWatch::Used own;
  ProcessWatch::Used server;  // what it grew by includes the media of the run
  bool has_server_figures = false;
  double server_join_cpu_seconds = 0;  // from the start until all are in

  /// What nobody sent, or somebody else, came out of a decryption, or nothing did.
  [[nodiscard]] std::uint64_t corrupt() const {
    return wrong.unopened + wrong.corrupt + wrong.foreign + wrong.unannounced + wrong.unknown;
  }
  [[nodiscard]] bool good() const {
    return joined == participants && rejoined == left && corrupt() == 0 && failures.count() == 0;
  }
};

/// Runs it and returns after all its deadlines at the latest; a line of progress each second goes to `progress`. The
/// error is one line: it could not begin.
[[nodiscard]] Result<LoadResult, std::string> run_load(const LoadOptions& options, std::ostream& progress);

}  // namespace zvonok::load
