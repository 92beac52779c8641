#include "load/report.h"

#include <algorithm>
#include <ostream>
#include <string_view>

#include "load/report_text.h"

namespace zvonok::load {
namespace {

void print_joins(std::ostream& out, const LoadResult& r) {
  table_line(out, "joined",
             std::to_string(r.joined) + " of " + std::to_string(r.participants) + ", never joined " +
                 std::to_string(r.participants - r.joined));
  table_line(out, "connected after", quantiles(r.connected));
  table_line(out, "all media after", quantiles(r.join));
  if (r.left > 0) {
    table_line(out, "left and came back", std::to_string(r.left) + ", back " + std::to_string(r.rejoined));
    table_line(out, "all media again after", quantiles(r.rejoin));
  }
  print_failures(out, r.failures);
}

void print_server(std::ostream& out, const LoadResult& r) {
  if (!r.has_server_figures) return;
  const std::uint64_t grown = r.server.grown_bytes / std::max(1U, r.participants);
  table_line(out, "server CPU",
             percent(r.server.cpu_seconds / r.seconds, 0) + " of a core, " +
                 fixed(micros_each(r.server.cpu_seconds, r.headers.packets), 2) +
                 " us per packet that arrived; waited for a core " + percent(r.server.waited_seconds / r.seconds, 0));
  table_line(
      out, "server CPU of joins",
      fixed(1000 * r.server_join_cpu_seconds / std::max(1U, r.participants), 2) + " ms each, media meanwhile included");
  table_line(
      out, "server memory",
      std::to_string(r.server.resident_bytes >> 20) + " MiB, " + std::to_string(grown >> 10) + " KiB a participant");
  table_line(out, "server socket drops", std::to_string(r.server.socket_drops));
}

std::string scenario_json(const LoadOptions& o) {
  JsonObject out;
  out.add("rooms", std::uint64_t{o.rooms});
  out.add("publishers", std::uint64_t{o.publishers});
  out.add("subscribers", std::uint64_t{o.subscribers});
  out.flag("meet", o.publishers_do == LoadOptions::Publishers::HearEachOther);
  out.add("audioPacketsPerSecond", std::uint64_t{o.audio_packets_per_second});
  out.add("videoPacketsPerSecond", std::uint64_t{o.video_packets_per_second});
  out.add("audioBytes", std::uint64_t{o.audio_bytes});
  out.add("videoBytes", std::uint64_t{o.video_bytes});
  out.add("joinsPerSecond", o.joins_per_second, 1);
  out.add("leavesPerSecond", o.leaves_per_second, 1);
  out.add("verifyShare", o.verify_share, 3);
  out.flag("reports", o.reports == Reports::On);
  const bool simulcast = o.video == LoadOptions::Video::Simulcast;
  out.flag("simulcast", simulcast);
  out.flag("transportFeedback", simulcast || o.transport_feedback == TransportFeedback::On);
  out.flag("nack", simulcast || o.repair == Repair::On);
  out.add("tcpShare", o.tcp_share, 3);
  return out.finish();
}

std::string wrong_json(const Participant::Wrong& wrong) {
  JsonObject out;
  out.add("unopened", wrong.unopened);
  out.add("replayed", wrong.replayed);
  out.add("corrupt", wrong.corrupt);
  out.add("foreign", wrong.foreign);
  out.add("unannounced", wrong.unannounced);
  out.add("unknown", wrong.unknown);
  return out.finish();
}

std::string server_json(const LoadResult& r) {
  JsonObject out = process_json(r.server);
  out.add("cpuMicrosPerPacket", micros_each(r.server.cpu_seconds, r.headers.packets), 3);
  out.add("joinCpuSeconds", r.server_join_cpu_seconds, 3);
  out.add("residentBytesPerParticipant", r.server.grown_bytes / std::max(1U, r.participants));
  return out.finish();
}

/// Half and the least, for those are what a receiver may ask about.
template <class Value>
Value median(const std::vector<Value>& ascending) {
  return ascending.empty() ? Value{} : ascending[ascending.size() / 2];
}

void print_layers(std::ostream& out, const LoadResult& r) {
  std::uint64_t packets = 0;
  std::uint64_t streams = 0;
  for (const auto& [rid, layer] : r.layers) packets += layer.packets, streams += layer.streams;
  for (const auto& [rid, layer] : r.layers) {
    table_line(out, "layer " + rid,
               percent(share_of(layer.packets, packets), 1) + " of verified packets, " + std::to_string(layer.streams) +
                   " of " + std::to_string(streams) + " streams at the end");
  }
  if (!r.estimates.empty()) {
    const auto mbit = [](std::uint64_t bps) { return fixed(static_cast<double>(bps) / 1e6, 2); };
    table_line(out, "estimates",
               "p50 " + mbit(median(r.estimates)) + ", least " + mbit(r.estimates.front()) + ", most " +
                   mbit(r.estimates.back()) + " Mbit/s, of " + std::to_string(r.estimates.size()) + " receivers");
  }
  if (!r.scores.empty()) {
    table_line(out, "quality scores", "p50 " + fixed(median(r.scores), 2) + ", least " + fixed(r.scores.front(), 2));
  }
}

void print_repairs(std::ostream& out, const LoadResult& r) {
  const Participant::Repairs& p = r.repairs;
  if (p.feedbacks > 0) table_line(out, "transport feedback", std::to_string(p.feedbacks) + " messages");
  if (p.asked + p.repaired + p.padding + p.wanted == 0) return;
  table_line(out, "repair",
             "receivers asked for " + std::to_string(p.asked) + ", repaired " + std::to_string(p.repaired) +
                 ", padding " + std::to_string(p.padding) + "; publishers were asked for " + std::to_string(p.wanted) +
                 ", repeated " + std::to_string(p.repeated));
}

std::string layers_json(const LoadResult& r) {
  JsonObject out;
  for (const auto& [rid, layer] : r.layers) {
    JsonObject one;
    one.add("packets", layer.packets);
    one.add("streams", layer.streams);
    out.raw(rid, one.finish());
  }
  return out.finish();
}

std::string repairs_json(const Participant::Repairs& repairs) {
  JsonObject out;
  out.add("asked", repairs.asked);
  out.add("repaired", repairs.repaired);
  out.add("padding", repairs.padding);
  out.add("wanted", repairs.wanted);
  out.add("repeated", repairs.repeated);
  out.add("feedbacks", repairs.feedbacks);
  return out.finish();
}

}  // namespace

void print_table(std::ostream& out, const LoadOptions& options, const LoadResult& r) {
  const Counts& h = r.headers;
  out << "\n"
      << options.rooms << " rooms of " << options.publishers << " publishers and " << options.subscribers << " others, "
      << fixed(r.seconds, 2) << " s, load average before " << fixed(r.load_average, 2) << "\n";
  print_joins(out, r);
  table_line(out, "published",
             fixed(per_second(r.sent_packets, r.seconds), 0) + " packets/s, " +
                 fixed(per_second(r.sent_bytes, r.seconds) * 8 / 1e6, 2) + " Mbit/s of payload, " +
                 std::to_string(r.key_frames) + " key frames");
  table_line(out, "arrived",
             fixed(per_second(h.packets, r.seconds), 0) + " packets/s, " +
                 fixed(per_second(h.bytes, r.seconds) * 8 / 1e6, 2) + " Mbit/s, in " + std::to_string(h.streams) +
                 " streams");
  table_line(out, "by headers",
             "lost " + std::to_string(h.lost) + " (" + percent(share_of(h.lost, h.packets + h.lost), 4) +
                 "), duplicates " + std::to_string(h.duplicates) + ", reordered " + std::to_string(h.reordered));
  table_line(out, "verified by " + std::to_string(r.verifying),
             std::to_string(r.verified) + " of " + std::to_string(r.verified_expected) + ", lost " +
                 std::to_string(r.verified_lost) + " (" + percent(share_of(r.verified_lost, r.verified_expected), 4) +
                 "), duplicates " + std::to_string(r.verified_duplicates + r.wrong.replayed) + ", reordered " +
                 std::to_string(r.verified_reordered));
  table_line(out, "not as it was sent",
             std::to_string(r.corrupt()) + " (unopened " + std::to_string(r.wrong.unopened) + ", corrupt " +
                 std::to_string(r.wrong.corrupt) + ", foreign " + std::to_string(r.wrong.foreign) + ", unannounced " +
                 std::to_string(r.wrong.unannounced) + ", unknown " + std::to_string(r.wrong.unknown) + ")");
  table_line(out, "delay", quantiles(r.delays));
  table_line(out, "sent late by", quantiles(r.late));
  print_layers(out, r);
  print_repairs(out, r);
  print_server(out, r);
  print_generator(out, r.own, r.seconds, ", not sent " + std::to_string(r.not_sent));
}

std::string to_json(const std::string& name, const LoadOptions& options, const LoadResult& r) {
  JsonObject out;
  out.add("name", name);
  out.add("kind", std::string{"rooms"});
  out.raw("scenario", scenario_json(options));
  out.add("loadAverage", r.load_average, 2);
  out.flag("good", r.good());
  out.add("participants", std::uint64_t{r.participants});
  out.add("joined", std::uint64_t{r.joined});
  out.add("neverJoined", std::uint64_t{r.participants - r.joined});
  out.add("failed", r.failures.count());
  out.raw("failures", failures_json(r.failures));
  out.add("joinMs", r.join);
  out.add("connectedMs", r.connected);
  out.add("left", r.left);
  out.add("rejoined", r.rejoined);
  out.add("rejoinMs", r.rejoin);
  out.add("seconds", r.seconds, 3);
  out.add("sentPackets", r.sent_packets);
  out.add("sentBytes", r.sent_bytes);
  out.add("keyFrames", r.key_frames);
  out.add("notSent", r.not_sent);
  out.add("streams", r.headers.streams);
  out.add("packets", r.headers.packets);
  out.add("bytes", r.headers.bytes);
  out.add("packetsPerSecond", per_second(r.headers.packets, r.seconds), 1);
  out.add("bytesPerSecond", per_second(r.headers.bytes, r.seconds), 1);
  out.add("lost", r.headers.lost);
  out.add("duplicates", r.headers.duplicates);
  out.add("reordered", r.headers.reordered);
  out.add("verifying", std::uint64_t{r.verifying});
  out.add("verified", r.verified);
  out.add("verifiedExpected", r.verified_expected);
  out.add("verifiedLost", r.verified_lost);
  out.add("verifiedDuplicates", r.verified_duplicates + r.wrong.replayed);
  out.add("verifiedReordered", r.verified_reordered);
  out.raw("wrong", wrong_json(r.wrong));
  out.add("delayMs", r.delays);
  out.add("sentLateMs", r.late);
  out.raw("layers", layers_json(r));
  out.raw("repairs", repairs_json(r.repairs));
  out.add("estimateMedian", median(r.estimates));
  out.add("estimateLeast", r.estimates.empty() ? std::uint64_t{0} : r.estimates.front());
  out.add("scoreMedian", median(r.scores), 2);
  out.add("scoreLeast", r.scores.empty() ? 0 : r.scores.front(), 2);
  if (r.has_server_figures) out.raw("server", server_json(r));
  out.raw("generator", process_json(r.own).finish());
  return out.finish();
}

}  // namespace zvonok::load
