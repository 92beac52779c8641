#include "caller/tunnel_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace zvonok::caller {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr Duration kLookInterval = milliseconds{20};
constexpr Duration kDrainInterval = milliseconds{500};
constexpr int kStopMilliseconds = 2000;
constexpr std::size_t kErrorBytesMax = 400;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool takes_connections(std::uint16_t port) {
  const net::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const sockaddr_in address = loopback(port);
  return fd.valid() && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string system_error(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

/// The first inbound, where the proxy is. Null: there is none.
json::object* first_inbound(json::value& config) {
  json::object* const object = config.if_object();
  json::value* const inbounds = object == nullptr ? nullptr : object->if_contains("inbounds");
  json::array* const list = inbounds == nullptr ? nullptr : inbounds->if_array();
  return list == nullptr || list->empty() ? nullptr : list->front().if_object();
}

/// What runs between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const char* executable, const char* config, int errors, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(errors, STDOUT_FILENO);  // they log to either
  ::dup2(errors, STDERR_FILENO);
  char flag[] = "-config";
  char* const arguments[] = {const_cast<char*>(executable), flag, const_cast<char*>(config), nullptr};
  ::execvp(executable, arguments);
  constexpr std::string_view kText = "cannot be executed";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
  ::_exit(127);
}

}  // namespace

Result<std::string, std::string> adapt_client_config(std::string_view config, std::uint16_t port) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view{config.data(), config.size()}, error);
  json::object* const inbound = error ? nullptr : first_inbound(value);
  if (inbound == nullptr) return fail(std::string{"the server's tunnel configuration has no inbound"});
  value.as_object().erase("version");
  (*inbound)["port"] = port;
  return json::serialize(value);
}

std::uint16_t proxy_port_of(std::string_view config) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view{config.data(), config.size()}, error);
  json::object* const inbound = error ? nullptr : first_inbound(value);
  const json::value* const port = inbound == nullptr ? nullptr : inbound->if_contains("port");
  if (port == nullptr || !port->is_int64()) return 0;
  return port->as_int64() > 0 && port->as_int64() < 65536 ? static_cast<std::uint16_t>(port->as_int64()) : 0;
}

std::uint16_t free_port() {
  const net::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
  return bound ? ntohs(address.sin_port) : std::uint16_t{0};
}

std::string find_tunnel_client() {
  const char* const path = std::getenv("PATH");
  for (const char* const name : {"xray", "v2ray"}) {
    for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
      const std::size_t colon = std::min(rest.find(':'), rest.size());
      const fs::path candidate = fs::path{rest.substr(0, colon)} / name;
      if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
      rest.remove_prefix(std::min(rest.size(), colon + 1));
    }
  }
  return {};
}

TunnelProcess::TunnelProcess(net::Loop& loop, std::uint16_t port, Events events)
    : loop_{loop}, port_{port}, events_{std::move(events)} {}

Result<std::unique_ptr<TunnelProcess>, std::string> TunnelProcess::start(net::Loop& loop, const TunnelProgram& program,
                                                                         const Private<std::string>& config,
                                                                         std::uint16_t port, Events events) {
  std::unique_ptr<TunnelProcess> process{new TunnelProcess{loop, port, std::move(events)}};
  if (const auto written = process->write_config(config); !written) return fail(written.error());
  if (const auto spawned = process->spawn(program.executable); !spawned) return fail(spawned.error());
  process->start_until_ = loop.now().mono + program.start_timeout;
  process->timer_ = loop.schedule(loop.now().mono + kLookInterval, [self = process.get()] { self->look_for_proxy(); });
  return process;
}

Result<void, std::string> TunnelProcess::write_config(const Private<std::string>& config) {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  std::string pattern = ((error ? fs::path{"/tmp"} : base) / "zvonok-call-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return fail(system_error(pattern));
  folder_ = pattern;
  config_path_ = folder_ + "/config.json";
  const net::Fd file{::open(config_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  const std::string& text = config.reveal();
  if (!file.valid() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(system_error(config_path_));
  }
  return {};
}

Result<void, std::string> TunnelProcess::spawn(const std::string& executable) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail(system_error("a pipe for the tunnel client"));
  errors_fd_ = net::Fd{pipe[0]};
  const net::Fd theirs{pipe[1]};
  ::fcntl(errors_fd_.get(), F_SETFL, O_NONBLOCK);
  const pid_t parent = ::getpid();
  child_ = ::fork();
  if (child_ == 0) become(executable.c_str(), config_path_.c_str(), theirs.get(), parent);
  if (child_ < 0) return fail(system_error("the tunnel client"));
  child_fd_ = net::Fd{static_cast<int>(::syscall(SYS_pidfd_open, child_, 0))};
  if (!child_fd_.valid() || !loop_.add(child_fd_.get(), EPOLLIN, *this)) {
    return fail(system_error("watching the tunnel client"));
  }
  return {};
}

void TunnelProcess::look_for_proxy() {
  timer_.reset();
  read_errors();
  if (takes_connections(port_)) {
    remove_config();
    drain();
    return events_.on_listening();
  }
  if (loop_.now().mono >= start_until_) return end("its proxy was not there in time");
  timer_ = loop_.schedule(loop_.now().mono + kLookInterval, [this] { look_for_proxy(); });
}

/// The pipe must not run full; its last words say why it ended.
void TunnelProcess::read_errors() {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(errors_fd_.get(), buffer.data(), buffer.size());
    if (got <= 0) return;
    errors_.append(buffer.data(), static_cast<std::size_t>(got));
    if (errors_.size() > kErrorBytesMax) errors_.erase(0, errors_.size() - kErrorBytesMax);
  }
}

void TunnelProcess::drain() {
  read_errors();
  timer_ = loop_.schedule(loop_.now().mono + kDrainInterval, [this] { drain(); });
}

void TunnelProcess::on_ready(std::uint32_t) {
  int status = 0;
  if (child_ <= 0 || ::waitpid(child_, &status, WNOHANG) != child_) return;
  child_ = -1;
  read_errors();
  end(WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status))
                          : "ended with code " + std::to_string(WEXITSTATUS(status)));
}

void TunnelProcess::end(std::string why) {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  if (child_fd_.valid()) loop_.remove(child_fd_.get());
  child_fd_.reset();
  std::ranges::replace(errors_, '\n', ' ');
  if (!errors_.empty()) why += ": " + errors_;
  events_.on_end(std::move(why));
}

void TunnelProcess::remove_config() {
  if (folder_.empty()) return;
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  folder_.clear();
}

TunnelProcess::~TunnelProcess() {
  if (timer_) loop_.cancel(*timer_);
  if (child_fd_.valid()) loop_.remove(child_fd_.get());
  if (child_ > 0) {
    ::kill(child_, SIGTERM);
    pollfd ended{.fd = child_fd_.get(), .events = POLLIN, .revents = 0};
    if (!child_fd_.valid() || ::poll(&ended, 1, kStopMilliseconds) <= 0) ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  remove_config();
}

}  // namespace zvonok::caller
