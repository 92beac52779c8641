#include "adapter/tunnel_xray/user_api.h"

#include <string_view>
#include <utility>

namespace zvonok::tunnel_xray {

ApiAnswer read_status(const GrpcStatus& status) {
  const auto says = [&](std::string_view words) { return status.message.find(words) != std::string::npos; };
  switch (status.code) {
    case GrpcCode::Ok: return {.status = ApiStatus::Done, .detail = {}};
    case GrpcCode::Unavailable: return {.status = ApiStatus::Unavailable, .detail = status.message};
    case GrpcCode::Unimplemented:
      return {.status = ApiStatus::Refused,
              .detail = "no HandlerService of this kind there: is VPN_PROVIDER right? " + status.message};
    case GrpcCode::Unknown: break;
  }
  // An unknown inbound is "not found", too, but no user is meant.
  if (says("failed to get handler")) {
    return {.status = ApiStatus::Refused, .detail = "no such inbound: is XRAY_INBOUND right? " + status.message};
  }
  if (says("already exists")) return {.status = ApiStatus::AlreadyExists, .detail = status.message};
  if (says("not found")) return {.status = ApiStatus::NotFound, .detail = status.message};
  return {.status = ApiStatus::Refused,
          .detail = "status " + std::to_string(static_cast<int>(status.code)) + ": " + status.message};
}

ApiAnswer read_stats_status(const GrpcStatus& status) {
  switch (status.code) {
    case GrpcCode::Ok: return {.status = ApiStatus::Done, .detail = {}};
    case GrpcCode::Unavailable: return {.status = ApiStatus::Unavailable, .detail = status.message};
    case GrpcCode::Unimplemented:
      return {.status = ApiStatus::Refused, .detail = "its API has no StatsService: " + status.message};
    case GrpcCode::Unknown: break;
  }
  // v2ray without `stats` in its configuration says so in words of its own.
  return {.status = ApiStatus::Refused,
          .detail = "status " + std::to_string(static_cast<int>(status.code)) + ": " + status.message};
}

ApiAnswer GrpcUserApi::add(const TunnelUser& user) {
  const GrpcStatus status =
      channel_->call(alter_inbound_path(options_.flavour), add_user_request(options_.flavour, options_.inbound, user));
  ApiAnswer answer = read_status(status);
  // It may be this very call that has added it, whatever was there before.
  if (answer.status == ApiStatus::AlreadyExists && status.tried_again) answer.status = ApiStatus::Unavailable;
  return answer;
}

ApiAnswer GrpcUserApi::remove(const std::string& email) {
  return read_status(channel_->call(alter_inbound_path(options_.flavour),
                                    remove_user_request(options_.flavour, options_.inbound, email)));
}

TrafficAnswer GrpcUserApi::traffic(const std::string& email_prefix, Reset reset) {
  const GrpcAnswer answer = channel_->ask(query_stats_path(options_.flavour), query_stats_request(email_prefix, reset),
                                          {.timeout = options_.stats_timeout, .bytes_max = options_.stats_bytes_max});
  ApiAnswer status = read_stats_status(answer.status);
  if (status.status != ApiStatus::Done) return {.status = status.status, .detail = status.detail, .counters = {}};
  auto counters = read_query_stats(answer.body);
  if (!counters) return {.status = ApiStatus::Refused, .detail = std::move(counters.error()), .counters = {}};
  return {.status = ApiStatus::Done, .detail = {}, .counters = std::move(*counters)};
}

}  // namespace zvonok::tunnel_xray
