// What browsers are told and which of them are let in: security headers, CORS, the Origin of WebSockets, and whose
// address a request behind a proxy comes from.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/http_message.h"

namespace zvonok::app {

class WebPolicy {
 public:
  struct Options {
    std::vector<std::string> allowed_origins;  // besides our own; "*" for any
    std::vector<std::string> trusted_proxies;  // addresses or CIDR networks
  };
  /// The error names the entry that is neither an origin, nor an address, nor a network.
  [[nodiscard]] static Result<WebPolicy, std::string> create(const Options& options);

  /// Whether a browser page of that origin may use the API and the WebSockets. No Origin: not a browser, allowed.
  [[nodiscard]] bool allows_origin(const HttpRequest& request) const;
  /// Whether it is a page of this very host, or no page at all.
  [[nodiscard]] static bool is_own_origin(const HttpRequest& request);
  /// CORS headers for the answer (none when the origin is our own, absent or not allowed).
  void add_cors(const HttpRequest& request, HttpResponse& response) const;
  /// The answer to a preflight request.
  [[nodiscard]] HttpResponse preflight(const HttpRequest& request) const;
  /// Headers that every answer carries; pages and scripts also get the content security policy.
  void add_security(const HttpRequest& request, HttpResponse& response) const;
  /// Replaces address and TLS flag by what a trusted proxy says of its client.
  void resolve_client(HttpRequest& request) const;
  [[nodiscard]] bool is_trusted_proxy(std::string_view address) const;

  /// Loopback, private (RFC 1918, RFC 4193) and link-local addresses.
  [[nodiscard]] static bool is_local(std::string_view address);

 private:
  struct Network {
    std::vector<unsigned char> prefix;  // 4 or 16 bytes
    unsigned bits = 0;
    [[nodiscard]] bool contains(const std::vector<unsigned char>& address) const;
  };
  [[nodiscard]] static Result<Network, std::string> parse_network(const std::string& text);
  [[nodiscard]] bool is_listed_origin(std::string_view origin) const;

  std::vector<std::string> origins_;
  bool any_origin_ = false;
  std::vector<Network> proxies_;
};

}  // namespace zvonok::app
