#include "adapter/tunnel_xray/messages.h"

#include <charconv>

#include "adapter/tunnel_xray/protobuf.h"

namespace zvonok::tunnel_xray {
namespace {

std::string_view prefix(Flavour flavour) {
  switch (flavour) {
    case Flavour::Xray: return "xray.";
    case Flavour::V2ray: return "v2ray.core.";
  }
  return {};
}

std::string typed_message(Flavour flavour, std::string_view type, std::string_view value) {
  std::string out;
  protobuf::append_bytes(out, 1, std::string{prefix(flavour)}.append(type));
  protobuf::append_bytes(out, 2, value);
  return out;
}

std::string alter_inbound(std::string_view inbound, std::string_view operation) {
  std::string out;
  protobuf::append_bytes(out, 1, inbound);
  protobuf::append_bytes(out, 2, operation);
  return out;
}

}  // namespace

std::string_view alter_inbound_path(Flavour flavour) {
  switch (flavour) {
    case Flavour::Xray: return "/xray.app.proxyman.command.HandlerService/AlterInbound";
    case Flavour::V2ray: return "/v2ray.core.app.proxyman.command.HandlerService/AlterInbound";
  }
  return {};
}

std::string add_user_request(Flavour flavour, std::string_view inbound, const TunnelUser& user) {
  std::string account;  // `flow` is left out: over WebSocket there is none
  protobuf::append_bytes(account, 1, user.id.reveal());
  protobuf::append_bytes(account, 3, "none");
  std::string inner;  // `level` 0 is left out
  protobuf::append_bytes(inner, 2, user.email);
  protobuf::append_bytes(inner, 3, typed_message(flavour, "proxy.vless.Account", account));
  std::string operation;
  protobuf::append_bytes(operation, 1, inner);
  return alter_inbound(inbound, typed_message(flavour, "app.proxyman.command.AddUserOperation", operation));
}

std::string remove_user_request(Flavour flavour, std::string_view inbound, std::string_view email) {
  std::string operation;
  protobuf::append_bytes(operation, 1, email);
  return alter_inbound(inbound, typed_message(flavour, "app.proxyman.command.RemoveUserOperation", operation));
}

std::string frame(std::string_view message) {
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>((message.size() >> shift) & 0xFF));
  return out.append(message);
}

std::string unescape_status(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char value = 0;
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
      if (error == std::errc{} && end == text.data() + i + 3) {
        out.push_back(static_cast<char>(value));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace zvonok::tunnel_xray
