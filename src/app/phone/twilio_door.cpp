#include "app/phone/twilio_door.h"

namespace zvonok::app {

using voip_twilio::TwilioProvider;

bool TwilioDoor::is_for_us(std::string_view path) const {
  return path.starts_with(TwilioProvider::kPrefix);
}

void TwilioDoor::handle(Exchange exchange) {
  exchange.show_path(TwilioProvider::shown_path(exchange.request().path));
  if (!exchange.request().is_websocket) return exchange.reply(provider_.on_webhook(exchange.request()));
  const auto call = provider_.admit_stream(exchange.request());
  if (!call) return exchange.reply(rest::forbidden("no stream is expected here"));
  const ConnectionId id = exchange.connection();
  const net::WsRules rules{.message_bytes_max = TwilioProvider::kMessageBytesMax};
  if (exchange.upgrade(provider_.streams(), rules)) provider_.streams().opened(id, *call);
}

}  // namespace zvonok::app
