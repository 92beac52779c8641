// What all peers of an engine count, those that have gone included: for metrics. Only grows.
#pragma once
#include <cstdint>

#include "media/downlink.h"
#include "media/peer.h"
#include "media/transport.h"
#include "media/uplink.h"

namespace zvonok::media {

struct MediaTotals {
  TransportCounters transport;
  UplinkCounters up;
  DownlinkCounters down;
  std::uint64_t bad_rtcp = 0;

  void add(Peer& peer);
  void add(const MediaTotals& other);
};

}  // namespace zvonok::media
