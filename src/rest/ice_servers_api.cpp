#include "rest/ice_servers_api.h"

#include <chrono>

#include "proto/turn/credential.h"
#include "rest/json_body.h"

namespace zvonok::rest {
namespace {

boost::json::array to_json(const std::vector<std::string>& urls) {
  boost::json::array out;
  for (const std::string& url : urls) out.emplace_back(url);
  return out;
}

boost::json::array list_of(const IceServers& servers, const UserId& user, WallTime now) {
  boost::json::array list;
  if (!servers.stun_urls.empty()) list.push_back(boost::json::object{{"urls", to_json(servers.stun_urls)}});
  if (!servers.turn_urls.empty()) {
    const auto end = std::chrono::floor<seconds>(now + servers.credential_lifetime).time_since_epoch().count();
    const turn::Credential credential = turn::make_credential(servers.turn_secret.reveal(), user.value(), end);
    list.push_back(boost::json::object{
        {"urls", to_json(servers.turn_urls)}, {"username", credential.username}, {"credential", credential.password}});
  }
  return list;
}

}  // namespace

std::string ice_server_list(const IceServers& servers, const UserId& user, WallTime now) {
  return boost::json::serialize(list_of(servers, user, now));
}

HttpResponse encode_ice_servers(const IceServers& servers, const UserId& user, WallTime now) {
  return json_response(200, {{"ice_servers", list_of(servers, user, now)},
                             {"expires_in", std::chrono::floor<seconds>(servers.credential_lifetime).count()}});
}

}  // namespace zvonok::rest
