#include "load/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string_view>

#include "proto/json_scan.h"

namespace zvonok::load {
namespace {

double ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double rate(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double micros_per_packet(double cpu_seconds, std::uint64_t packets) {
  return packets == 0 ? 0 : cpu_seconds * 1e6 / static_cast<double>(packets);
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, std::isfinite(value) ? value : 0);
  return text;
}

std::string percent(double value, int digits) {
  return fixed(100 * value, digits) + " %";
}

void line(std::ostream& out, std::string_view name, const std::string& value) {
  std::string padded{name};
  padded.resize(26, ' ');
  out << "  " << padded << value << "\n";
}

std::string quantiles(const LogHistogram& histogram) {
  if (histogram.count() == 0) return "none";
  return "p50 " + fixed(ms(histogram.quantile(0.5)), 2) + " ms, p99 " + fixed(ms(histogram.quantile(0.99)), 2) +
         " ms, p99.9 " + fixed(ms(histogram.quantile(0.999)), 2) + " ms, last " + fixed(ms(histogram.most()), 2) +
         " ms";
}

void print_joins(std::ostream& out, const LoadResult& r) {
  line(out, "joined",
       std::to_string(r.joined) + " of " + std::to_string(r.participants) + ", never joined " +
           std::to_string(r.participants - r.joined));
  line(out, "connected after", quantiles(r.connected));
  line(out, "all media after", quantiles(r.join));
  if (r.left > 0) {
    line(out, "left and came back", std::to_string(r.left) + ", back " + std::to_string(r.rejoined));
    line(out, "all media again after", quantiles(r.rejoin));
  }
  if (r.failed > 0) line(out, "failures", std::to_string(r.failed));
  for (const std::string& failure : r.failures) line(out, "", failure);
}

void print_server(std::ostream& out, const LoadResult& r) {
  if (!r.has_server_figures) return;
  line(out, "server CPU",
       percent(r.server_cpu_seconds / r.seconds, 0) + " of a core, " +
           fixed(micros_per_packet(r.server_cpu_seconds, r.headers.packets), 2) +
           " us per packet that arrived; waited for a core " + percent(r.server_waited_seconds / r.seconds, 0));
  line(
      out, "server CPU of joins",
      fixed(1000 * r.server_join_cpu_seconds / std::max(1U, r.participants), 2) + " ms each, media meanwhile included");
  line(out, "server memory",
       std::to_string(r.server_resident_bytes >> 20) + " MiB, " +
           std::to_string(r.server_resident_bytes_per_participant >> 10) + " KiB a participant");
  line(out, "server socket drops", std::to_string(r.server_socket_drops));
}

/// Members of one object, in the order in which they are added.
class JsonObject {
 public:
  void add(std::string_view name, double value, int digits) { raw(name, fixed(value, digits)); }
  void add(std::string_view name, std::uint64_t value) { raw(name, std::to_string(value)); }
  void raw(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? "{" : ",";
    json::append_string(text_, name);
    text_ += ':';
    text_ += value;
  }
  void add(std::string_view name, const LogHistogram& histogram) {
    JsonObject inner;
    inner.add("count", histogram.count());
    inner.add("p50", ms(histogram.quantile(0.5)), 3);
    inner.add("p99", ms(histogram.quantile(0.99)), 3);
    inner.add("p999", ms(histogram.quantile(0.999)), 3);
    inner.add("last", ms(histogram.most()), 3);
    raw(name, inner.finish());
  }
  [[nodiscard]] std::string finish() { return (text_.empty() ? "{" : text_) + "}"; }

