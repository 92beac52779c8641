// Beast asserts that 5 bytes are there when it looks again at a last chunk; 4 can be, of "0\r\n\r\n" in pieces. What it
// does then is right.
#define BOOST_DISABLE_ASSERTS
#include "net/http_parser.h"

#include <algorithm>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "proto/websocket/handshake.h"

namespace zvonok::net {
namespace {

namespace http = boost::beast::http;
using Error = http::error;

struct Failure {
  int status;
  std::string_view reason;
};

Failure describe(const boost::system::error_code& error) {
  if (error == Error::header_limit) return {431, "request header too large"};
  if (error == Error::body_limit || error == Error::buffer_overflow) return {413, "request body too large"};
  if (error == Error::bad_version) return {505, "unsupported HTTP version"};
  if (error == Error::bad_transfer_encoding) return {501, "unsupported transfer encoding"};
  return {400, "malformed request"};
}

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::Get;
    case http::verb::head: return Method::Head;
    case http::verb::post: return Method::Post;
    case http::verb::put: return Method::Put;
    case http::verb::patch: return Method::Patch;
    case http::verb::delete_: return Method::Delete;
    case http::verb::options: return Method::Options;
    default: return Method::Other;  // Beast's list of verbs is not ours
  }
}

std::string_view to_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// RFC 9112 section 3.2.2: servers accept the absolute form, too. What precedes the path is dropped.
std::string_view origin_form(std::string_view target) {
  if (!target.starts_with("http://") && !target.starts_with("https://")) return target;
  const std::size_t authority = target.find("//") + 2;
  const std::size_t slash = target.find('/', authority);
  return slash == std::string_view::npos ? std::string_view{"/"} : target.substr(slash);
}

}  // namespace

std::optional<std::string_view> RequestHead::header(std::string_view name) const {
  const auto field =
      std::ranges::find_if(headers, [&](const HttpHeader& header) { return equal_ignoring_case(header.name, name); });
  return field == headers.end() ? std::nullopt : std::optional<std::string_view>{field->value};
}

struct HttpParser::Impl {
  http::request_parser<http::string_body> parser;
  // As they stood in front of the body: Beast puts the trailers of a chunked body among the headers, where a client
  // could add what a proxy in front would never let through (RFC 9110 section 6.5.1).
  std::vector<HttpHeader> headers;
  bool keep_alive = false;

  void keep_headers() {
    for (const auto& field : parser.get()) {
      headers.push_back({std::string{to_view(field.name_string())}, std::string{to_view(field.value())}});
    }
  }
};

HttpParser::HttpParser(const HttpLimits& limits)
    : impl_{std::make_unique<Impl>()},
      fields_max_{limits.header_fields_max},
      body_bytes_max_{limits.body_bytes_max},
      stops_before_body_{limits.stops_before_body} {
  impl_->parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
  impl_->parser.body_limit(limits.body_bytes_max);
  impl_->parser.eager(false);  // first the header alone
}

HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

HttpParser::Progress HttpParser::failed(int status, std::string_view reason) {
  failure_status_ = status;
  failure_reason_ = reason;
  return Progress::Failed;
}

HttpParser::Progress HttpParser::feed(Bytes data, std::size_t& consumed) {
  auto& parser = impl_->parser;
  consumed = 0;
  while (!parser.is_done() && consumed < data.size()) {
    boost::system::error_code error;
    const Bytes rest = data.subspan(consumed);
    const bool had_header = parser.is_header_done();
    const std::size_t used = parser.put(boost::asio::const_buffer{rest.data(), rest.size()}, error);
    consumed += used;
    if (error == Error::need_more) error = {};
    if (error) {
      // The announced length is found too large within the header, which is whole by then.
      if (error == Error::body_limit && impl_->headers.empty()) impl_->keep_headers();
      const Failure failure = describe(error);
      return failed(failure.status, failure.reason);
    }
    if (!had_header && parser.is_header_done()) {
      const auto& fields = parser.get();
      const auto hosts = fields.equal_range(http::field::host);
      const auto host_count = std::distance(hosts.first, hosts.second);
      if (host_count > 1 || (host_count == 0 && fields.version() >= 11))
        return failed(400, "exactly one Host is needed");
      if (std::distance(fields.begin(), fields.end()) > static_cast<std::ptrdiff_t>(fields_max_)) {
        return failed(431, "too many header fields");
      }
      impl_->keep_headers();
      impl_->keep_alive = fields.keep_alive();
      parser.eager(true);
      if (stops_before_body_) break;
    }
    if (used == 0) break;
  }
  if (parser.is_done()) return Progress::Complete;
  return parser.is_header_done() ? Progress::NeedsBody : Progress::NeedsHeader;
}

bool HttpParser::expects_continue() const {
  const auto& request = impl_->parser.get();
  return request.version() >= 11 && boost::beast::iequals(request[http::field::expect], "100-continue");
}

bool HttpParser::keep_alive() const {
  return impl_->keep_alive;
}

bool HttpParser::has_head() const {
  return !impl_->headers.empty();
}

RequestHead HttpParser::head() const {
  const auto& request = impl_->parser.get();
  const std::string_view target = origin_form(to_view(request.target()));
  const std::size_t question = std::min(target.find('?'), target.size());
  return {.method = method_of(request.method()),
          .path = target.substr(0, question),
          .query = target.substr(std::min(question + 1, target.size())),
          .headers = impl_->headers};
}

bool HttpParser::limit_body(std::size_t bytes_max) {
  if (bytes_max >= body_bytes_max_) return true;
  auto& parser = impl_->parser;
  parser.body_limit(bytes_max);
  const auto length = parser.content_length();
  return !length || *length <= bytes_max;
}

HttpRequest HttpParser::take() {
  auto message = impl_->parser.release();
  HttpRequest request;
  request.method = method_of(message.method());
  request.method_text = std::string{to_view(message.method_string())};
  const std::string_view target = origin_form(to_view(message.target()));
  request.target = std::string{target};
  const std::size_t question = target.find('?');
  request.path = std::string{target.substr(0, question)};
  if (question != std::string_view::npos) request.query = std::string{target.substr(question + 1)};
  request.headers = std::move(impl_->headers);
  request.body = std::move(message.body());
  return request;
}

}  // namespace zvonok::net
