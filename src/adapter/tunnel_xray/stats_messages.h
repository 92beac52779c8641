// The one method of StatsService that is needed here, QueryStats, as protobuf bytes, and the names of counters. Field
// numbers are the same in Xray and in v2ray.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/tunnel_xray/messages.h"
#include "base/result.h"

namespace zvonok::tunnel_xray {

/// Uplink is what the user has sent.
enum class TrafficWay : std::uint8_t { Uplink, Downlink };

/// One counter of the server: bytes of content, since its start or since somebody has set it to zero.
struct TrafficCounter {
  std::string email;
  TrafficWay way = TrafficWay::Uplink;
  std::int64_t bytes = 0;  // never negative
  friend bool operator==(const TrafficCounter&, const TrafficCounter&) = default;
};

/// Whether counters are zero from when they were read.
enum class Reset : bool { No, Yes };

[[nodiscard]] std::string_view query_stats_path(Flavour flavour);
/// QueryStatsRequest for all users whose emails begin so. The servers look for a text anywhere in a name, so that
/// others may come as well.
[[nodiscard]] std::string query_stats_request(std::string_view email_prefix, Reset reset);
/// QueryStatsResponse in gRPC's frame: the counters of users' traffic in it, whoever they are. Everything else in there
/// is passed over. The error is one line.
[[nodiscard]] Result<std::vector<TrafficCounter>, std::string> read_query_stats(std::string_view framed);

/// `user>>>EMAIL>>>traffic>>>uplink` or `downlink`; nothing: another kind of counter. `bytes` stays 0.
[[nodiscard]] std::optional<TrafficCounter> parse_counter_name(std::string_view name);

}  // namespace zvonok::tunnel_xray
