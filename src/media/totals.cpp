#include "media/totals.h"

#include <array>
#include <cstddef>

namespace zvonok::media {
namespace {

template <std::size_t N>
void add(std::array<std::uint64_t, N>& sum, const std::array<std::uint64_t, N>& more) {
  for (std::size_t i = 0; i < N; ++i) sum[i] += more[i];
}

void add(TransportCounters& sum, const TransportCounters& more) {
  add(sum.stun, more.stun);
  sum.unvalidated += more.unvalidated;
  sum.before_keys += more.before_keys;
  add(sum.srtp_errors, more.srtp_errors);
  add(sum.srtcp_errors, more.srtcp_errors);
  sum.unsendable += more.unsendable;
}

void add(UplinkCounters& sum, const UplinkCounters& more) {
  sum.packets += more.packets;
  sum.bytes += more.bytes;
  sum.unknown_ssrc += more.unknown_ssrc;
  sum.malformed += more.malformed;
  sum.shed += more.shed;
  sum.too_much_audio += more.too_much_audio;
  sum.padding += more.padding;
  sum.nacked += more.nacked;
  sum.keyframe_requests += more.keyframe_requests;
}

void add(DownlinkCounters& sum, const DownlinkCounters& more) {
  sum.packets += more.packets;
  sum.bytes += more.bytes;
  sum.queued += more.queued;
  sum.dropped_late += more.dropped_late;
  sum.switches += more.switches;
  sum.audio_only += more.audio_only;
  sum.feedbacks += more.feedbacks;
  sum.repeats_refused += more.repeats_refused;
  sum.nacked += more.nacked;
  sum.retransmitted += more.retransmitted;
  sum.padding += more.padding;
  sum.keyframe_requests += more.keyframe_requests;
}

}  // namespace

void MediaTotals::add(Peer& peer) {
  media::add(transport, peer.transport().counters());
  media::add(up, peer.uplink().counters());
  media::add(down, peer.downlink().counters());
  bad_rtcp += peer.bad_rtcp();
}

void MediaTotals::add(const MediaTotals& other) {
  media::add(transport, other.transport);
  media::add(up, other.up);
  media::add(down, other.down);
  bad_rtcp += other.bad_rtcp;
}

}  // namespace zvonok::media
