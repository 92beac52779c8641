#include "app/rooms/messenger.h"

#include <utility>

#include "net/clock.h"

namespace zvonok::app {
namespace {

constexpr std::size_t kThreads = 8;
constexpr std::size_t kQueueMax = 2'000;

}  // namespace

Result<std::unique_ptr<authorizer_http::HttpAuthorizer>, std::string> messenger_authorizer(const Config& config) {
  auto made = authorizer_http::HttpAuthorizer::create(
      {.url = config.room_authorizer_url, .secret = config.room_authorizer_secret, .ca_file = {}});
  if (!made) return fail("ROOM_AUTHORIZER_URL, ROOM_AUTHORIZER_SECRET: " + made.error());
  return made;
}

Result<std::unique_ptr<Messenger>, std::string> Messenger::create(const Config& config) {
  if (config.room_authorizer_url.empty()) return std::unique_ptr<Messenger>{};
  auto http = messenger_authorizer(config);
  if (!http) return fail(std::move(http.error()));
  return std::unique_ptr<Messenger>{new Messenger{std::move(*http), config}};
}

Messenger::Messenger(std::unique_ptr<authorizer_http::HttpAuthorizer> http, const Config& config)
    : http_{std::move(http)},
      cached_{*http_, {.fresh_for = config.room_authorizer_cache, .clock = [] { return net::read_clocks().mono; }}},
      pool_{{.threads = kThreads, .queue_max = kQueueMax}} {}

}  // namespace zvonok::app
