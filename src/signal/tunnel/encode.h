// The dialect of tunnelled calls, server to client: effects to Socket.IO events (docs/protocol/tunnel.md).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "call/tunnel_words.h"
#include "signal/tunnel/client_config.h"

namespace zvonok::signal::tunnel {

/// An event with its one argument, as JSON text.
struct Message {
  std::string_view event;
  std::string argument;
};

[[nodiscard]] Message encode(const call::tunnel::CallInitiated& effect);
[[nodiscard]] Message encode(const call::tunnel::IncomingCall& effect);
[[nodiscard]] Message encode(const call::tunnel::CallAccepted& effect);
[[nodiscard]] Message encode(const call::tunnel::Relayed& effect);
[[nodiscard]] Message encode(const call::tunnel::CallRejected& effect);
/// `reason` is there only when it is anything else than the other side's hangup.
[[nodiscard]] Message encode(const call::tunnel::CallOver& effect);
[[nodiscard]] Message encode(const call::tunnel::CallError& effect);
[[nodiscard]] Message encode(const call::DeliverPresence& effect);
/// `peer_endpoint`: a virtual address, "ip:port"; may be empty.
[[nodiscard]] Message encode(const call::tunnel::PeerConnected& effect, std::string_view peer_endpoint);
[[nodiscard]] Message encode(const call::tunnel::ConfigReceived& effect, const ClientConfig& config);
/// `call-error` for what the engine never saw.
[[nodiscard]] Message encode_error(std::string_view message);

}  // namespace zvonok::signal::tunnel
