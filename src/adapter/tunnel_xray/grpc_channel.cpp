#include "adapter/tunnel_xray/grpc_channel.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <curl/curl.h>

#include "adapter/tunnel_xray/messages.h"

namespace zvonok::tunnel_xray {
namespace {

constexpr std::size_t kBodyBytesMax = 64 * 1024;
constexpr std::size_t kHeaderBytesMax = 16 * 1024;
// A server that refuses a method does not read what it was asked, and resets the stream behind its answer. When both
// come at once the library (7.88) sees the reset only.
constexpr int kAttempts = 6;

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// What a call has received so far. The library's C code fills it, so that nothing may throw out of there.
struct Received {
  std::string body;
  std::size_t body_bytes_max = 0;
  std::size_t header_bytes = 0;
  std::optional<int> status;
  std::string message;
};

std::size_t take_body(const char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& received = *static_cast<Received*>(user);
  if (size * count > received.body_bytes_max - received.body.size()) return 0;
  try {
    received.body.append(data, size * count);
  } catch (...) {  // no memory
    return 0;
  }
  return size * count;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos || last < first ? std::string_view{} : text.substr(first, last - first + 1);
}

/// Headers and trailers alike: an error without a body comes in the former. Names are in lower case in HTTP/2.
std::size_t take_header(const char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& received = *static_cast<Received*>(user);
  const std::string_view line{data, size * count};
  received.header_bytes += line.size();
  if (received.header_bytes > kHeaderBytesMax) return 0;
  constexpr std::string_view kStatus = "grpc-status:";
  constexpr std::string_view kMessage = "grpc-message:";
  if (line.starts_with(kStatus)) {
    const std::string_view value = trim(line.substr(kStatus.size()));
    int code = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), code);
    if (error == std::errc{} && end == value.data() + value.size()) received.status = code;
  } else if (line.starts_with(kMessage)) {
    received.message = unescape_status(trim(line.substr(kMessage.size())));
  }
  return line.size();
}

/// "host:port" and nothing else: it becomes the beginning of a URL.
bool is_address(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '[' || c == ']' || c == '_';
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || !std::all_of(text.begin(), text.end(), good)) return false;
  std::uint16_t port = 0;
  const char* const stop = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, stop, port);
  return error == std::errc{} && end == stop && port != 0;
}

}  // namespace

struct GrpcChannel::Handle {
  Options options;
  std::unique_ptr<curl_slist, ListDeleter> headers;
  std::unique_ptr<CURL, EasyDeleter> easy;
};

GrpcChannel::GrpcChannel(std::unique_ptr<Handle> handle) : handle_{std::move(handle)} {}
GrpcChannel::~GrpcChannel() = default;

Result<std::unique_ptr<GrpcChannel>, std::string> GrpcChannel::create(Options options) {
  static const bool kStarted = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!kStarted) return fail(std::string{"the HTTP library does not start"});
  if (!is_address(options.address)) return fail(std::string{"the address must look like 127.0.0.1:10085"});
  if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) == 0) {
    return fail(std::string{"the HTTP library was built without HTTP/2"});
  }
  auto handle = std::make_unique<Handle>();
  handle->options = std::move(options);
  for (const char* line : {"Content-Type: application/grpc", "TE: trailers", "Accept:", "Expect:"}) {
    curl_slist* const longer = curl_slist_append(handle->headers.get(), line);
    if (longer == nullptr) return fail(std::string{"no memory"});
    (void)handle->headers.release();
    handle->headers.reset(longer);
  }
  handle->easy.reset(curl_easy_init());
  bool good = handle->easy != nullptr;
  const auto set = [&](auto option, auto value) {
    good = good && curl_easy_setopt(handle->easy.get(), option, value) == CURLE_OK;
  };
  set(CURLOPT_PROTOCOLS_STR, "http");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
  set(CURLOPT_HTTPHEADER, handle->headers.get());
  // libcurl 7.88 fails with "Error in the HTTP2 framing layer" on a connection that it uses again in this way.
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_USERAGENT, "zvonok");
  set(CURLOPT_POST, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(handle->options.connect_timeout.count()));
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_HEADERFUNCTION, &take_header);
  if (!good) return fail(std::string{"the HTTP library lacks what is needed here"});
  return std::unique_ptr<GrpcChannel>{new GrpcChannel{std::move(handle)}};
}

GrpcStatus GrpcChannel::call(std::string_view path, std::string_view message) {
  return ask(path, message, {.timeout = handle_->options.total_timeout, .bytes_max = kBodyBytesMax}).status;
}

GrpcAnswer GrpcChannel::ask(std::string_view path, std::string_view message, const Limits& limits) {
  CURL* const easy = handle_->easy.get();
  const std::string url = "http://" + handle_->options.address + std::string{path};
  const std::string body = frame(message);
  Received received;
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &received);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &received);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
  CURLcode code = CURLE_OK;
  int attempt = 0;
  for (; attempt < kAttempts; ++attempt) {
    received = {};
    received.body_bytes_max = limits.bytes_max;
    detail[0] = '\0';
    code = curl_easy_perform(easy);
    if (code != CURLE_HTTP2_STREAM || received.status) break;
  }
  // They point to this call's stack.
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, static_cast<void*>(nullptr));
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, static_cast<void*>(nullptr));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
  const auto unavailable = [](std::string why) {
    return GrpcAnswer{.status = {.code = GrpcCode::Unavailable, .message = std::move(why)}, .body = {}};
  };
  if (received.status) {
    return {.status = {.code = static_cast<GrpcCode>(*received.status),
                       .message = std::move(received.message),
                       .tried_again = attempt > 0},
            .body = std::move(received.body)};
  }
  if (code == CURLE_WRITE_ERROR) return unavailable("the answer is too long");
  if (code == CURLE_OK) return unavailable("the answer is not gRPC");
  return unavailable(detail[0] != '\0' ? detail.data() : curl_easy_strerror(code));
}

}  // namespace zvonok::tunnel_xray
