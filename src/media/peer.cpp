#include "media/peer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/overloaded.h"
#include "media/unhurried.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"

namespace zvonok::media {
namespace {

constexpr Duration kReportInterval = seconds{1};
constexpr std::size_t kReportRoom = 1100;
// What one sender report and its CNAME take, and one report block.
constexpr std::size_t kSenderReportBytes = 28 + 12 + 256;
constexpr std::size_t kBlockBytes = 24;

}  // namespace

Peer::Peer(TimePoint now, ParticipantId id, RoomId room, ice::Credentials local, Parts parts)
    : id_{id},
      room_{room},
      transport_{now, parts.dtls, parts.sink, std::move(local), {}},
      link_{.host = parts.host,
            .sink = parts.sink,
            .transport = transport_,
            .entropy = parts.entropy,
            .peer = *this,
            .own_ssrc = rtp::Ssrc{random_u32(parts.entropy) | 1U}},  // never 0
      uplink_{link_},
      downlink_{link_} {}

Peer::~Peer() = default;

void Peer::set_parameters(const PeerParameters& parameters, TimePoint now) {
  uplink_.set_parameters(parameters.receive, id_, room_);
  downlink_.set_parameters(parameters.send, room_, now);
  if (next_reports_ == TimePoint::max()) next_reports_ = unhurried(now + kReportInterval);
  link_.touch();
}

void Peer::set_remote(const Transport::Remote& remote, TimePoint now) {
  transport_.set_remote(now, remote);
  check_association(now);
}

void Peer::check_association(TimePoint now) {
  const unsigned before = std::exchange(association_, transport_.association());
  if (before == 0 || association_ == before) return;
  uplink_.restart();
  downlink_.restart(now);
  downlink_.on_connected(now);
}

void Peer::on_connected(TimePoint now) {
  downlink_.on_connected(now);
  link_.touch();
}

void Peer::on_rtp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  const auto opened = transport_.open_rtp(now, path, packet);
  if (opened) uplink_.on_rtp(now, Bytes{packet}.first(opened->length), opened->extended_sequence);
}

void Peer::on_rtcp(TimePoint now, const ice::Path& path, MutableBytes packet) {
  const auto length = transport_.open_rtcp(now, path, packet);
  if (!length) return;
  rtcp::Reader reader{Bytes{packet}.first(*length)};
  while (const auto next = reader.next()) handle_packet(*next, now);
  if (reader.error()) ++bad_rtcp_;
  link_.touch();
}

void Peer::handle_packet(const rtcp::Packet& packet, TimePoint now) {
  std::visit(Overloaded{[&](const rtcp::SenderReport& report) {
                          uplink_.on_sender_report(report.info, now);
                          downlink_.on_reports(report.blocks, now);
                        },
                        [&](const rtcp::ReceiverReport& report) { downlink_.on_reports(report.blocks, now); },
                        [&](const rtcp::Bye& bye) { uplink_.on_bye(bye); },
                        [&](const rtcp::Nack& nack) { downlink_.on_nack(nack, now); },
                        [&](const rtcp::Pli& pli) { downlink_.on_keyframe_request(pli.media); },
                        [&](const rtcp::Fir& fir) {
                          for (const rtcp::FirEntry entry : fir.entries) downlink_.on_keyframe_request(entry.ssrc);
                        },
                        [&](const rtcp::Remb& remb) { downlink_.on_remb(remb); },
                        [&](const rtcp::TransportFeedback& told) { downlink_.on_transport_feedback(told, now); },
                        [](const rtcp::Sdes&) {}, [](const rtcp::ExtendedReport&) {}, [](const rtcp::Unknown&) {}},
             packet);
}

/// A sender report for each stream that goes out, with report blocks of those that come in, in as many compounds as
/// they need.
void Peer::send_reports(TimePoint now) {
  next_reports_ = unhurried(now + kReportInterval);
  std::array<std::uint8_t, kReportRoom> buffer;
  blocks_.clear();
  uplink_.collect_reports(now, rtcp::kCountMax, blocks_);
  ByteWriter writer{buffer};
  bool reported = blocks_.empty();
  for (const auto& stream : downlink_.streams()) {
    const Track* const track = link_.host.find_track(stream->parameters().track);
    const auto info = track == nullptr ? std::nullopt : stream->sender_info(now, track->clocks());
    if (!info) continue;
    if (writer.left() < kSenderReportBytes + (reported ? 0 : blocks_.size() * kBlockBytes)) {
      transport_.send_rtcp(writer.written());
      writer = ByteWriter{buffer};
    }
    static_cast<void>(rtcp::write_sender_report(
        writer, *info, reported ? std::span<rtcp::ReportBlock>{} : std::span<rtcp::ReportBlock>{blocks_}));
    static_cast<void>(
        rtcp::write_cname(writer, {.ssrc = stream->parameters().ssrc, .name = stream->parameters().cname}));
    reported = true;
  }
  if (!reported) static_cast<void>(rtcp::write_receiver_report(writer, link_.own_ssrc, blocks_));
  if (writer.size() > 0) transport_.send_rtcp(writer.written());
}

void Peer::handle_timeout(TimePoint now) {
  transport_.handle_timeout(now);
  if (transport_.media_path() == nullptr) return;
  uplink_.handle_timeout(now);
  downlink_.handle_timeout(now);
  if (next_reports_ <= now) send_reports(now);
}

TimePoint Peer::next_timeout() const {
  const TimePoint next = transport_.next_timeout();
  if (transport_.media_path() == nullptr) return next;
  return std::min({next, next_reports_, uplink_.next_timeout(), downlink_.next_timeout()});
}

}  // namespace zvonok::media
