// Whoever makes tunnels for calls, as a port. Implementations: the tunnel inside this process, and an external Xray or
// v2ray server.
//
// Threads: everything on the control thread; what is answered later is so on the same thread.
#pragma once
#include <array>
#include <functional>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/private.h"
#include "base/result.h"
#include "call/call.h"

namespace zvonok::port {

/// What one side of a call is let in with.
struct TunnelAccess {
  Private<std::string> user;  // the VLESS id: a fresh random UUID
  std::string peer_endpoint;  // "ip:port": where this side finds the other
  std::string sfu_endpoint;   // "ip:port" of the media plane; may be empty
};

/// Caller, callee.
using TunnelAccesses = std::array<TunnelAccess, 2>;

class TunnelProvider {
 public:
  /// The error is for logs: it names no secret.
  using Opened = std::move_only_function<void(Result<TunnelAccesses, std::string>)>;

  /// What the caller and the callee have used; nothing: that is not known.
  using Used = std::move_only_function<void(std::optional<std::array<call::TunnelTraffic, 2>>)>;

  virtual ~TunnelProvider() = default;
  virtual void open(const CallId& call, Opened done) = 0;
  /// Takes both users' access away, also when `open` has not answered yet, and cuts their connections at once where
  /// that is possible. Exactly one for each `open`. `used` is called at most once, from within or later; a call whose
  /// users were let in hears there what it has used, unless this object goes before.
  virtual void close(const CallId& call, Used used) = 0;
};

}  // namespace zvonok::port
