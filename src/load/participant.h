// One participant of a load test, sans-IO: the room dialect, offers and answers, ICE (controlling), DTLS (client),
// SRTP, what it publishes, and the count of what it gets. Where agreed, it tells when packets came, asks for lost ones
// again, and repeats what it is asked for. Datagrams, texts and time go in; what is to be sent goes to its Outlet at
// once.
//
// Everybody counts by RTP headers, which needs no decryption (but for repairs, which are few). Those that verify open
// every packet: what they say of loss, duplicates and delay is exact, and nothing but what publishers sent passes for
// media.
//
// Threads: one for all participants that share a Course and a dtls::Context.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/entropy.h"
#include "base/time.h"
#include "load/description.h"
#include "load/dialect.h"
#include "load/log_histogram.h"
#include "load/received.h"
#include "load/source.h"
#include "load/stamp.h"
#include "media/nack_generator.h"
#include "proto/dtls/transport.h"
#include "proto/rtcp/ntp.h"
#include "proto/rtcp/packet.h"
#include "proto/rtcp/twcc_recorder.h"
#include "proto/rtp/packet.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"
#include "proto/stun/integrity.h"

namespace zvonok::load {

/// Where what a participant sends goes.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// A message of the room dialect.
  virtual void send_text(std::string_view text) = 0;
  /// The server's media address is known, of UDP or TCP as the options say: from here on datagrams may be sent. Once.
  virtual void use_server(const SocketAddress& server) = 0;
  /// Room for one datagram, kDatagramRoom bytes, good until the next call. It may be left unused.
  [[nodiscard]] virtual MutableBytes claim() = 0;
  virtual void commit(std::size_t size) = 0;

  static constexpr std::size_t kDatagramRoom = 1500;
};

/// What all participants of a run share: the window in which packets are measured, by when they were sent.
struct Course {
  TimePoint window_begin = TimePoint::max();
  TimePoint window_end = TimePoint::max();
  LogHistogram delays;  // of packets sent in the window
  LogHistogram late;    // how long after they were due they were sent; likewise

  [[nodiscard]] bool measures(TimePoint sent) const { return sent >= window_begin && sent < window_end; }
};

enum class Verify : std::uint8_t { HeadersOnly, Everything };
/// Sender and receiver reports, once a second, as browsers send them.
enum class Reports : std::uint8_t { Off, On };
/// What carries media. Over TCP datagrams are framed (RFC 4571).
enum class Carrier : std::uint8_t { Udp, Tcp };

struct ParticipantOptions {
  std::string name;  // the session id
  std::uint32_t room = 0;
  std::vector<SourceOptions> sources;
  Description::Receiving receiving = Description::Receiving::Yes;
  std::size_t audio_expected = 0;  // streams
  std::size_t video_expected = 0;
  /// Whether the first offer has sections for what is expected, or the server is to offer them.
  enum class Asks : std::uint8_t { No, Yes } asks = Asks::Yes;
  Verify verify = Verify::HeadersOnly;
  Reports reports = Reports::On;
  Repair repair = Repair::Off;
  TransportFeedback transport_feedback = TransportFeedback::Off;
  Carrier carrier = Carrier::Udp;
  const dtls::Context* dtls = nullptr;  // outlives it
  std::string fingerprint;              // of that context's certificate
  std::uint64_t seed = 0;
  Now clock{};  // any moment by both clocks, for sender reports
};

class Participant {
 public:
  /// `course`, `entropy` and `outlet` outlive it.
  Participant(ParticipantOptions options, Course& course, Entropy& entropy, Outlet& outlet);
  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;

  // ---- signalling ----
  /// The WebSocket is open: joins and, where it has something to say, offers.
  void join(TimePoint now);
  void on_text(TimePoint now, std::string_view text);
  /// Tells the server that it goes, over both ways.
  void leave(TimePoint now);

  // ---- the network ----
  /// `at` is when it came, which may be a little before `now`. Changes the bytes.
  void on_datagram(TimePoint now, TimePoint at, MutableBytes datagram);
  void handle_timeout(TimePoint now);
  /// TimePoint::max() when there is nothing to wait for.
  [[nodiscard]] TimePoint next_timeout() const;

  // ---- what became of it ----
  [[nodiscard]] const ParticipantOptions& options() const { return options_; }
  /// The server's description came.
  [[nodiscard]] bool was_answered() const { return has_server_; }
  [[nodiscard]] std::optional<TimePoint> connected_at() const { return connected_at_; }
  /// Connected, and every stream expected has begun.
  [[nodiscard]] std::optional<TimePoint> complete_at() const { return complete_at_; }
  /// What went wrong first; empty: nothing.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  void fail(std::string why);

  struct Sent {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] const Sent& sent() const { return sent_; }
  /// Packets of source `index` that were sent within the window.
  [[nodiscard]] std::uint64_t sent_in_window(std::size_t index) const { return out_[index].in_window; }
  [[nodiscard]] std::uint64_t key_frames() const;

  /// Begins to count by headers anew.
  void mark();
  [[nodiscard]] Counts since_mark() const;
  [[nodiscard]] std::uint64_t packets_received() const { return packets_received_; }
  [[nodiscard]] std::uint64_t bytes_received() const { return bytes_received_; }

