// A participant as the server sees one: a full ICE agent, DTLS client, SRTP both ways, an audio and a video publisher,
// and receivers that repair, report and judge what they get. Sans-IO and in virtual time; made of the project's own
// parsers and writers, and of nothing of the media plane but the parser of VP8's descriptor.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/sequence.h"
#include "media/parameters.h"
#include "proto/dtls/transport.h"
#include "proto/ice/credentials.h"
#include "proto/rtcp/packet.h"
#include "proto/rtcp/twcc_recorder.h"
#include "proto/rtp/packet.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"
#include "proto/stun/integrity.h"
#include "sim/media/stamp.h"
#include "sim/media/video_receiver.h"
#include "sim/media/vp8_source.h"

namespace zvonok::sim {

inline constexpr rtp::PayloadType kOpusType{111};
inline constexpr rtp::PayloadType kVp8Type{96};
inline constexpr rtp::PayloadType kVp8RtxType{97};

class Client {
 public:
  using Bytes8 = std::vector<std::uint8_t>;
  /// Puts a datagram on the way from a port of ours.
  using Send = std::function<void(TimePoint, std::uint16_t port, Bytes8)>;
  using Keys = std::function<void(const dtls::SrtpKeys&)>;
  struct Options {
    const dtls::Context* dtls = nullptr;
    dtls::Fingerprint server_fingerprint;
    std::uint64_t seed = 0;
    Send send;
    Keys on_keys;
    Duration round_trip = milliseconds{60};  // what it takes NACKs to be answered
    bool sends_transport_feedback = true;
    bool sends_nacks = true;
    bool sends_keyframe_requests = true;
  };
  struct Layer {
    std::string rid;  // empty without simulcast
    std::uint16_t height = 720;
    std::int64_t bitrate_bps = 1'000'000;
  };
  struct Publication {
    std::uint32_t room = 0;
    std::uint32_t audio_track = 0;  // 0: none
    std::uint32_t video_track = 0;
    std::string audio_mid;
    std::string video_mid;
    std::vector<Layer> layers;
  };

  explicit Client(Options options);

