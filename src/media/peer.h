// One participant in the media plane: its transport, what it sends and what it gets, and the RTCP of both. Sans-IO;
// belongs to one engine.
#pragma once
#include <cstdint>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "media/downlink.h"
#include "media/parameters.h"
#include "media/peer_host.h"
#include "media/transport.h"
#include "media/uplink.h"

namespace zvonok::media {

class Peer {
 public:
  struct Parts {
    PeerHost& host;
    PacketSink& sink;
    const dtls::Context& dtls;
    Entropy& entropy;
  };
  Peer(TimePoint now, ParticipantId id, RoomId room, ice::Credentials local, Parts parts);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  [[nodiscard]] ParticipantId id() const { return id_; }
  [[nodiscard]] RoomId room() const { return room_; }
  [[nodiscard]] Transport& transport() { return transport_; }
  [[nodiscard]] Uplink& uplink() { return uplink_; }
  [[nodiscard]] Downlink& downlink() { return downlink_; }
  [[nodiscard]] Duration round_trip() const { return link_.round_trip; }

  /// Applies the difference to what was before. Tracks that it publishes no more are gone afterwards.
  void set_parameters(const PeerParameters& parameters, TimePoint now);
  void set_remote(const Transport::Remote& remote, TimePoint now);
  /// After anything that may have changed the keys: with new ones both directions begin anew.
  void check_association(TimePoint now);
  /// Media can flow from now on.
  void on_connected(TimePoint now);

  void on_rtp(TimePoint now, const ice::Path& path, MutableBytes packet);
  void on_rtcp(TimePoint now, const ice::Path& path, MutableBytes packet);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const;
  /// RTCP that could not be read.
  [[nodiscard]] std::uint64_t bad_rtcp() const { return bad_rtcp_; }

  // The engine's.
  TimePoint armed = TimePoint::max();  // when its timer for this peer is set
  bool touched = false;
  std::uint32_t generation = 0;
  std::uint8_t statistics_lot = 0;
  TransportState told_state = TransportState::New;
  std::vector<ice::Path> paths;     // that lead here
  std::vector<std::string> ufrags;  // likewise

 private:
  void handle_packet(const rtcp::Packet& packet, TimePoint now);
  void send_reports(TimePoint now);

  ParticipantId id_;
  RoomId room_;
  Transport transport_;
  PeerLink link_;
  Uplink uplink_;
  Downlink downlink_;
  unsigned association_ = 0;
  TimePoint next_reports_ = TimePoint::max();
  std::vector<rtcp::ReportBlock> blocks_;  // reused
  std::uint64_t bad_rtcp_ = 0;
};

}  // namespace zvonok::media
