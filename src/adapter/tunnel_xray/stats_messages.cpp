#include "adapter/tunnel_xray/stats_messages.h"

#include <limits>
#include <utility>

#include "adapter/tunnel_xray/protobuf.h"

namespace zvonok::tunnel_xray {
namespace {

constexpr std::string_view kUser = "user>>>";
constexpr std::string_view kUplink = ">>>traffic>>>uplink";
constexpr std::string_view kDownlink = ">>>traffic>>>downlink";
constexpr std::size_t kFrameBytes = 5;

/// A Stat: its name and its value. Nothing: it is broken; a counter without an email: it is none of traffic.
std::optional<TrafficCounter> read_stat(std::string_view message) {
  std::string_view name;
  std::uint64_t value = 0;
  protobuf::Reader reader{message};
  while (const auto field = reader.next()) {
    if (field->number == 1 && field->wire == protobuf::Wire::Bytes) name = field->bytes;
    if (field->number == 2 && field->wire == protobuf::Wire::Varint) value = field->value;
  }
  if (reader.is_broken()) return std::nullopt;
  TrafficCounter counter = parse_counter_name(name).value_or(TrafficCounter{});
  // Of a signed number: what is below zero is nobody's traffic.
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  counter.bytes = value > kMax ? 0 : static_cast<std::int64_t>(value);
  return counter;
}

/// The message in a frame that is whole and not compressed.
std::optional<std::string_view> unframe(std::string_view framed) {
  if (framed.size() < kFrameBytes || framed[0] != '\0') return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 1; i < kFrameBytes; ++i) size = size << 8 | static_cast<unsigned char>(framed[i]);
  const std::string_view message = framed.substr(kFrameBytes);
  return message.size() == size ? std::optional{message} : std::nullopt;
}

}  // namespace

std::string_view query_stats_path(Flavour flavour) {
  switch (flavour) {
    case Flavour::Xray: return "/xray.app.stats.command.StatsService/QueryStats";
    case Flavour::V2ray: return "/v2ray.core.app.stats.command.StatsService/QueryStats";
  }
  return {};
}

std::string query_stats_request(std::string_view email_prefix, Reset reset) {
  std::string out;
  protobuf::append_bytes(out, 1, std::string{kUser}.append(email_prefix));
  protobuf::append_flag(out, 2, reset == Reset::Yes);
  return out;
}

Result<std::vector<TrafficCounter>, std::string> read_query_stats(std::string_view framed) {
  const auto message = unframe(framed);
  if (!message) return fail(std::string{"the answer is no gRPC message"});
  std::vector<TrafficCounter> counters;
  protobuf::Reader reader{*message};
  while (const auto field = reader.next()) {
    if (field->number != 1 || field->wire != protobuf::Wire::Bytes) continue;
    auto counter = read_stat(field->bytes);
    if (!counter) return fail(std::string{"a counter in the answer is broken"});
    if (!counter->email.empty()) counters.push_back(std::move(*counter));
  }
  if (reader.is_broken()) return fail(std::string{"the answer is broken"});
  return counters;
}

std::optional<TrafficCounter> parse_counter_name(std::string_view name) {
  if (!name.starts_with(kUser)) return std::nullopt;
  name.remove_prefix(kUser.size());
  for (const auto& [ending, way] : {std::pair{kUplink, TrafficWay::Uplink}, {kDownlink, TrafficWay::Downlink}}) {
    if (!name.ends_with(ending) || name.size() == ending.size()) continue;
    return TrafficCounter{.email = std::string{name.substr(0, name.size() - ending.size())}, .way = way, .bytes = 0};
  }
  return std::nullopt;
}

}  // namespace zvonok::tunnel_xray