 private:
  std::string text_;
};

std::string scenario_json(const LoadOptions& o) {
  JsonObject out;
  out.add("rooms", std::uint64_t{o.rooms});
  out.add("publishers", std::uint64_t{o.publishers});
  out.add("subscribers", std::uint64_t{o.subscribers});
  out.raw("meet", o.publishers_do == LoadOptions::Publishers::HearEachOther ? "true" : "false");
  out.add("audioPacketsPerSecond", std::uint64_t{o.audio_packets_per_second});
  out.add("videoPacketsPerSecond", std::uint64_t{o.video_packets_per_second});
  out.add("audioBytes", std::uint64_t{o.audio_bytes});
  out.add("videoBytes", std::uint64_t{o.video_bytes});
  out.add("joinsPerSecond", o.joins_per_second, 1);
  out.add("leavesPerSecond", o.leaves_per_second, 1);
  out.add("verifyShare", o.verify_share, 3);
  out.raw("reports", o.reports == Reports::On ? "true" : "false");
  return out.finish();
}

std::string failures_json(const LoadResult& r) {
  std::string out = "[";
  for (const std::string& failure : r.failures) {
    if (out.size() > 1) out += ',';
    json::append_string(out, failure);
  }
  return out + "]";
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
  JsonObject out;
  out.add("cpuSeconds", r.server_cpu_seconds, 3);
  out.add("cpuMicrosPerPacket", micros_per_packet(r.server_cpu_seconds, r.headers.packets), 3);
  out.add("waitedSeconds", r.server_waited_seconds, 3);
  out.add("joinCpuSeconds", r.server_join_cpu_seconds, 3);
  out.add("residentBytes", r.server_resident_bytes);
  out.add("residentBytesPerParticipant", r.server_resident_bytes_per_participant);
  out.add("socketDrops", r.server_socket_drops);
  return out.finish();
}

}  // namespace

void print_table(std::ostream& out, const LoadOptions& options, const LoadResult& r) {
  const Counts& h = r.headers;
  out << "\n"
      << options.rooms << " rooms of " << options.publishers << " publishers and " << options.subscribers << " others, "
      << fixed(r.seconds, 2) << " s, load average before " << fixed(r.load_average, 2) << "\n";
  print_joins(out, r);
  line(out, "published",
       fixed(rate(r.sent_packets, r.seconds), 0) + " packets/s, " + fixed(rate(r.sent_bytes, r.seconds) * 8 / 1e6, 2) +
           " Mbit/s of payload, " + std::to_string(r.key_frames) + " key frames");
  line(out, "arrived",
       fixed(rate(h.packets, r.seconds), 0) + " packets/s, " + fixed(rate(h.bytes, r.seconds) * 8 / 1e6, 2) +
           " Mbit/s, in " + std::to_string(h.streams) + " streams");
  line(out, "by headers",
       "lost " + std::to_string(h.lost) + " (" + percent(share(h.lost, h.packets + h.lost), 4) + "), duplicates " +
           std::to_string(h.duplicates) + ", reordered " + std::to_string(h.reordered));
  line(out, "verified by " + std::to_string(r.verifying),
       std::to_string(r.verified) + " of " + std::to_string(r.verified_expected) + ", lost " +
           std::to_string(r.verified_lost) + " (" + percent(share(r.verified_lost, r.verified_expected), 4) +
           "), duplicates " + std::to_string(r.verified_duplicates + r.wrong.replayed) + ", reordered " +
           std::to_string(r.verified_reordered));
  line(out, "not as it was sent",
       std::to_string(r.corrupt()) + " (unopened " + std::to_string(r.wrong.unopened) + ", corrupt " +
           std::to_string(r.wrong.corrupt) + ", foreign " + std::to_string(r.wrong.foreign) + ", unannounced " +
           std::to_string(r.wrong.unannounced) + ", unknown " + std::to_string(r.wrong.unknown) + ")");
  line(out, "delay", quantiles(r.delays));
  print_server(out, r);
  line(out, "generator",
       percent(r.own_cpu_seconds / r.seconds, 0) + " of a core, waited for one " +
           percent(r.own_waited_seconds / r.seconds, 0) + ", socket drops " + std::to_string(r.own_socket_drops) +
           ", not sent " + std::to_string(r.not_sent));
}

std::string to_json(const LoadOptions& options, const LoadResult& r) {
  JsonObject out;
  out.raw("scenario", scenario_json(options));
  out.add("loadAverage", r.load_average, 2);
  out.raw("good", r.good() ? "true" : "false");
  out.add("participants", std::uint64_t{r.participants});
  out.add("joined", std::uint64_t{r.joined});
  out.add("neverJoined", std::uint64_t{r.participants - r.joined});
  out.add("failed", std::uint64_t{r.failed});
  out.raw("failures", failures_json(r));
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
  out.add("packetsPerSecond", rate(r.headers.packets, r.seconds), 1);
  out.add("bytesPerSecond", rate(r.headers.bytes, r.seconds), 1);
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
  if (r.has_server_figures) out.raw("server", server_json(r));
  out.add("ownCpuSeconds", r.own_cpu_seconds, 3);
  out.add("ownWaitedSeconds", r.own_waited_seconds, 3);
  out.add("ownSocketDrops", r.own_socket_drops);
  return out.finish();
}

}  // namespace zvonok::load
