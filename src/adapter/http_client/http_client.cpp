#include "adapter/http_client/http_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>
#include <sys/epoll.h>

namespace zvonok::http_client {
namespace {

constexpr std::size_t kHeaderBytesMax = 64 * 1024;
constexpr long kIdleConnectionsMax = 32;

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct MultiDeleter {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

bool append(List& list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  (void)list.release();
  list.reset(longer);
  return true;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, last - first + 1);
}

/// RFC 9110 section 10.2.3, in seconds; the form with a date is passed over.
std::optional<seconds> retry_after_of(std::string_view line) {
  constexpr std::string_view kName = "retry-after:";
  if (line.size() < kName.size()) return std::nullopt;
  const bool same = std::equal(kName.begin(), kName.end(), line.begin(),
                               [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b); });
  if (!same) return std::nullopt;
  const std::string_view value = trim(line.substr(kName.size()));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < 0 || number > 86'400) return std::nullopt;
  return seconds{number};
}

/// One request on its way. The library's C code fills it, so that nothing may throw out of there.
struct Transfer {
  std::unique_ptr<CURL, EasyDeleter> easy;
  List headers;
  Request request;
  HttpClient::Done done;
  Answer answer;
  std::size_t header_bytes = 0;
  std::size_t body_bytes_max = 0;
  bool too_big = false;
  std::array<char, CURL_ERROR_SIZE> detail{};
};

std::size_t take_body(const char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (bytes > transfer.body_bytes_max - transfer.answer.body.size()) {
    transfer.too_big = true;
    return 0;  // anything but `bytes` ends the transfer
  }
  transfer.answer.body.append(data, bytes);
  return bytes;
}

std::size_t take_header(const char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += size * count;
  if (transfer.header_bytes > kHeaderBytesMax) {
    transfer.too_big = true;
    return 0;
  }
  if (const auto wait = retry_after_of({data, size * count})) transfer.answer.retry_after = wait;
  return size * count;
}

/// Whether the request can have left this machine.
bool may_have_arrived(CURL* easy, CURLcode code) {
  if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
      code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_URL_MALFORMAT) {
    return false;
  }
  // A time-out before anything was sent.
  curl_off_t pretransfer = 0;
  return curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer) != CURLE_OK || pretransfer > 0;
}

}  // namespace

/// The library's sockets and timer on our loop (libcurl's multi_socket interface).
class HttpClient::Engine {
 public:
  Engine(net::Loop& loop, Options options) : loop_{loop}, options_{std::move(options)}, multi_{curl_multi_init()} {}
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] bool start();
  void send(Request request, Done done);
  [[nodiscard]] std::size_t in_flight() const { return transfers_.size(); }
  void act(curl_socket_t socket, int events);

 private:
  struct Watch final : net::ReadyHandler {
    Watch(Engine& owner, curl_socket_t fd) : engine{owner}, socket{fd} {}
    void on_ready(std::uint32_t events) override;
    Engine& engine;
    const curl_socket_t socket;
    bool gone = false;
  };

  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) noexcept;
  static int on_timer(CURLM*, long milliseconds_left, void* user) noexcept;
  void watch(curl_socket_t socket, int what);
  void arm(long milliseconds_left);
  [[nodiscard]] bool prepare(Transfer& transfer);
  void finish_some();
  void refuse(Done done, std::string detail);

  net::Loop& loop_;
  const Options options_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;
  std::unordered_map<curl_socket_t, std::unique_ptr<Watch>> watches_;
  std::optional<net::Loop::TimerKey> timer_;
  std::unique_ptr<CURLM, MultiDeleter> multi_;
};

HttpClient::Engine::~Engine() {
  if (!multi_) return;
  for (const auto& [easy, transfer] : transfers_) curl_multi_remove_handle(multi_.get(), easy);
  transfers_.clear();
  multi_.reset();  // closes its connections, and says so
  if (timer_) loop_.cancel(*timer_);
  for (auto& [socket, watch] : watches_) {
    loop_.remove(socket);
    watch->gone = true;
    loop_.discard(std::move(watch));
  }
}

bool HttpClient::Engine::start() {
  if (!multi_) return false;
  bool good = true;
  const auto set = [&](auto option, auto value) {
    good = good && curl_multi_setopt(multi_.get(), option, value) == CURLM_OK;
  };
  set(CURLMOPT_SOCKETFUNCTION, &Engine::on_socket);
  set(CURLMOPT_SOCKETDATA, this);
  set(CURLMOPT_TIMERFUNCTION, &Engine::on_timer);
  set(CURLMOPT_TIMERDATA, this);
  set(CURLMOPT_MAXCONNECTS, kIdleConnectionsMax);
  return good;
}

bool HttpClient::Engine::prepare(Transfer& transfer) {
  CURL* const easy = transfer.easy.get();
  const Request& request = transfer.request;
  for (const std::string& line : request.headers) {
    if (!append(transfer.headers, line)) return false;
  }
  if (!append(transfer.headers, "Expect:")) return false;  // no "100-continue", which costs a round trip
  bool good = true;
  const auto set = [&](auto option, auto value) { good = good && curl_easy_setopt(easy, option, value) == CURLE_OK; };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTPHEADER, transfer.headers.get());
  set(CURLOPT_USERAGENT, "zvonok");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.total_timeout.count()));
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_ERRORBUFFER, transfer.detail.data());
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options_.ca_file.empty()) {
    set(CURLOPT_CAINFO, options_.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  // The library repeats what ended without an answer on a connection that was used before, and there alone.
  if (request.only_once) set(CURLOPT_FRESH_CONNECT, 1L);
  if (request.is_post) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (!request.user.empty()) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, request.user.c_str());
    set(CURLOPT_PASSWORD, request.password.reveal().c_str());
  }
  return good;
}

