#include "app/metrics.h"

#include <cstdio>
#include <fstream>
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
    if (families_.empty() || families_.back().name != name) {
      families_.push_back({name, help, MetricType::Counter, {}});
    }
    ClientMetric metric;
    metric.label.push_back({label, std::string{label_value}});
    metric.counter.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

 private:
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

}  // namespace

std::string Metrics::render() {
  Families out;
  add_process(out, parts_.loop);
  if (server_ != nullptr) add_net(out, server_->counters());
  add_calls(out, parts_.control);
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
