// The way in for the servers of a phone provider, where it has one: its webhooks and WebSockets, below a path of its
// own. Belongs to the loop's thread.
#pragma once
#include <cstddef>
#include <string_view>

#include "app/web/exchange.h"
#include "net/server.h"

namespace zvonok::app {

class PhoneDoor {
 public:
  virtual ~PhoneDoor() = default;
  /// Before any request. The server outlives its use here.
  virtual void attach(net::Server& server) = 0;
  [[nodiscard]] virtual bool is_for_us(std::string_view path) const = 0;
  [[nodiscard]] virtual std::size_t body_bytes_max() const = 0;
  virtual void handle(Exchange exchange) = 0;
};

}  // namespace zvonok::app
