// Xray or v2ray as a child of this process, for one call. Its configuration lets whoever reads it into the call: it
// lies in a folder of ours alone (0700, the file 0600), and only until the child has read it. The child dies with us.
//
// Threads: everything on the loop's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/private.h"
#include "base/result.h"
#include "net/fd.h"
#include "net/loop.h"

namespace zvonok::caller {

/// The configuration for a client on this machine: without `version` (Xray from 25.8.3 on refuses a text there), its
/// proxy on `port`. The error is one line.
[[nodiscard]] Result<std::string, std::string> adapt_client_config(std::string_view config, std::uint16_t port);
/// The port of its proxy, as the server chose it. 0: there is none.
[[nodiscard]] std::uint16_t proxy_port_of(std::string_view config);
/// One of the system's choice on 127.0.0.1; 0 when there is none. Never the usual one: two clients that begin at the
/// same moment would both find it free, and both have it, since they listen with SO_REUSEPORT.
[[nodiscard]] std::uint16_t free_port();

struct TunnelProgram {
  std::string executable;  // a name to be looked for in PATH, or a path
  Duration start_timeout = seconds{10};
};
/// The first of "xray" and "v2ray" that is in PATH; empty: neither.
[[nodiscard]] std::string find_tunnel_client();

class TunnelProcess final : public net::ReadyHandler {
 public:
  struct Events {
    /// Its proxy takes connections.
    std::function<void()> on_listening;
    /// It could not be started, or has ended by itself. The last call.
    std::function<void(std::string why)> on_end;
  };
  /// The error is one line. No event comes before this has returned.
  [[nodiscard]] static Result<std::unique_ptr<TunnelProcess>, std::string> start(net::Loop& loop,
                                                                                 const TunnelProgram& program,
                                                                                 const Private<std::string>& config,
                                                                                 std::uint16_t port, Events events);
  TunnelProcess(const TunnelProcess&) = delete;
  TunnelProcess& operator=(const TunnelProcess&) = delete;
  /// Ends the child and removes what is left of it; waits for up to two seconds.
  ~TunnelProcess() override;

  void on_ready(std::uint32_t events) override;

 private:
  TunnelProcess(net::Loop& loop, std::uint16_t port, Events events);
  [[nodiscard]] Result<void, std::string> write_config(const Private<std::string>& config);
  [[nodiscard]] Result<void, std::string> spawn(const std::string& executable);
  void look_for_proxy();
  void read_errors();
  void drain();
  void remove_config();
  void end(std::string why);

  net::Loop& loop_;
  std::uint16_t port_;
  Events events_;
  std::string folder_;
  std::string config_path_;
  pid_t child_ = -1;
  net::Fd child_fd_;
  net::Fd errors_fd_;
  std::string errors_;
  TimePoint start_until_{};
  std::optional<net::Loop::TimerKey> timer_;
};

}  // namespace zvonok::caller
