#include "signal/tunnel/encode.h"

#include "proto/json_scan.h"

namespace zvonok::signal::tunnel {
namespace {

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += out.empty() ? "{\"" : ",\"";
  out += key;
  out += "\":";
  json::append_string(out, text);
}

std::string parties(const CallId& call, const UserId& caller, const UserId& callee) {
  std::string out;
  append_member(out, "callId", call.value());
  append_member(out, "callerId", caller.value());
  append_member(out, "calleeId", callee.value());
  return out += '}';
}

std::string only_call(const CallId& call) {
  std::string out;
  append_member(out, "callId", call.value());
  return out += '}';
}

}  // namespace

Message encode(const call::tunnel::CallInitiated& effect) {
  return {"call-initiated", parties(effect.call, effect.caller, effect.callee)};
}

Message encode(const call::tunnel::IncomingCall& effect) {
  return {"incoming-call", parties(effect.call, effect.caller, effect.callee)};
}

Message encode(const call::tunnel::CallAccepted& effect) {
  return {"call-accepted", only_call(effect.call)};
}

Message encode(const call::tunnel::Relayed& effect) {
  std::string out;
  append_member(out, "callId", effect.call.value());
  out += R"(,"data":)";
  out += effect.data;
  return {"e2e", out += '}'};
}

Message encode(const call::tunnel::CallRejected& effect) {
  return {"call-rejected", only_call(effect.call)};
}

Message encode(const call::tunnel::CallOver& effect) {
  std::string out;
  append_member(out, "callId", effect.call.value());
  if (effect.over != call::tunnel::Over::Hangup) append_member(out, "reason", to_text(effect.over));
  return {"call-hangup", out += '}'};
}

Message encode(const call::tunnel::CallError& effect) {
  std::string out;
  append_member(out, "message", to_text(effect.error));
  if (effect.call) append_member(out, "callId", effect.call->value());
  return {"call-error", out += '}'};
}

Message encode_error(std::string_view message) {
  std::string out;
  append_member(out, "message", message);
  return {"call-error", out += '}'};
}

Message encode(const call::DeliverPresence& effect) {
  std::string out = R"({"users":[)";
  for (const call::UserPresence& user : effect.users) {
    if (&user != effect.users.data()) out += ',';
    out += R"({"userId":)";
    json::append_string(out, user.user.value());
    out += user.online ? R"(,"online":true})" : R"(,"online":false})";
  }
  return {"presence", out += "]}"};
}

Message encode(const call::tunnel::PeerConnected& effect, std::string_view peer_endpoint) {
  std::string out;
  append_member(out, "callId", effect.call.value());
  if (!peer_endpoint.empty()) append_member(out, "peerEndpoint", peer_endpoint);
  return {"vpn-connected", out += '}'};
}

Message encode(const call::tunnel::ConfigReceived& effect, const ClientConfig& config) {
  std::string out;
  append_member(out, "callId", effect.call.value());
  append_member(out, "vpnServer", config.server);
  out += R"(,"vpnPort":)" + std::to_string(config.port);
  append_member(out, "encryptionKey", config.encryption_key.reveal());
  append_member(out, "version", kConfigVersion);
  out += R"(,"xrayConfig":)";
  append_client_config(out, config);
  if (!config.peer_endpoint.empty()) append_member(out, "peerEndpoint", config.peer_endpoint);
  if (!config.sfu_endpoint.empty()) append_member(out, "sfuEndpoint", config.sfu_endpoint);
  return {"vpn-config-received", out += '}'};
}

}  // namespace zvonok::signal::tunnel