void HttpClient::Engine::refuse(Done done, std::string detail) {
  loop_.post([done = std::move(done), detail = std::move(detail)]() mutable {
    done(fail(Failure{.may_have_arrived = false, .detail = std::move(detail)}));
  });
}

void HttpClient::Engine::send(Request request, Done done) {
  if (transfers_.size() >= options_.in_flight_max) return refuse(std::move(done), "too many requests are under way");
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(curl_easy_init());
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  transfer->body_bytes_max = options_.response_bytes_max;
  CURL* const easy = transfer->easy.get();
  if (easy == nullptr || !prepare(*transfer)) return refuse(std::move(transfer->done), "the HTTP library refuses it");
  transfers_.emplace(easy, std::move(transfer));
  if (curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
    auto refused = transfers_.extract(easy);
    refuse(std::move(refused.mapped()->done), "the HTTP library refuses it");
  }
}

// ---- the loop -------------------------------------------------------------------------------------------------------

void HttpClient::Engine::Watch::on_ready(std::uint32_t events) {
  if (gone) return;
  int what = 0;
  if ((events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
  engine.act(socket, what);
}

int HttpClient::Engine::on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) noexcept {
  static_cast<Engine*>(user)->watch(socket, what);
  return 0;
}

int HttpClient::Engine::on_timer(CURLM*, long milliseconds_left, void* user) noexcept {
  static_cast<Engine*>(user)->arm(milliseconds_left);
  return 0;
}

void HttpClient::Engine::watch(curl_socket_t socket, int what) {
  const auto place = watches_.find(socket);
  if (what == CURL_POLL_REMOVE) {
    if (place == watches_.end()) return;
    loop_.remove(socket);
    place->second->gone = true;
    loop_.discard(std::move(place->second));
    watches_.erase(place);
    return;
  }
  std::uint32_t events = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
  if (place != watches_.end()) {
    loop_.modify(socket, events, *place->second);
    return;
  }
  auto fresh = std::make_unique<Watch>(*this, socket);
  if (loop_.add(socket, events, *fresh)) watches_.emplace(socket, std::move(fresh));
}

void HttpClient::Engine::arm(long milliseconds_left) {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  if (milliseconds_left < 0) return;
  timer_ = loop_.schedule(loop_.now().mono + milliseconds{milliseconds_left}, [this] {
    timer_.reset();
    act(CURL_SOCKET_TIMEOUT, 0);
    // The loop's time is that of its turn, so that this may come a moment early; the library would not ask again.
    long left = -1;
    if (!timer_ && curl_multi_timeout(multi_.get(), &left) == CURLM_OK && left >= 0) arm(std::max(left, 1L));
  });
}

void HttpClient::Engine::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &running);
  finish_some();
}

void HttpClient::Engine::finish_some() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;
    curl_multi_remove_handle(multi_.get(), easy);
    const auto node = transfers_.extract(easy);
    Transfer& transfer = *node.mapped();
    if (transfer.too_big) {
      transfer.done(fail(Failure{.may_have_arrived = true, .detail = "the answer is too big"}));
    } else if (code != CURLE_OK) {
      std::string detail{transfer.detail[0] != '\0' ? transfer.detail.data() : curl_easy_strerror(code)};
      transfer.done(fail(Failure{.may_have_arrived = may_have_arrived(easy, code), .detail = std::move(detail)}));
    } else {
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      transfer.answer.status = static_cast<int>(status);
      transfer.done(std::move(transfer.answer));
    }
  }
}

// ---- the face -------------------------------------------------------------------------------------------------------

HttpClient::HttpClient(std::unique_ptr<Engine> engine) : engine_{std::move(engine)} {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>, std::string> HttpClient::create(net::Loop& loop, Options options) {
  static const bool kStarted = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!kStarted) return fail(std::string{"the HTTP library does not start"});
  auto engine = std::make_unique<Engine>(loop, std::move(options));
  if (!engine->start()) return fail(std::string{"the HTTP library does not start"});
  return std::unique_ptr<HttpClient>{new HttpClient{std::move(engine)}};
}

void HttpClient::send(Request request, Done done) {
  engine_->send(std::move(request), std::move(done));
}

std::size_t HttpClient::in_flight() const {
  return engine_->in_flight();
}

bool is_web_url(const std::string& text) {
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; }))
    return false;
  const std::unique_ptr<CURLU, UrlDeleter> url{curl_url()};
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return false;
  const auto part = [&](CURLUPart which) {
    char* value = nullptr;
    if (curl_url_get(url.get(), which, &value, 0) != CURLUE_OK) return std::string{};
    std::string copy{value};
    curl_free(value);
    return copy;
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  return (scheme == "http" || scheme == "https") && part(CURLUPART_USER).empty() && part(CURLUPART_PASSWORD).empty() &&
         part(CURLUPART_FRAGMENT).empty();
}

}  // namespace zvonok::http_client