  /// What a verifying participant knows of one track, by its stamps.
  struct Verified {
    SeenWindow seen;
    std::uint64_t in_window = 0;  // that were sent within the window, without duplicates
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;
    std::uint64_t first_in_window = 0;  // numbers
    std::uint64_t last_in_window = 0;
  };
  [[nodiscard]] const std::map<std::uint32_t, Verified>& verified() const { return verified_; }
  struct Wrong {
    std::uint64_t unopened = 0;     // SRTP that was not sealed with the agreed key
    std::uint64_t replayed = 0;     // SRTP that came twice
    std::uint64_t corrupt = 0;      // opened, and not what anybody sent
    std::uint64_t foreign = 0;      // of another room, or its own
    std::uint64_t unannounced = 0;  // of an SSRC that no description named
    std::uint64_t unknown = 0;      // datagrams of no known kind
  };
  [[nodiscard]] const Wrong& wrong() const { return wrong_; }
  /// Of loss and its repair.
  struct Repairs {
    std::uint64_t asked = 0;      // numbers that it asked for, once for each time
    std::uint64_t repaired = 0;   // that came then
    std::uint64_t padding = 0;    // packets of nothing but padding, by which the server tries the path
    std::uint64_t wanted = 0;     // numbers that the server asked this publisher for
    std::uint64_t repeated = 0;   // that it sent again
    std::uint64_t feedbacks = 0;  // messages that tell when packets came
  };
  [[nodiscard]] const Repairs& repairs() const { return repairs_; }
  /// What the server said last; nothing before it said something.
  [[nodiscard]] const std::optional<Quality>& quality() const { return quality_; }

 private:
  /// Of a packet that was sent: enough to make it again.
  struct Kept {
    std::uint64_t sequence = 0;
    std::uint32_t timestamp = 0;
    bool marker = false;
    std::array<std::uint8_t, kPayloadHeadBytes> head{};
    Stamp stamp;
  };
  struct Out {
    Source source;
    std::size_t section = 0;  // of those that are ours
    rtp::Ssrc ssrc{};
    rtp::Ssrc rtx{};
    std::uint64_t sequence = 0;
    std::uint64_t rtx_sequence = 0;
    std::uint32_t packets = 0;
    std::uint32_t octets = 0;
    std::uint64_t in_window = 0;
    bool heard = false;      // the server reports on it: it knows whose it is
    std::vector<Kept> kept;  // of video that is repaired; a ring by sequence
  };
  struct In {
    HeaderCount count;
    bool announced = false;
    std::optional<rtp::Ssrc> repairs;               // whose packets it repeats
    std::unique_ptr<media::NackGenerator> missing;  // of video that is repaired
    std::uint32_t last_sender_report = 0;           // compact NTP
    TimePoint sender_report_at{};
    std::uint64_t expected_before = 0;  // at the last report
    std::uint64_t packets_before = 0;
  };

  void add_source(const SourceOptions& source, std::vector<Description::Own>& own);
  void announce(const Description::Stream& stream);
  void take_remote(TimePoint now, const Description::Remote& remote);
  void check_ice(TimePoint now);
  void on_stun(TimePoint now, Bytes datagram);
  void pump_dtls(TimePoint now);
  void begin_media(TimePoint now);
  void on_rtp(TimePoint now, TimePoint at, MutableBytes datagram);
  [[nodiscard]] In* stream_of(rtp::Ssrc ssrc);
  void note_arrival(TimePoint at, Bytes datagram);
  void on_repair(TimePoint at, rtp::Ssrc of, MutableBytes datagram);
  /// The plain packet; nothing when it can't be opened, which is counted.
  [[nodiscard]] std::optional<rtp::PacketView> open(MutableBytes datagram);
  void verify(TimePoint at, Bytes payload);
  void on_rtcp(TimePoint now, MutableBytes datagram);
  void on_report_blocks(const rtcp::ReportBlocks& blocks);
  void on_nack(TimePoint now, const rtcp::Nack& nack);
  void publish(TimePoint now);
  void send_packet(TimePoint now, Out& out);
  void repeat_packet(const Kept& kept, Out& out);
  void send_feedback(TimePoint now);
  void send_nacks(TimePoint now);
  void send_reports(TimePoint now);
  [[nodiscard]] std::vector<rtcp::ReportBlock> report_blocks(TimePoint now);
  void send_rtcp(Bytes plain);
  void note_complete(TimePoint at);
  [[nodiscard]] rtp::Ssrc new_ssrc();

  ParticipantOptions options_;
  Course& course_;
  Entropy& entropy_;
  Outlet& outlet_;
  std::vector<Out> out_;
  ice::Credentials local_;
  std::optional<Description> description_;

  bool has_server_ = false;
  bool left_ = false;
  std::string username_;  // of checks
  std::optional<stun::IntegrityKey> remote_key_;
  TimePoint next_check_ = TimePoint::max();
  Duration check_interval_{};
  TimePoint last_answer_{};  // to a check
  bool ice_connected_ = false;
  std::unique_ptr<dtls::Transport> dtls_;
  std::uint64_t dtls_came_ = 0;  // datagrams
  std::optional<srtp::Sender> sender_;
  std::optional<srtp::Receiver> receiver_;

  std::optional<TimePoint> connected_at_;
  std::optional<TimePoint> complete_at_;
  std::string failure_;

  std::uint16_t transport_number_ = 0;  // of the next packet
  std::uint8_t transport_feedback_id_ = 0;
  std::optional<rtcp::TwccRecorder> recorder_;
  TimePoint next_nacks_ = TimePoint::max();
  std::vector<std::uint16_t> lost_;  // scratch
  Repairs repairs_;
  std::optional<Quality> quality_;

  rtp::Ssrc report_ssrc_{};
  TimePoint next_report_ = TimePoint::max();
  Sent sent_;
  std::unordered_map<rtp::Ssrc, In> in_;
  In* last_in_ = nullptr;
  rtp::Ssrc last_ssrc_{};
  std::size_t streams_begun_ = 0;
  std::uint64_t packets_received_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::map<std::uint32_t, Verified> verified_;
  Wrong wrong_;
};

}  // namespace zvonok::load
