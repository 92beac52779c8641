#include "app/metrics.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <limits>
#include <vector>

#include <malloc.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>

#include "call/call.h"

namespace zvonok::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Families {
 public:
  void gauge(const char* name, const char* help, double value) { add(name, help, MetricType::Gauge, value); }
  void counter(const char* name, const char* help, double value) { add(name, help, MetricType::Counter, value); }

  /// A counter with one label; call for each of its values in a row.
  void labelled(const char* name, const char* help, const char* label, std::string_view label_value, double value) {
    add_labelled(name, help, MetricType::Counter, {label, std::string{label_value}}, value);
  }
  /// Likewise a gauge.
  void labelled_gauge(const char* name, const char* help, const char* label, std::string_view label_value,
                      double value) {
    add_labelled(name, help, MetricType::Gauge, {label, std::string{label_value}}, value);
  }
  /// With one label as well, or none where its name is null.
  template <std::size_t N>
  void histogram(const char* name, const char* help, const Histogram<N>& values, const char* label = nullptr,
                 const char* label_value = nullptr) {
    if (families_.empty() || families_.back().name != name) {
      families_.push_back({name, help, MetricType::Histogram, {}});
    }
    ClientMetric metric;
    if (label != nullptr) metric.label.push_back({label, label_value});
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < N; ++i) {
      count += values.counts()[i];
      metric.histogram.bucket.push_back({.cumulative_count = count, .upper_bound = values.bounds()[i]});
    }
    count += values.counts()[N];
    metric.histogram.bucket.push_back(
        {.cumulative_count = count, .upper_bound = std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = values.sum();
    families_.back().metric.push_back(std::move(metric));
  }
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

 private:
  void add_labelled(const char* name, const char* help, MetricType type, ClientMetric::Label label, double value) {
    if (families_.empty() || families_.back().name != name) families_.push_back({name, help, type, {}});
    ClientMetric metric;
    metric.label.push_back(std::move(label));
    (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
    families_.back().metric.push_back(std::move(metric));
  }
  void add(const char* name, const char* help, MetricType type, double value) {
    ClientMetric metric;
    (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
    families_.push_back({name, help, type, {std::move(metric)}});
  }
  std::vector<MetricFamily> families_;
};

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

double resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

void add_process(Families& out, net::Loop& loop) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto cpu_seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  out.counter("process_cpu_seconds_total", "CPU time of the process",
              cpu_seconds(usage.ru_utime) + cpu_seconds(usage.ru_stime));
  out.gauge("process_resident_memory_bytes", "Resident memory of the process", resident_bytes());
  out.gauge("zvonok_loop_longest_turn_seconds", "Longest turn of the control loop since the last scrape",
            std::chrono::duration<double>(loop.take_longest_turn()).count());
}

void add_net(Families& out, const net::NetCounters& c) {
  out.gauge("zvonok_connections", "Open connections", number(c.connections));
  out.gauge("zvonok_websockets", "Open WebSockets", number(c.websockets));
  out.counter("zvonok_connections_accepted_total", "Connections accepted", number(c.accepted));
  out.counter("zvonok_accept_failures_total", "Connections lost at accept (out of descriptors)",
              number(c.accept_failures));
  for (std::size_t i = 0; i < net::kCloseReasonCount; ++i) {
    out.labelled("zvonok_connections_closed_total", "Connections ended, by reason", "reason",
                 net::to_text(static_cast<net::CloseReason>(i)), number(c.closed[i]));
  }
  out.counter("zvonok_http_requests_total", "HTTP requests", number(c.http_requests));
  for (std::size_t status = 0; status < c.http_responses.size(); ++status) {
    if (c.http_responses[status] == 0 && status != 200 && status != 429) continue;
    out.labelled("zvonok_http_responses_total", "HTTP responses, by status; 429 is a throttled login", "code",
                 std::to_string(status), number(c.http_responses[status]));
  }
  out.counter("zvonok_requests_too_large_total", "Requests refused for their size", number(c.request_too_large));
  out.counter("zvonok_tls_failures_total", "TLS handshakes that failed", number(c.tls_failures));
  out.counter("zvonok_websockets_opened_total", "WebSockets opened", number(c.ws_opened));
  out.counter("zvonok_ws_messages_received_total", "WebSocket messages received", number(c.ws_messages_in));
  out.counter("zvonok_ws_messages_sent_total", "WebSocket messages sent", number(c.ws_messages_out));
  out.counter("zvonok_ws_bytes_received_total", "Payload bytes received", number(c.ws_bytes_in));
  out.counter("zvonok_ws_bytes_sent_total", "Payload bytes sent", number(c.ws_bytes_out));
  out.counter("zvonok_ws_slowed_total", "Times a socket was read slower because of its rate", number(c.ws_paused));
  out.counter("zvonok_ws_sends_dropped_total", "Messages to sockets that had gone", number(c.ws_send_dropped));
}

void add_calls(Families& out, const Control& control) {
  const CallCounters& c = control.counters();
  out.gauge("zvonok_users_online", "Users with a connected device", number(control.online_users()));
  out.gauge("zvonok_calls", "Calls, ringing or active", number(control.calls()));
  out.counter("zvonok_calls_started_total", "Calls that rang", number(c.started));
  out.counter("zvonok_calls_answered_total", "Calls that were answered", number(c.answered));
  for (std::size_t i = 0; i < c.ended.size(); ++i) {
    out.labelled("zvonok_calls_ended_total", "Calls and attempts that ended, by reason", "reason",
                 call::to_text(static_cast<call::EndReason>(i)), number(c.ended[i]));
  }
  out.counter("zvonok_call_seconds_total", "Seconds of answered calls that ended", number(c.answered_seconds));
  out.counter("zvonok_signal_bad_messages_total", "Messages refused as bad-message", number(c.bad_messages));
  out.counter("zvonok_signal_errors_total", "call:error sent by the call domain", number(c.errors));
  out.counter("zvonok_ws_auth_timeouts_total", "Sockets that did not authenticate in time", number(c.auth_timeouts));
  out.counter("zvonok_ws_auth_refused_total", "Sockets closed with 4001", number(c.auth_refused));
  out.counter("zvonok_ws_too_many_total", "Sockets refused by the limit of a user", number(c.too_many_sockets));
}

void add_rooms(Families& out, const RoomControl& rooms) {
  const RoomCounters& c = rooms.counters();
  out.gauge("zvonok_rooms", "Rooms with somebody in them", number(rooms.rooms()));
  out.gauge("zvonok_room_participants", "Participants of rooms", number(rooms.participants()));
  out.gauge("zvonok_room_participants_present", "Of them, those with an open socket", number(rooms.present()));
  out.gauge("zvonok_room_phones", "Telephones in rooms, those that are being called among them",
            number(rooms.phones()));
  out.gauge("zvonok_room_tracks", "Published audio and video tracks", number(rooms.tracks()));
  out.counter("zvonok_rooms_started_total", "Rooms begun", number(c.started));
  out.counter("zvonok_rooms_ended_total", "Rooms ended", number(c.ended));
  out.counter("zvonok_room_joins_total", "Joins", number(c.joins));
  out.counter("zvonok_room_resumed_total", "Sessions that came back over another socket", number(c.resumed));
  out.counter("zvonok_room_reconnections_total", "Sessions that came back with another RTCPeerConnection",
              number(c.reconnections));
  out.counter("zvonok_room_removed_total", "Participants removed with their membership", number(c.removed));
  out.histogram("zvonok_room_join_seconds", "From the join until media could flow", c.join_seconds);
  for (std::size_t i = 1; i < c.media_failures.size(); ++i) {
    out.labelled("zvonok_media_failures_total", "Media connections that failed, by reason", "reason",
                 media::to_text(static_cast<media::TransportFailure>(i)), number(c.media_failures[i]));
  }
  out.counter("zvonok_room_key_messages_refused_total", "Messages about keys of encrypted rooms beyond the limit",
              number(c.key_words_refused));
  out.counter("zvonok_room_bad_messages_total", "Messages in rooms that could not be read", number(c.bad_messages));
  out.counter("zvonok_room_bad_descriptions_total", "Offers and answers that were refused", number(c.bad_descriptions));
  out.counter("zvonok_room_crossings_total", "Offers of a client that crossed one of ours", number(c.crossings));
  out.counter("zvonok_room_crossings_adopted_total", "Of them, those in which the client took ours as well",
              number(c.adopted));
  out.histogram("zvonok_room_quality_score", "E-model score of each participant, once in two seconds", c.score);
  out.histogram("zvonok_room_round_trip_seconds", "Round trip to each participant, once in two seconds",
                c.round_trip_seconds);
  out.histogram("zvonok_room_jitter_seconds", "The worse direction's jitter, likewise", c.jitter_seconds);
  constexpr const char* kLossHelp = "Share of packets lost from and to each participant, likewise";
  out.histogram("zvonok_room_loss_ratio", kLossHelp, c.loss_up, "direction", "up");
  out.histogram("zvonok_room_loss_ratio", kLossHelp, c.loss_down, "direction", "down");
}

void add_entries(Families& out, const RoomAccessCounters& c, const WorkerPool* messenger) {
  constexpr const char* kName = "zvonok_room_entries_total";
  constexpr const char* kHelp = "Questions whether somebody may enter a room or look into it, by answer";
  out.labelled(kName, kHelp, "result", "allowed", number(c.allowed));
  out.labelled(kName, kHelp, "result", "denied", number(c.denied));
  out.labelled(kName, kHelp, "result", "unavailable", number(c.unavailable));
  if (messenger == nullptr) return;
  out.gauge("zvonok_room_authorizer_queue", "Questions waiting for the messenger", number(messenger->queued()));
  out.counter("zvonok_room_authorizer_queue_refused_total", "Questions that found its queue full",
              number(messenger->refused()));
}

void add_media(Families& out, const MediaCounters& c) {
  const media::MediaTotals& sum = c.totals;
  out.gauge("zvonok_media_peers", "Media connections, in whatever state", number(c.peers));
  out.counter("zvonok_media_cpu_seconds_total", "CPU time of the media threads together", c.cpu_seconds);
  out.histogram("zvonok_media_forwarding_seconds",
                "From when the oldest datagram of a batch can have come to having sent what became of it",
                c.forwarding);
  out.counter("zvonok_media_packets_received_total", "RTP packets of participants", number(sum.up.packets));
  out.counter("zvonok_media_bytes_received_total", "Bytes of them", number(sum.up.bytes));
  out.counter("zvonok_media_packets_sent_total", "RTP packets to participants", number(sum.down.packets));
  out.counter("zvonok_media_bytes_sent_total", "Bytes of them", number(sum.down.bytes));
  out.counter("zvonok_media_udp_datagrams_received_total", "Datagrams of the media port", number(c.udp.received));
  out.counter("zvonok_media_udp_bytes_received_total", "Bytes of them", number(c.udp.received_bytes));
  out.counter("zvonok_media_udp_datagrams_sent_total", "Datagrams sent", number(c.udp.sent));
  out.counter("zvonok_media_udp_bytes_sent_total", "Bytes of them", number(c.udp.sent_bytes));
  out.counter("zvonok_media_udp_send_calls_total", "System calls that sent them", number(c.udp.send_calls));
  out.counter("zvonok_media_udp_trains_sent_total", "What those calls sent: packets for one receiver in a row are one",
              number(c.udp.send_messages));
}

/// What tells whether one of them is full, or rooms are badly spread. `use` is as long as `each`.
void add_media_threads(Families& out, const std::vector<MediaCounters>& each,
                       const std::vector<RoomControl::ShardUse>& use) {
  constexpr const char* kThread = "thread";
  const auto for_each = [&](auto tell) {
    for (std::size_t i = 0; i < each.size(); ++i) tell(std::to_string(i), i);
  };
  for_each([&](const std::string& thread, std::size_t i) {
    out.labelled("zvonok_media_thread_cpu_seconds_total",
                 "CPU time of each media thread: its rate is the share of a processor that is busy", kThread, thread,
                 each[i].cpu_seconds);
  });
  for_each([&](const std::string& thread, std::size_t i) {
    out.labelled_gauge("zvonok_media_thread_rooms", "Rooms on each media thread", kThread, thread,
                       number(use[i].rooms));
  });
  for_each([&](const std::string& thread, std::size_t i) {
    out.labelled_gauge("zvonok_media_thread_peers", "Media connections of each media thread", kThread, thread,
                       number(each[i].peers));
  });
  for_each([&](const std::string& thread, std::size_t i) {
    out.labelled("zvonok_media_thread_packets_received_total", "RTP packets of participants", kThread, thread,
                 number(each[i].totals.up.packets));
  });
  for_each([&](const std::string& thread, std::size_t i) {
    out.labelled("zvonok_media_thread_packets_sent_total", "RTP packets to participants", kThread, thread,
                 number(each[i].totals.down.packets));
  });
}

void add_media_tunnel(Families& out, const MediaCounters& c) {
  out.counter("zvonok_media_tunnel_packets_received_total", "Packets for the media threads that came through tunnels",
              number(c.from_tunnel.packets));
  out.counter("zvonok_media_tunnel_packets_sent_total", "Packets of the media threads that go through tunnels",
              number(c.to_tunnel.packets));
  constexpr const char* kName = "zvonok_media_tunnel_packets_dropped_total";
  constexpr const char* kHelp = "Of both, those that found too many waiting for the other thread";
  out.labelled(kName, kHelp, "direction", "received", number(c.from_tunnel.dropped));
  out.labelled(kName, kHelp, "direction", "sent", number(c.to_tunnel.dropped));
}

void add_media_drops(Families& out, const MediaCounters& c) {
  const media::MediaTotals& sum = c.totals;
  constexpr const char* kDropped = "zvonok_media_dropped_total";
  constexpr const char* kDroppedHelp = "Packets dropped on the media plane, by reason";
  const std::pair<const char*, std::uint64_t> reasons[] = {
      {"udp_truncated", c.udp.truncated},
      {"udp_send_full", c.udp.send_full},
      {"udp_send_failed", c.udp.send_failed},
      {"unknown_kind", c.engine.unknown_kind},
      {"unknown_path", c.engine.unknown_path},
      {"unknown_ufrag", c.engine.unknown_ufrag},
      {"handshakes", c.engine.handshakes_dropped},
      {"unvalidated", sum.transport.unvalidated},
      {"before_keys", sum.transport.before_keys},
      {"unsendable", sum.transport.unsendable},
      {"unknown_ssrc", sum.up.unknown_ssrc},
      {"malformed_rtp", sum.up.malformed},
      {"overload", sum.up.shed},
      {"malformed_rtcp", sum.bad_rtcp},
      {"too_much_audio", sum.up.too_much_audio},
      {"late", sum.down.dropped_late},
      {"repeats_refused", sum.down.repeats_refused},
  };
  for (const auto& [reason, count] : reasons) out.labelled(kDropped, kDroppedHelp, "reason", reason, number(count));
  constexpr std::array<const char*, 6> kErrors{"too_short", "malformed", "replayed",
                                               "too_old",   "bad_tag",   "too_many_ssrcs"};
  static_assert(std::tuple_size_v<decltype(media::TransportCounters::srtp_errors)> == kErrors.size());
  for (std::size_t i = 0; i < kErrors.size(); ++i) {
    out.labelled("zvonok_media_srtp_errors_total", "SRTP packets that could not be opened, by reason", "reason",
                 kErrors[i], number(sum.transport.srtp_errors[i]));
  }
  for (std::size_t i = 0; i < kErrors.size(); ++i) {
    out.labelled("zvonok_media_srtcp_errors_total", "SRTCP packets that could not be opened, by reason", "reason",
                 kErrors[i], number(sum.transport.srtcp_errors[i]));
  }
  constexpr std::array<const char*, ice::kVerdicts> kVerdicts{
      "accepted",    "role_conflict", "unknown_attributes", "malformed",    "not_binding_request", "bad_fingerprint",
      "no_username", "unknown_ufrag", "wrong_remote_ufrag", "rate_limited", "bad_integrity",       "failed"};
  for (std::size_t i = 0; i < kVerdicts.size(); ++i) {
    out.labelled("zvonok_media_stun_checks_total", "Connectivity checks of participants, by what became of them",
                 "result", kVerdicts[i], number(sum.transport.stun[i]));
  }
}

void add_repair(Families& out, const media::MediaTotals& sum) {
  out.counter("zvonok_media_nacks_sent_total", "Packets that publishers were asked for again", number(sum.up.nacked));
  out.counter("zvonok_media_nacks_received_total", "Packets that receivers asked for again", number(sum.down.nacked));
  out.counter("zvonok_media_retransmitted_total", "Packets sent again", number(sum.down.retransmitted));
  out.counter("zvonok_media_padding_received_total", "Packets of padding received", number(sum.up.padding));
  out.counter("zvonok_media_padding_sent_total", "Packets of padding sent, to probe for room",
              number(sum.down.padding));
  out.counter("zvonok_media_keyframe_requests_sent_total", "Keyframes that publishers were asked for",
              number(sum.up.keyframe_requests));
  out.counter("zvonok_media_keyframe_requests_received_total", "Keyframes that receivers asked for",
              number(sum.down.keyframe_requests));
  out.counter("zvonok_media_packets_paced_total", "Packets of video that had to wait their turn",
              number(sum.down.queued));
  out.counter("zvonok_media_layer_switches_total", "Times that a receiver was given another layer of a video",
              number(sum.down.switches));
  out.counter("zvonok_media_video_cut_total", "Times that a video was cut off for want of room",
              number(sum.down.audio_only));
  out.counter("zvonok_media_feedbacks_received_total", "Reports on arrivals (transport-wide congestion control)",
              number(sum.down.feedbacks));
}

void add_media_tcp(Families& out, const net::FramedTcpCounters& c) {
  out.gauge("zvonok_media_tcp_connections", "Open ICE-TCP connections", number(c.connections));
  out.counter("zvonok_media_tcp_accepted_total", "ICE-TCP connections accepted", number(c.accepted));
  out.counter("zvonok_media_tcp_accept_failures_total", "ICE-TCP connections lost at accept (out of descriptors)",
              number(c.accept_failures));
  for (std::size_t i = 0; i < net::kFramedTcpCloses; ++i) {
    out.labelled("zvonok_media_tcp_closed_total", "ICE-TCP connections ended, by reason", "reason",
                 net::to_text(static_cast<net::FramedTcpClose>(i)), number(c.closed[i]));
  }
  out.counter("zvonok_media_tcp_packets_received_total", "Packets received by ICE-TCP", number(c.received));
  out.counter("zvonok_media_tcp_packets_sent_total", "Packets sent by ICE-TCP", number(c.sent));
  out.counter("zvonok_media_tcp_packets_dropped_total", "Packets dropped because a connection took too little",
              number(c.send_full));
}

void add_stun(Families& out, const StunCounters& c) {
  constexpr const char* kName = "zvonok_stun_requests_total";
  constexpr const char* kHelp = "Datagrams to our own STUN server, by what became of them";
  out.labelled(kName, kHelp, "result", "answered", number(c.answered));
  out.labelled(kName, kHelp, "result", "malformed", number(c.malformed));
  out.labelled(kName, kHelp, "result", "refused", number(c.refused));
  out.labelled(kName, kHelp, "result", "limited", number(c.limited));
}

void add_tunnel_calls(Families& out, const TunnelControl& control) {
  const TunnelCallCounters& c = control.counters();
  out.gauge("zvonok_tunnel_calls", "Tunnelled calls under way", number(control.calls()));
  out.gauge("zvonok_tunnel_clients", "Sockets in the namespace /call", number(control.clients()));
  out.counter("zvonok_tunnel_calls_started_total", "Tunnelled calls that rang", number(c.started));
  out.counter("zvonok_tunnel_calls_answered_total", "Tunnelled calls answered", number(c.answered));
  for (std::size_t i = 0; i < c.ended.size(); ++i) {
    out.labelled("zvonok_tunnel_calls_ended_total", "Tunnelled calls ended, by reason", "reason",
                 call::to_text(static_cast<call::EndReason>(i)), number(c.ended[i]));
  }
  out.counter("zvonok_tunnel_call_seconds_total", "Seconds of answered tunnelled calls", number(c.answered_seconds));
  out.counter("zvonok_tunnel_bad_messages_total", "Events with arguments missing or of a wrong type",
              number(c.bad_messages));
  out.counter("zvonok_tunnel_errors_total", "call-error events", number(c.errors));
  out.counter("zvonok_tunnel_auth_refused_total", "Clients refused for their token", number(c.auth_refused));
  out.counter("zvonok_tunnel_too_many_sockets_total", "Clients refused for having too many sockets",
              number(c.too_many_sockets));
  out.counter("zvonok_tunnel_failures_total", "Calls for which there was no tunnel", number(c.tunnels_failed));
}

void add_phone_sound(Families& out, const PhoneService& phone, const PhoneLegCounters& c) {
  out.gauge("zvonok_phone_legs", "Browsers of phone calls that are expected or connected, and telephones in rooms",
            number(c.legs));
  out.gauge("zvonok_phone_lines", "Lines of telephones whose sound is carried", number(c.lines));
  out.counter("zvonok_phone_browsers_connected_total", "Times that a browser of a phone call came to be connected",
              number(phone.legs().counters().connected));
  out.counter("zvonok_phone_browsers_lost_total", "Phone calls that ended because their browser was gone",
              number(phone.legs().counters().lost));
  const MediaLegs::Counters& legs = phone.legs().counters();
  out.histogram("zvonok_phone_quality_score", "E-model score of each browser in a phone call, once in two seconds",
                legs.score);
  out.histogram("zvonok_phone_round_trip_seconds", "Round trip to each browser in a phone call, likewise",
                legs.round_trip_seconds);
  out.histogram("zvonok_phone_jitter_seconds", "The worse direction's jitter, likewise", legs.jitter_seconds);
  out.histogram("zvonok_phone_loss_ratio", "The worse direction's loss, likewise", legs.loss);
  constexpr const char* kSounds = "zvonok_phone_sounds_total";
  constexpr const char* kSoundsHelp = "Packets of sound that were passed on";
  out.labelled(kSounds, kSoundsHelp, "to", "telephone", number(c.to_line.sounds));
  out.labelled(kSounds, kSoundsHelp, "to", "browser", number(c.to_browser.packets));
  out.labelled(kSounds, kSoundsHelp, "to", "telephone_in_room", number(c.rooms.to_line.sounds));
  out.labelled(kSounds, kSoundsHelp, "to", "room", number(c.rooms.to_room.packets));
  constexpr const char* kDigits = "zvonok_phone_digits_total";
  constexpr const char* kDigitsHelp = "Digits in the sound (RFC 4733) that were passed on";
  out.labelled(kDigits, kDigitsHelp, "to", "telephone", number(c.to_line.digits));
  out.labelled(kDigits, kDigitsHelp, "to", "browser", number(c.to_browser.digits));
  constexpr const char* kOpus = "zvonok_phone_opus_packets_total";
  constexpr const char* kOpusHelp = "Packets that were decoded or encoded, for browsers without G.711";
  out.labelled(kOpus, kOpusHelp, "how", "decoded", number(c.to_line.decoded));
  out.labelled(kOpus, kOpusHelp, "how", "encoded", number(c.to_browser.encoded));
  constexpr double kSampleSeconds = 1.0 / 8000;
  out.counter("zvonok_phone_concealed_seconds_total",
              "Sound towards telephones that was made up in place of what was lost or late",
              number(c.to_line.concealed) * kSampleSeconds);
  out.counter("zvonok_phone_shortened_seconds_total",
              "Sound towards telephones that was taken out, to be in time again",
              number(c.to_line.shortened) * kSampleSeconds);
  constexpr const char* kDropped = "zvonok_phone_sound_dropped_total";
  constexpr const char* kDroppedHelp = "Sound and digits that came to nothing";
  out.labelled(kDropped, kDroppedHelp, "reason", "malformed",
               number(c.to_line.malformed + c.to_browser.malformed + c.rooms.to_room.malformed));
  out.labelled(kDropped, kDroppedHelp, "reason", "no_codec", number(c.to_line.no_codec + c.to_browser.unheard));
  out.labelled(kDropped, kDroppedHelp, "reason", "late",
               number(c.to_line.late + c.to_browser.late + c.rooms.to_room.late));
  out.labelled(kDropped, kDroppedHelp, "reason", "overflow", number(c.to_line.overflows));
  out.labelled(kDropped, kDroppedHelp, "reason", "digits", number(c.to_browser.digits_dropped));
  out.labelled(kDropped, kDroppedHelp, "reason", "no_line", number(c.without_line));
  out.labelled(kDropped, kDroppedHelp, "reason", "too_many_voices", number(c.rooms.to_line.refused));
}

void add_phone_calls(Families& out, const PhoneService& phone) {
  const PhoneCounters& c = phone.control().counters();
  out.gauge("zvonok_phone_calls", "Phone calls under way", number(phone.control().calls()));
  out.gauge("zvonok_phone_calls_talking", "Of them, those that were answered", number(phone.control().talking()));
  out.gauge("zvonok_phone_event_streams", "Open streams of events about phone calls", number(phone.events().streams()));
  out.counter("zvonok_phone_calls_initiated_total", "Phone calls begun", number(c.initiated));
  for (std::size_t i = static_cast<std::size_t>(call::phone::Status::Completed); i < call::phone::kStatuses; ++i) {
    out.labelled("zvonok_phone_calls_ended_total", "Phone calls that ended, by status", "status",
                 call::phone::to_text(static_cast<call::phone::Status>(i)), number(c.ended[i]));
  }
  out.counter("zvonok_phone_call_seconds_total", "Seconds of answered phone calls that ended",
              number(c.answered_seconds));
  out.histogram("zvonok_phone_call_duration_seconds", "Length of phone calls that were answered", c.duration_seconds);
  out.histogram("zvonok_phone_post_dial_delay_seconds",
                "From the request to ringing, or to the answer where it came first", c.post_dial_seconds);
  for (std::size_t i = 0; i < call::phone::kProviderFaults; ++i) {
    out.labelled("zvonok_phone_provider_errors_total", "Calls that failed at the provider, by kind", "kind",
                 call::phone::to_text(static_cast<call::phone::ProviderFault>(i)), number(c.provider_errors[i]));
  }
  out.counter("zvonok_phone_calls_incoming_total", "Telephones that called", number(c.incoming));
  for (std::size_t i = 0; i < call::phone::kRejections; ++i) {
    out.labelled("zvonok_phone_calls_turned_away_total",
                 "Of them, those that did not get through, by what they were told", "why",
                 call::phone::to_text(static_cast<call::phone::Rejection>(i)), number(c.turned_away[i]));
  }
  out.counter("zvonok_phone_calls_given_up_early_total", "Of them, those that ended before it was known whom they call",
              number(c.given_up_early));
  out.counter("zvonok_phone_stale_events_total", "Events of the provider that came twice or too late",
              number(c.stale_events));
  if (const PhoneFigures* const figures = phone.figures()) {
    figures->report([&out](const PhoneFigure& figure) {
      if (figure.label_value.empty()) {
        figure.is_gauge ? out.gauge(figure.name, figure.help, figure.value)
                        : out.counter(figure.name, figure.help, figure.value);
      } else if (figure.is_gauge) {
        out.labelled_gauge(figure.name, figure.help, figure.label, figure.label_value, figure.value);
      } else {
        out.labelled(figure.name, figure.help, figure.label, figure.label_value, figure.value);
      }
    });
  }
}

void add_external_tunnel(Families& out, const tunnel_xray::KeeperCounters& c) {
  out.counter("zvonok_xray_users_added_total", "Users let in by the external tunnel server", number(c.added));
  out.counter("zvonok_xray_users_removed_total", "Users taken away from it", number(c.removed));
  out.counter("zvonok_xray_users_put_back_total", "Users it had forgotten", number(c.put_back));
  out.counter("zvonok_xray_users_left_over_total", "Users of an earlier run, removed", number(c.left_over));
  out.counter("zvonok_xray_restarts_total", "Restarts of it that were noticed", number(c.restarts));
  out.counter("zvonok_xray_lost_total", "Times it went out of reach", number(c.lost));
  const tunnel_xray::MeterCounters& t = c.traffic;
  out.counter("zvonok_xray_stats_read_total", "Readings of what its users have used", number(t.readings));
  out.counter("zvonok_xray_stats_failed_total", "Readings that failed", number(t.failures));
  out.counter("zvonok_xray_calls_counted_total", "Ended calls whose bytes are known", number(t.counted));
  out.counter("zvonok_xray_calls_counted_in_part_total", "Likewise, but for what came after the last reading",
              number(t.partly));
  constexpr std::array<std::string_view, tunnel_xray::kUncounted> kReasons{"no_answer", "no_counters", "no_start"};
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    out.labelled("zvonok_xray_calls_uncounted_total", "Ended calls whose bytes are not known, by reason", "reason",
                 kReasons[i], number(t.uncounted[i]));
  }
}

void add_tunnel_streams(Families& out, const TunnelEdge& edge) {
  const tunnel::Counters& c = edge.counters();
  out.gauge("zvonok_tunnel_streams", "Connections of tunnel clients", number(edge.streams()));
  out.counter("zvonok_tunnel_streams_opened_total", "Connections at the tunnel's path", number(c.opened));
  out.counter("zvonok_tunnel_streams_turned_away_total", "Of them, those beyond the limit", number(c.turned_away));
  out.counter("zvonok_tunnel_streams_admitted_total", "Of them, those that showed a call's key", number(c.admitted));
  for (std::size_t i = 0; i < tunnel::kRefusals; ++i) {
    out.labelled("zvonok_tunnel_streams_refused_total", "Connections that became nobody's, by reason", "reason",
                 tunnel::to_text(static_cast<tunnel::Refusal>(i)), number(c.refused[i]));
  }
  for (std::size_t i = 0; i < tunnel::kStreamEnds; ++i) {
    out.labelled("zvonok_tunnel_streams_ended_total", "Connections ended, by reason", "reason",
                 tunnel::to_text(static_cast<tunnel::StreamEnd>(i)), number(c.ended[i]));
  }
  for (std::size_t i = 0; i < tunnel::kDrops; ++i) {
    out.labelled("zvonok_tunnel_dropped_total", "Datagrams and Mux sessions that went nowhere, by reason", "reason",
                 tunnel::to_text(static_cast<tunnel::Drop>(i)), number(c.dropped[i]));
  }
  out.counter("zvonok_tunnel_bytes_received_total", "Payload that tunnel clients sent", number(c.traffic.up.bytes));
  out.counter("zvonok_tunnel_bytes_sent_total", "Payload sent to tunnel clients", number(c.traffic.down.bytes));
  out.counter("zvonok_tunnel_packets_received_total", "Datagrams that tunnel clients sent",
              number(c.traffic.up.packets));
  out.counter("zvonok_tunnel_packets_sent_total", "Datagrams sent to tunnel clients", number(c.traffic.down.packets));
}

void add_engineio(Families& out, const engineio::Counters& c) {
  out.gauge("zvonok_engineio_sessions", "Engine.IO sessions", number(c.sessions));
  for (std::size_t i = 0; i < engineio::kCloseReasonCount; ++i) {
    out.labelled("zvonok_engineio_closed_total", "Engine.IO sessions ended, by reason", "reason",
                 engineio::to_text(static_cast<engineio::CloseReason>(i)), number(c.closed[i]));
  }
  for (std::size_t i = 0; i < engineio::kRequestErrorCount; ++i) {
    out.labelled("zvonok_engineio_refused_total", "Engine.IO requests refused, by reason", "reason",
                 engineio::to_text(static_cast<engineio::RequestError>(i)), number(c.refused[i]));
  }
  for (std::size_t i = 0; i < engineio::kDropCount; ++i) {
    out.labelled("zvonok_engineio_dropped_total", "Engine.IO messages dropped, by reason", "reason",
                 engineio::to_text(static_cast<engineio::Drop>(i)), number(c.dropped[i]));
  }
  out.counter("zvonok_engineio_messages_received_total", "Engine.IO messages received", number(c.messages_in));
  out.counter("zvonok_engineio_messages_sent_total", "Engine.IO messages sent", number(c.messages_out));
}

}  // namespace

