// HTTP requests and responses as values (RFC 9110), between net/ which carries them and rest/ which understands them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zvonok {

enum class Method { Get, Head, Post, Put, Patch, Delete, Options, Other };

struct HttpHeader {
  std::string name;
  std::string value;
};

/// Compares ASCII text without case, as header names are.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

struct HttpRequest {
  Method method = Method::Get;
  std::string method_text;  // as sent, for methods that are Other
  std::string target;       // origin form, as sent: path and query; holds tokens, so never log it
  std::string path;         // the target up to '?', still percent-encoded
  std::string query;        // behind '?', still percent-encoded; may be empty
  std::vector<HttpHeader> headers;
  std::string body;
  std::string remote_address;  // numeric, without port; the client's own, behind a trusted proxy too
  std::string request_id;      // the client's X-Request-Id when that is harmless, else a fresh one
  bool is_tls = false;         // reached us by TLS, here or at a trusted proxy
  bool is_websocket = false;   // asks to be upgraded to WebSocket

  /// The first field of that name.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers;
  std::string body;
  bool ends_connection = false;  // "Connection: close", and the end of it behind this answer

  void add_header(std::string name, std::string value) { headers.push_back({std::move(name), std::move(value)}); }
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// Undoes percent-encoding (RFC 3986 section 2.1); '+' becomes a space, as forms have it. nullopt when an escape is
/// broken.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// The first value of `name` in a query such as "a=1&b=2", decoded. nullopt when absent or broken.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace zvonok
