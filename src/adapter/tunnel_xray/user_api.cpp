#include "adapter/tunnel_xray/user_api.h"

#include <string_view>

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

ApiAnswer GrpcUserApi::add(const TunnelUser& user) {
  return read_status(
      channel_->call(alter_inbound_path(options_.flavour), add_user_request(options_.flavour, options_.inbound, user)));
}

ApiAnswer GrpcUserApi::remove(const std::string& email) {
  return read_status(channel_->call(alter_inbound_path(options_.flavour),
                                    remove_user_request(options_.flavour, options_.inbound, email)));
}

}  // namespace zvonok::tunnel_xray