std::string Metrics::render() {
  Families out;
  add_process(out, parts_.loop);
  if (server_ != nullptr) add_net(out, server_->counters());
  add_calls(out, parts_.control);
  add_rooms(out, parts_.rooms);
  add_entries(out, parts_.room_access.counters(), parts_.messenger);
  add_tunnel_calls(out, parts_.tunnels.control());
  add_phone_calls(out, parts_.phone);
  add_tunnel_streams(out, parts_.tunnels.tunnel());
  if (const auto* external = parts_.tunnels.external()) add_external_tunnel(out, external->counters());
  if (const auto* engine = parts_.tunnels.engine_counters()) add_engineio(out, *engine);
  if (media_ != nullptr) {
    const std::vector<MediaCounters> each = media_->counters();
    const MediaCounters media = MediaShards::sum(each);
    add_media(out, media);
    add_media_threads(out, each, parts_.rooms.shard_use());
    add_media_tunnel(out, media);
    add_phone_sound(out, parts_.phone, media.phone);
    add_media_drops(out, media);
    add_repair(out, media.totals);
    add_media_tcp(out, media.tcp);
  }
  if (stun_ != nullptr) add_stun(out, stun_->counters());
  out.gauge("zvonok_storage_queue", "Tasks waiting for a database connection", number(parts_.storage.queued()));
  out.gauge("zvonok_password_queue", "Logins waiting to be hashed", number(parts_.passwords.queued()));
  out.counter("zvonok_storage_queue_refused_total", "Requests that found the database's queue full",
              number(parts_.storage.refused()));
  out.counter("zvonok_password_queue_refused_total", "Logins that found the queue full",
              number(parts_.passwords.refused()));
  out.gauge("zvonok_call_records_waiting", "Call records waiting for the database", number(parts_.journal.waiting()));
  out.counter("zvonok_call_records_dropped_total", "Call records lost because too many waited",
              number(parts_.journal.dropped()));
  out.counter("zvonok_call_record_failures_total", "Failed attempts to write call records",
              number(parts_.journal.failures()));
  out.gauge("zvonok_login_throttle_entries", "Accounts and addresses that are watched", number(parts_.throttle.size()));
  out.counter("zvonok_login_throttle_evicted_total", "Watched entries forgotten early",
              number(parts_.throttle.evicted()));
  out.counter("zvonok_tickets_dropped_total", "Tickets dropped for lack of room", number(parts_.tickets.dropped()));
  return out.text();
}

}  // namespace zvonok::app
