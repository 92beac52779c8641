// The secured transport of one participant: ICE-lite decides where packets may come from and go to, DTLS gives the
// keys, SRTP opens and seals. Sans-IO.
//
// Nothing of a packet is believed before it is authenticated: DTLS and SRTP are looked at only on paths that passed a
// check, and only an authentic packet changes any state.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "media/packet_sink.h"
#include "proto/dtls/transport.h"
#include "proto/ice/ice_lite.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"

namespace zvonok::media {

enum class TransportState : std::uint8_t {
  New,           // nothing agreed yet
  Connecting,    // checks or handshake under way
  Connected,     // media can flow
  Disconnected,  // the other side has been silent for long; it may come back
  Failed,
};
[[nodiscard]] std::string_view to_text(TransportState state);

enum class TransportFailure : std::uint8_t {
  None,
  NoChecks,
  IceTimeout,
  DtlsTimeout,
  DtlsFingerprint,
  DtlsOther,
  KeysExhausted,  // nothing more can be sealed safely by the association's keys (RFC 3711 section 9.2)
};
inline constexpr std::size_t kTransportFailures = 7;
[[nodiscard]] std::string_view to_text(TransportFailure failure);

/// Why packets were dropped.
struct TransportCounters {
  std::array<std::uint64_t, ice::kVerdicts> stun{};
  std::uint64_t unvalidated = 0;                // DTLS or SRTP on a path without a check
  std::uint64_t before_keys = 0;                // SRTP before the handshake was done
  std::array<std::uint64_t, 6> srtp_errors{};   // by srtp::Error
  std::array<std::uint64_t, 6> srtcp_errors{};  // likewise
  std::uint64_t unsendable = 0;                 // no path or no keys
};

class Transport {
 public:
  struct Options {
    ice::Options ice{};
    dtls::TransportOptions dtls{};
    srtp::ReceiverOptions srtp{.ssrcs_max = 256};
  };
  struct Remote {
    ice::Credentials ice;
    std::vector<dtls::Fingerprint> fingerprints;
    dtls::Role our_role = dtls::Role::Passive;
    friend bool operator==(const Remote&, const Remote&) = default;
  };

  /// `context` and `sink` outlive it.
  Transport(TimePoint now, const dtls::Context& context, PacketSink& sink, ice::Credentials local, Options options);

  /// What negotiation says of the other side. Another fingerprint, or another role before the handshake is done, begins
  /// a new DTLS association; the same again changes nothing. Other ICE credentials may mean that another connection
  /// with the same certificate took over: a handshake that begins after them is carried through beside the association,
  /// and replaces it when it is done.
  void set_remote(TimePoint now, const Remote& remote);
  void restart_ice(TimePoint now, ice::Credentials local);

  void on_stun(TimePoint now, const ice::Path& path, Bytes packet);
  void on_dtls(TimePoint now, const ice::Path& path, Bytes packet);
  /// Opens in place. nullopt: dropped and counted.
  [[nodiscard]] std::optional<srtp::Opened> open_rtp(TimePoint now, const ice::Path& path, MutableBytes packet);
  [[nodiscard]] std::optional<std::size_t> open_rtcp(TimePoint now, const ice::Path& path, MutableBytes packet);
  /// Nobody takes packets of that stream any more. Its replay window is kept for long, or its packets could come again
  /// as those of a new stream; only when very many were retired the oldest is forgotten.
  void retire(rtp::Ssrc ssrc);
  /// It is in use again.
  void take_back(rtp::Ssrc ssrc) { std::erase(retired_, ssrc); }
  [[nodiscard]] bool is_retired(rtp::Ssrc ssrc) const;
  void on_path_closed(TimePoint now, const ice::Path& path);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const;
  [[nodiscard]] std::optional<ice::Event> poll_ice_event() { return ice_.poll_event(); }

  /// Where media goes; nothing while it can't.
  [[nodiscard]] const ice::Path* media_path() const { return sender_ && path_ && !exhausted_ ? &*path_ : nullptr; }
  /// Only while there is a `media_path`.
  [[nodiscard]] srtp::Sender& sender() { return *sender_; }
  /// Of what it takes to send by it; and, when that has come, of the keys.
  void prefetch() const {
    zvonok::prefetch(&sender_, sizeof sender_);
    zvonok::prefetch(&path_, sizeof path_ + sizeof exhausted_);
  }
  void prefetch_keys() const {
    if (sender_) sender_->prefetch();
  }
  void count_unsendable() { ++counters_.unsendable; }
  /// The keys must not be used any more; another association has others.
  void exhaust() { exhausted_ = true; }
  /// Sends one compound of RTCP, sealed.
  void send_rtcp(Bytes plain);

  /// Counts the DTLS associations: another one has other keys, and both sides begin anew.
  [[nodiscard]] unsigned association() const { return association_; }

  [[nodiscard]] TransportState state() const;
  [[nodiscard]] TransportFailure failure() const;
  [[nodiscard]] const TransportCounters& counters() const { return counters_; }
  [[nodiscard]] const ice::IceLite& ice() const { return ice_; }

 private:
  void begin_dtls(TimePoint now);
  void after_dtls();
  void transmit(dtls::Transport& from);
  void take_keys();
  [[nodiscard]] bool may_open(const ice::Path& path);
  void update_path();

  const dtls::Context& context_;
  PacketSink& sink_;
  Options options_;
  ice::IceLite ice_;
  std::optional<Remote> remote_;
  std::unique_ptr<dtls::Transport> dtls_;
  std::unique_ptr<dtls::Transport> next_dtls_;  // beside the other, until it is done
  bool may_begin_again_ = false;                // ICE was restarted by the other side since the association was done
  std::optional<srtp::Sender> sender_;
  std::optional<srtp::Receiver> receiver_;
  std::vector<rtp::Ssrc> retired_;  // the oldest first
  std::optional<ice::Path> path_;   // ICE's, kept for the packet path
  bool exhausted_ = false;
  unsigned association_ = 0;
  TransportCounters counters_;
};

}  // namespace zvonok::media
