#include <iomanip>
#include <sstream>

#include "base/check.h"
#include "caller/session.h"
#include "proto/json_scan.h"

namespace zvonok::caller {
namespace {

class Writer {
 public:
  void text(std::string_view key, std::string_view value) {
    name(key);
    json::append_string(out_, value);
  }
  void count(std::string_view key, std::uint64_t value) {
    name(key);
    out_ += std::to_string(value);
  }
  void decimal(std::string_view key, double value) {
    name(key);
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << value;
    out_ += text.str();
  }
  void time(std::string_view key, Duration value) {
    decimal(key, std::chrono::duration<double, std::milli>(value).count());
  }
  void open(std::string_view key) {
    name(key);
    out_ += '{';
    first_ = true;
  }
  void close() {
    out_ += '}';
    first_ = false;
  }
  [[nodiscard]] std::string finish() { return "{" + out_ + "}"; }

 private:
  void name(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    json::append_string(out_, key);
    out_ += ':';
  }
  std::string out_;
  bool first_ = true;
};

}  // namespace

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::Talked: return "talked";
    case Outcome::Silent: return "silent";
    case Outcome::NotAnswered: return "not-answered";
    case Outcome::Failed: return "failed";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

std::string to_json(const CallReport& report) {
  Writer out;
  out.text("outcome", to_text(report.outcome));
  out.text("reason", report.reason);
  out.text("callId", report.call_id);
  out.text("self", report.self);
  out.text("peer", report.peer);
  out.text("role", report.role);
  out.text("code", report.code);
  out.text("transport", report.transport == MediaTransport::Udp ? "udp" : "tcp");
  out.time("setup_ms", report.setup);
  out.time("tunnel_ms", report.tunnel);
  out.time("talk_ms", report.talk);
  out.open("sent");
  out.count("packets", report.stream.sent_packets);
  out.count("bytes", report.stream.sent_bytes);
  out.count("not_sent", report.path.not_sent);
  out.close();
  out.open("received");
  out.count("packets", report.stream.received_packets);
  out.count("bytes", report.stream.received_bytes);
  out.count("by_udp", report.path.received_udp);
  out.count("by_tcp", report.path.received_tcp);
  out.count("lost", report.stream.lost);
  out.count("late", report.stream.late);
  out.count("undecodable", report.stream.undecodable);
  out.count("replayed", report.stream.replayed);
  out.count("malformed", report.stream.malformed);
  out.count("keyless", report.stream.keyless);
  out.count("foreign", report.path.received_foreign);
  out.decimal("jitter_ms", report.stream.jitter_ms);
  out.time("longest_gap_ms", report.stream.longest_gap);
  out.decimal("level_dbfs", report.stream.level_db);
  out.close();
  return out.finish();
}

}  // namespace zvonok::caller