  // ---- signalling ----
  [[nodiscard]] const ice::Credentials& local() const { return local_; }
  void set_server(const ice::Credentials& server) { server_ = server; }
  void publish(const Publication& publication);
  void stop_publishing() { outs_.clear(); }
  /// What it is to get, with the SSRCs that negotiation told.
  void set_receive(const std::vector<media::SendParameters>& streams);
  /// Of both sides, as they change in a restart of ICE. Checks begin with them at once unless `hold_checks`.
  void restart_ice(const ice::Credentials& server);
  /// The page is loaded again: another connection, with the same certificate.
  void reload();
  void move_to_port(std::uint16_t port) { ports_.insert(port_ = port), next_check_ = TimePoint{}; }
  void close_old_ports() { ports_ = {port_}; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // ---- the network ----
  void on_datagram(TimePoint now, std::uint16_t port, Bytes8 bytes);
  void step(TimePoint now);

  // ---- knobs ----
  bool checks_allowed = true;
  bool silent = false;                 // publishes nothing for the moment
  std::set<std::uint32_t> distrusted;  // tracks of which anything may come
  void set_layer_active(std::size_t layer, bool active);
  void replace_layer_ssrc(std::size_t layer);
  [[nodiscard]] bool has_keys() const { return sender_.has_value(); }
  [[nodiscard]] bool ice_connected() const { return ice_connected_; }
  /// Authentic packets of any content. `header` fields as they are; nobody checks.
  void send_rtp(TimePoint now, const rtp::HeaderFields& header, std::uint64_t sequence,
                std::span<const rtp::ExtensionElement> extensions, Bytes payload);
  void send_rtcp(TimePoint now, Bytes plain);
  [[nodiscard]] std::uint16_t next_transport_number() { return transport_number_++; }

  // ---- what happened ----
  struct AudioPacket {
    std::uint32_t number = 0;
    TimePoint sent{};
    TimePoint at{};
  };
  struct In {
    media::SendParameters parameters;
    SequenceExtender extender;
    std::optional<std::uint64_t> first;
    std::set<std::uint64_t> seen;
    struct Missing {
      TimePoint ask_at{};
      unsigned asked = 0;
    };
    std::map<std::uint64_t, Missing> missing;
    std::uint64_t packets = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t repaired = 0;
    std::uint64_t padding = 0;
    std::uint64_t expected_before = 0;
    std::uint64_t received_before = 0;
    std::optional<rtcp::SenderInfo> report;
    TimePoint report_at{};
    VideoReceiver video;
    std::vector<AudioPacket> audio;
  };
  /// By primary SSRC.
  [[nodiscard]] const std::map<rtp::Ssrc, In>& ins() const { return ins_; }
  [[nodiscard]] const In* in_of(std::uint32_t track) const;
  [[nodiscard]] In* in_of(std::uint32_t track);
  struct Out {
    media::Kind kind = media::Kind::Audio;
    std::uint32_t track = 0;
    std::string mid;
    std::string rid;
    rtp::Ssrc ssrc{};
    rtp::Ssrc rtx{};
    std::uint64_t sequence = 0;
    std::uint64_t rtx_sequence = 0;
    std::uint32_t first_timestamp = 0;
    std::uint32_t octets = 0;
    std::uint32_t packets = 0;
    bool heard = false;
    bool active = true;
    std::optional<Vp8Source> source;
    struct Kept {
      std::uint32_t timestamp = 0;
      bool marker = false;
      Bytes8 payload;
    };
    std::map<std::uint64_t, Kept> kept;
  };
  [[nodiscard]] std::vector<Out>& outs() { return outs_; }
  /// When each audio packet of ours was made, by its number from 1 on.
  [[nodiscard]] const std::vector<TimePoint>& audio_sent() const { return audio_sent_; }
  [[nodiscard]] const std::vector<std::string>& wrong() const { return wrong_; }
  struct Counters {
    std::uint64_t unopened = 0;
    std::uint64_t plis = 0;   // that we got
    std::uint64_t nacks = 0;  // packets that we were asked for
    std::uint64_t rtx_sent = 0;
    std::uint64_t feedbacks = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// The worst difference between when a frame or sound was made and when its sender report says so.
  [[nodiscard]] Duration worst_sync() const { return worst_sync_; }
  void forget_sync() { worst_sync_ = {}; }
  [[nodiscard]] const media::ExtensionIds& ids() const { return ids_; }
  media::ExtensionIds& ids() { return ids_; }

 private:
  void check_ice(TimePoint now);
  void on_stun(TimePoint now, Bytes bytes);
  void pump_dtls(TimePoint now);
  void begin_dtls();
  void on_rtp(TimePoint now, std::span<std::uint8_t> bytes);
  void on_primary(TimePoint now, In& in, std::uint64_t sequence, const rtp::PacketView& view, Bytes payload);
  void on_rtx(TimePoint now, In& in, const rtp::PacketView& view, Bytes payload);
  void note_missing(TimePoint now, In& in, std::uint64_t sequence);
  void on_rtcp(TimePoint now, std::span<std::uint8_t> bytes);
  void on_nack(TimePoint now, const rtcp::Nack& nack);
  void publish_media(TimePoint now);
  void send_audio(TimePoint now, Out& out);
  void send_frame(TimePoint now, Out& out);
  void send_media(TimePoint now, Out& out, const rtp::HeaderFields& header, std::uint64_t sequence, bool rtx,
                  std::optional<std::uint8_t> level, Bytes payload);
  void send_feedback(TimePoint now);
  void send_reports(TimePoint now);
  void check_sync(const In& in, std::uint32_t timestamp, std::uint32_t rate, TimePoint sent);
  void complain(std::string what);
  [[nodiscard]] rtcp::NtpTime ntp(TimePoint now) const;
  rtp::Ssrc new_ssrc() { return rtp::Ssrc{static_cast<std::uint32_t>(random_.next()) | 1U}; }

  Options options_;
  Random random_;
  RandomEntropy entropy_;
  media::ExtensionIds ids_;
  ice::Credentials local_;
  ice::Credentials server_;
  std::uint16_t port_ = 40'000;
  std::set<std::uint16_t> ports_{40'000};
  bool ice_connected_ = false;
  TimePoint next_check_{};
  std::unique_ptr<dtls::Transport> dtls_;
  std::optional<srtp::Sender> sender_;
  std::optional<srtp::Receiver> receiver_;
  rtp::Ssrc own_ssrc_{};

  Publication publication_;
  std::vector<Out> outs_;
  std::uint32_t next_number_ = 0;
  std::uint16_t transport_number_ = 0;
  TimePoint next_audio_{};
  TimePoint next_frame_{};
  std::vector<TimePoint> audio_sent_;

  std::map<rtp::Ssrc, In> ins_;
  std::map<rtp::Ssrc, rtp::Ssrc> rtx_to_primary_;
  rtcp::TwccRecorder recorder_;
  TimePoint next_feedback_{};
  TimePoint next_reports_{};
  Duration worst_sync_{};
  std::vector<std::string> wrong_;
  Counters counters_;
};

/// What a browser's audio and video section say, together.
[[nodiscard]] media::ExtensionIds extension_ids_of(media::Kind kind);

}  // namespace zvonok::sim
