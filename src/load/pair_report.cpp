// The results of pair calls.
#include <algorithm>
#include <ostream>

#include "load/report.h"
#include "load/report_text.h"

namespace zvonok::load {
namespace {

using Kind = PairLoadOptions::Kind;

void print_calls(std::ostream& out, const PairLoadResult& r) {
  const PairCourse& c = r.course;
  table_line(out, "calls",
             std::to_string(c.calls_begun) + " begun, " + std::to_string(c.calls_set_up) + " set up, " +
                 fixed(per_second(c.calls_set_up, r.seconds), 1) + " a second; no idle pair for " +
                 std::to_string(r.calls_not_begun) + "; failed " + std::to_string(c.calls_failed));
  table_line(out, "set up after", quantiles(c.set_up));
}

std::string options_json(const PairLoadOptions& o) {
  JsonObject out;
  out.add("pairs", std::uint64_t{o.pairs});
  out.add("callsPerSecond", o.kind == Kind::Calls ? o.calls_per_second : 0, 1);
  out.add("holdSeconds", o.kind == Kind::Calls ? as_ms(o.hold) / 1000 : 0, 3);
  out.add("messagesPerSecond", o.messages_per_second, 1);
  out.add("messageBytes", std::uint64_t{o.message_bytes});
  out.add("watched", std::uint64_t{o.watched});
  out.add("joinsPerSecond", o.joins_per_second, 1);
  return out.finish();
}

}  // namespace

void print_table(std::ostream& out, const PairLoadOptions& options, const PairLoadResult& r) {
  const PairCourse& c = r.course;
  out << "\n"
      << options.pairs << (options.kind == Kind::Calls ? " pairs who call each other, " : " pairs in calls, ")
      << fixed(r.seconds, 2) << " s, load average before " << fixed(r.load_average, 2) << "\n";
  table_line(out, "connected", std::to_string(r.connected) + " of " + std::to_string(r.sockets) + " sockets");
  table_line(out, "greeted after", quantiles(r.connect));
  print_failures(out, r.failures);
  if (options.kind == Kind::Calls) print_calls(out, r);
  for (const auto& [reason, count] : c.refusals) table_line(out, "", std::to_string(count) + " x " + reason);
  const std::uint64_t lost = c.relays_sent - std::min(c.relays_sent, c.relays_came);
  table_line(out, "relayed",
             fixed(per_second(c.relays_came, r.seconds), 0) + " messages/s of " +
                 fixed(per_second(c.relays_sent, r.seconds), 0) + " sent, never came " + std::to_string(lost) +
                 "; news of the server " + fixed(per_second(c.news, r.seconds), 0) + "/s, unreadable " +
                 std::to_string(c.unreadable));
  table_line(out, "relay delay", quantiles(c.relay));
  if (r.has_server_figures) {
    table_line(out, "server CPU",
               percent(r.server.cpu_seconds / r.seconds, 0) + " of a core, " +
                   fixed(micros_each(r.server.cpu_seconds, c.relays_came), 2) +
                   " us per relayed message; waited for a core " + percent(r.server.waited_seconds / r.seconds, 0));
    table_line(out, "server memory",
               std::to_string(r.server.resident_bytes >> 20) + " MiB, " +
                   fixed(static_cast<double>(r.server.grown_bytes) / 1024 / std::max(1U, r.sockets), 1) +
                   " KiB a socket");
  }
  print_generator(out, r.own, r.seconds, "");
}

std::string to_json(const std::string& name, const PairLoadOptions& options, const PairLoadResult& r) {
  const PairCourse& c = r.course;
  JsonObject out;
  out.add("name", name);
  out.add("kind", std::string{options.kind == Kind::Calls ? "calls" : "signalling"});
  out.raw("scenario", options_json(options));
  out.add("loadAverage", r.load_average, 2);
  out.flag("good", r.good());
  out.add("sockets", std::uint64_t{r.sockets});
  out.add("connected", std::uint64_t{r.connected});
  out.add("connectMs", r.connect);
  out.add("failed", r.failures.count());
  out.raw("failures", failures_json(r.failures));
  out.add("seconds", r.seconds, 3);
  out.add("callsBegun", c.calls_begun);
  out.add("callsNotBegun", r.calls_not_begun);
  out.add("callsSetUp", c.calls_set_up);
  out.add("callsEnded", c.calls_ended);
  out.add("callsFailed", c.calls_failed);
  out.add("callsPerSecond", per_second(c.calls_set_up, r.seconds), 2);
  out.add("setUpMs", c.set_up);
  JsonObject refusals;
  for (const auto& [reason, count] : c.refusals) refusals.add(reason, count);
  out.raw("refusals", refusals.finish());
  out.add("relaysSent", c.relays_sent);
  out.add("relaysCame", c.relays_came);
  out.add("relaysPerSecond", per_second(c.relays_came, r.seconds), 1);
  out.add("relayMs", c.relay);
  out.add("news", c.news);
  out.add("unreadable", c.unreadable);
  if (r.has_server_figures) {
    JsonObject server = process_json(r.server);
    server.add("cpuMicrosPerRelay", micros_each(r.server.cpu_seconds, c.relays_came), 3);
    out.raw("server", server.finish());
  }
  out.raw("generator", process_json(r.own).finish());
  return out.finish();
}

}  // namespace zvonok::load
