#include "app/web/web_policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <arpa/inet.h>

namespace zvonok::app {
namespace {

using AddressBytes = std::vector<unsigned char>;

std::optional<AddressBytes> parse_address(std::string_view text) {
  const std::string copy{text};
  std::array<unsigned char, 16> bytes{};
  if (::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return AddressBytes{bytes.begin(), bytes.begin() + 4};
  if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return AddressBytes{bytes.begin(), bytes.end()};
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// The host and port of an origin: what stands behind "//".
std::string_view authority_of(std::string_view origin) {
  const std::size_t slashes = origin.find("//");
  return slashes == std::string_view::npos ? std::string_view{} : origin.substr(slashes + 2);
}

constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

}  // namespace

bool WebPolicy::Network::contains(const AddressBytes& address) const {
  if (address.size() != prefix.size()) return false;
  for (unsigned bit = 0; bit < bits; bit += 8) {
    const unsigned left = std::min(8U, bits - bit);
    const auto mask = static_cast<unsigned char>(0xFF00U >> left);
    if (((address[bit / 8] ^ prefix[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

Result<WebPolicy::Network, std::string> WebPolicy::parse_network(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(std::string_view{text}.substr(0, slash));
  if (!address) return fail("TRUSTED_PROXIES: \"" + text + "\" is neither an address nor a network");
  Network network{*address, static_cast<unsigned>(address->size() * 8)};
  if (slash != std::string::npos) {
    const char* begin = text.data() + slash + 1;
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), network.bits);
    if (error != std::errc{} || end != text.data() + text.size() || network.bits > address->size() * 8) {
      return fail("TRUSTED_PROXIES: \"" + text + "\" has a wrong prefix length");
    }
  }
  return network;
}

Result<WebPolicy, std::string> WebPolicy::create(const Options& options) {
  WebPolicy policy;
  for (const std::string& origin : options.allowed_origins) {
    if (origin == "*") {
      policy.any_origin_ = true;
    } else if (authority_of(origin).empty() || authority_of(origin).find('/') != std::string_view::npos) {
      return fail("CORS_ALLOWED_ORIGINS: \"" + origin + "\" is not an origin such as https://chat.example.org");
    } else {
      policy.origins_.push_back(origin);
    }
  }
  for (const std::string& proxy : options.trusted_proxies) {
    auto network = parse_network(proxy);
    if (!network) return fail(std::move(network.error()));
    policy.proxies_.push_back(std::move(*network));
  }
  return policy;
}

bool WebPolicy::is_listed_origin(std::string_view origin) const {
  return any_origin_ || std::any_of(origins_.begin(), origins_.end(),
                                    [&](const std::string& listed) { return equal_ignoring_case(listed, origin); });
}

bool WebPolicy::allows_origin(const HttpRequest& request) const {
  const auto origin = request.header("Origin");
  return !origin || is_own_origin(request) || is_listed_origin(*origin);
}

bool WebPolicy::is_own_origin(const HttpRequest& request) {
  const auto origin = request.header("Origin");
  if (!origin) return true;
  // The page came from this very host and port. The scheme may differ behind a proxy that ends TLS.
  const std::string_view own = request.header("Host").value_or("");
  return !own.empty() && equal_ignoring_case(authority_of(*origin), own);
}

void WebPolicy::add_cors(const HttpRequest& request, HttpResponse& response) const {
  const auto origin = request.header("Origin");
  if (!origin) return;
  response.add_header("Vary", "Origin");
  if (!is_listed_origin(*origin)) return;
  response.add_header("Access-Control-Allow-Origin", std::string{*origin});
  response.add_header("Access-Control-Expose-Headers", "Retry-After, X-Request-Id, ETag");
}

HttpResponse WebPolicy::preflight(const HttpRequest& request) const {
  HttpResponse response;
  response.status = 204;
  add_cors(request, response);
  if (response.header("Access-Control-Allow-Origin")) {
    response.add_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    response.add_header("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-Id");
    response.add_header("Access-Control-Max-Age", "600");
  }
  return response;
}

void WebPolicy::add_security(const HttpRequest& request, HttpResponse& response) const {
  response.add_header("X-Content-Type-Options", "nosniff");
  response.add_header("Referrer-Policy", "no-referrer");
  response.add_header("X-Frame-Options", "DENY");
  response.add_header("Cross-Origin-Opener-Policy", "same-origin");
  response.add_header("Content-Security-Policy", std::string{kContentSecurityPolicy});
  response.add_header("Permissions-Policy",
                      "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), "
                      "fullscreen=(self), picture-in-picture=(self), geolocation=(), payment=(), usb=()");
  if (request.is_tls) response.add_header("Strict-Transport-Security", "max-age=31536000");
  if (!response.header("Cache-Control")) response.add_header("Cache-Control", "no-store");
}

bool WebPolicy::is_trusted_proxy(std::string_view address) const {
  const auto bytes = proxies_.empty() ? std::nullopt : parse_address(address);
  return bytes && std::any_of(proxies_.begin(), proxies_.end(), [&](const Network& n) { return n.contains(*bytes); });
}

void WebPolicy::resolve_client(HttpRequest& request) const {
  if (!is_trusted_proxy(request.remote_address)) return;
  // From the right, each entry was written by the proxy behind it: the first one that is not ours is the client.
  std::string_view list = request.header("X-Forwarded-For").value_or("");
  while (!list.empty()) {
    const std::size_t comma = list.rfind(',');
    const std::string_view entry = trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
    if (!parse_address(entry)) break;
    request.remote_address = std::string{entry};
    if (!is_trusted_proxy(entry) || comma == std::string_view::npos) break;
    list = list.substr(0, comma);
  }
  if (equal_ignoring_case(request.header("X-Forwarded-Proto").value_or(""), "https")) request.is_tls = true;
}

bool WebPolicy::is_local(std::string_view address) {
  static const std::vector<Network> kLocal = [] {
    std::vector<Network> networks;
    for (const char* text : {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                             "::1/128", "fc00::/7", "fe80::/10"}) {
      networks.push_back(*parse_network(text));
    }
    return networks;
  }();
  const auto bytes = parse_address(address);
  return bytes && std::any_of(kLocal.begin(), kLocal.end(), [&](const Network& n) { return n.contains(*bytes); });
}

}  // namespace zvonok::app
