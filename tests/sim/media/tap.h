// Looks at every datagram that the engine emits, with the keys of the receivers, and holds it against what must always
// be true: no nonce is used for two packets, nothing reaches whom it is not for, nothing is sent of a muted track, a
// retransmission repeats what was sent, time goes on.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/sequence.h"
#include "base/time.h"
#include "media/codec/vp8.h"
#include "media/parameters.h"
#include "proto/dtls/srtp_keys.h"
#include "proto/rtp/packet.h"
#include "proto/srtp/receiver.h"
#include "sim/media/stamp.h"

namespace zvonok::sim {

class Tap {
 public:
  struct Route {
    std::uint64_t peer = 0;
    unsigned association = 0;  // of the peer, as the engine counts
    auto operator<=>(const Route&) const = default;
  };
  struct Counters {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
    std::uint64_t rtp = 0;
    std::uint64_t repeated = 0;
    std::uint64_t padding = 0;
  };
  /// When a packet of that track and layer was last sent to the peer, and what of it.
  struct Stream {
    SequenceExtender extender;
    std::optional<std::uint64_t> first;
    std::uint64_t newest = 0;
    std::uint32_t newest_timestamp = 0;
    std::uint32_t newest_frame = 0;
    std::uint8_t newest_layer = 0;
    std::optional<media::Vp8Descriptor> newest_picture;
    bool is_video = false;
    std::size_t picture_jumps = 0;  // where no number is missing
    std::set<std::uint64_t> missing;
    std::unordered_map<std::uint16_t, std::uint64_t> payloads;  // hashes, by number
  };

  void on_emit(TimePoint now, Route route, Bytes datagram);
  void on_keys(Route route, const dtls::SrtpKeys& keys);
  void set_room(std::uint64_t peer, std::uint32_t room) { rooms_[peer] = room; }
  void set_streams(std::uint64_t peer, const std::vector<media::SendParameters>& streams);
  /// Its publisher sends garbage; that may reach who gets the track, and only them.
  void distrust(std::uint32_t track) { distrusted_.insert(track); }
  void set_muted(TimePoint now, std::uint32_t track, bool muted);

  [[nodiscard]] const Counters& counters(std::uint64_t peer) { return counters_[peer]; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  /// Numbers of streams to that peer that were skipped and never sent.
  [[nodiscard]] std::size_t gaps(std::uint64_t peer) const;
  /// How often a picture id or TL0PICIDX to that peer was not the one after that of the picture before.
  [[nodiscard]] std::size_t picture_jumps(std::uint64_t peer) const;

 private:
  struct Emitted {
    TimePoint at{};
    std::vector<std::uint8_t> bytes;
  };
  struct Association {
    std::unique_ptr<srtp::Receiver> receiver;
    std::vector<Emitted> waiting;
    std::map<std::uint32_t, Stream> streams;                       // of RTP, by SSRC
    std::unordered_map<std::uint64_t, std::uint64_t> sealed;       // by SSRC and index
    std::unordered_map<std::uint64_t, std::uint64_t> sealed_rtcp;  // likewise
  };
  struct Known {
    std::uint32_t track = 0;
    media::Kind kind = media::Kind::Audio;
    bool rtx = false;
    std::uint32_t primary = 0;
  };
  struct Mute {
    TimePoint since{};
    TimePoint until = TimePoint::max();
  };

  void check_nonce(Route route, Association& association, Bytes datagram);
  void open(Route route, Association& association, Emitted emitted);
  void look(TimePoint at, Route route, Association& association, std::uint64_t sequence, Bytes packet);
  void look_at_primary(Association& association, const rtp::PacketView& view, std::uint64_t sequence,
                       const Stamp& stamp, Bytes payload);
  static void look_at_picture(Stream& stream, bool is_next, bool same_frame, Bytes payload);
  void look_at_repeat(Route route, Association& association, const Known& known, Bytes payload);
  void complain(std::string what);

  std::map<Route, Association> associations_;
  std::map<std::uint64_t, std::map<std::uint32_t, Known>> known_;
  std::map<std::uint64_t, std::uint32_t> rooms_;
  std::map<std::uint32_t, std::vector<Mute>> mutes_;
  std::set<std::uint32_t> distrusted_;
  std::map<std::uint64_t, Counters> counters_;
  std::vector<std::string> violations_;
};

}  // namespace zvonok::sim
