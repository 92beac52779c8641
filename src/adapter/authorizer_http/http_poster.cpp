#include "adapter/authorizer_http/http_poster.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include <curl/curl.h>

namespace zvonok::authorizer_http {
namespace {

constexpr std::size_t kIdleHandlesMax = 16;
constexpr std::size_t kHeaderBytesMax = 64 * 1024;

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

/// curl_global_init is not safe beside itself in older versions.
bool start_library() {
  static const bool kStarted = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return kStarted;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_http_url(const std::string& text) {
  const std::unique_ptr<CURLU, UrlDeleter> url{curl_url()};
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return false;
  char* scheme = nullptr;
  if (curl_url_get(url.get(), CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) return false;
  const std::string name{scheme};
  curl_free(scheme);
  return name == "http" || name == "https";
}

/// What a request has received so far. The library's C code calls these, so they must not throw.
struct Received {
  std::string body;
  std::size_t body_bytes_max = 0;
  std::size_t header_bytes = 0;
  bool too_big = false;
};

std::size_t take_body(const char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& received = *static_cast<Received*>(user);
  const std::size_t bytes = size * count;
  if (bytes > received.body_bytes_max - received.body.size()) {
    received.too_big = true;
    return 0;  // anything but `bytes` ends the transfer
  }
  received.body.append(data, bytes);
  return bytes;
}

std::size_t count_header(const char*, std::size_t size, std::size_t count, void* user) noexcept {
  auto& received = *static_cast<Received*>(user);
  received.header_bytes += size * count;
  received.too_big = received.header_bytes > kHeaderBytesMax;
  return received.too_big ? 0 : size * count;
}

/// All that stays the same between requests. False when the library was built without something we need.
bool prepare(CURL* handle, const HttpPosterOptions& options, curl_slist* headers) {
  bool good = true;
  const auto set = [&](auto option, auto value) { good = curl_easy_setopt(handle, option, value) == CURLE_OK && good; };
  set(CURLOPT_URL, options.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_USERAGENT, "zvonok");
  set(CURLOPT_POST, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout.count()));
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_HEADERFUNCTION, &count_header);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_file.empty()) {
    set(CURLOPT_CAINFO, options.ca_file.c_str());
    // Only these: a directory of the system's would add to them.
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  return good;
}

List headers_of(const HttpPosterOptions& options) {
  List list;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;
    (void)list.release();
    list.reset(longer);
  };
  add("Content-Type: application/json");
  add("Accept: application/json");
  add("Expect:");  // no "100-continue", which costs a round trip
  if (!options.secret.reveal().empty()) add("Authorization: Bearer " + options.secret.reveal());
  return list;
}

}  // namespace

/// Handles keep their connections. One is used by one thread at a time.
struct HttpPoster::Handles {
  List headers;
  std::mutex mutex;
  std::vector<Easy> idle;

  Easy take() {
    const std::lock_guard lock{mutex};
    if (idle.empty()) return nullptr;
    Easy handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }
  void give_back(Easy handle) {
    const std::lock_guard lock{mutex};
    if (idle.size() < kIdleHandlesMax) idle.push_back(std::move(handle));
  }
};

HttpPoster::HttpPoster(HttpPosterOptions options, std::unique_ptr<Handles> handles)
    : options_{std::move(options)}, handles_{std::move(handles)} {}
HttpPoster::~HttpPoster() = default;

Result<std::unique_ptr<HttpPoster>, std::string> HttpPoster::create(HttpPosterOptions options) {
  if (!start_library()) return fail(std::string{"the HTTP library does not start"});
  if (has_control_character(options.url) || !is_http_url(options.url)) {
    return fail(std::string{"the URL must look like https://host/path"});
  }
  if (has_control_character(options.secret.reveal())) {
    return fail(std::string{"the secret must have no control characters"});
  }
  auto handles = std::make_unique<Handles>();
  handles->headers = headers_of(options);
  Easy first{curl_easy_init()};
  if (!first || !prepare(first.get(), options, handles->headers.get())) {
    return fail(std::string{"the HTTP library lacks what is needed here"});
  }
  return std::unique_ptr<HttpPoster>{new HttpPoster{std::move(options), std::move(handles)}};
}

Result<HttpAnswer, std::string> HttpPoster::post(const std::string& json) {
  Easy handle = handles_->take();
  if (!handle) {
    handle.reset(curl_easy_init());
    if (!handle || !prepare(handle.get(), options_, handles_->headers.get())) {
      return fail(std::string{"no HTTP handle"});
    }
  }
  Received received{.body = {}, .body_bytes_max = options_.response_bytes_max};
  received.body.reserve(1024);
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &received);
  curl_easy_setopt(handle.get(), CURLOPT_HEADERDATA, &received);
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(json.size()));
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, json.c_str());
  const CURLcode code = curl_easy_perform(handle.get());
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  // They point to this call's stack.
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, static_cast<void*>(nullptr));
  curl_easy_setopt(handle.get(), CURLOPT_HEADERDATA, static_cast<void*>(nullptr));
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
  handles_->give_back(std::move(handle));
  if (received.too_big) return fail(std::string{"the answer is too big"});
  if (code != CURLE_OK) return fail(std::string{detail[0] != '\0' ? detail.data() : curl_easy_strerror(code)});
  return HttpAnswer{.status = static_cast<int>(status), .body = std::move(received.body)};
}

}  // namespace zvonok::authorizer_http
