// A participant of a room as far as ICE goes: its socket, the server's first offer, and checks of connectivity with
// what the offer says.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/ice/candidate.h"
#include "proto/stun/binding.h"
#include "support/test_node.h"

namespace zvonok::test {

/// What an offer says of the server's transport.
struct OfferedTransport {
  std::string ufrag;
  std::string pwd;
  std::vector<ice::Candidate> candidates;  // of the first section

  /// The first candidate of that protocol whose address is one, or none, of the tunnel.
  enum class Where { Outside, InTunnel };
  [[nodiscard]] std::optional<ice::Candidate> candidate(ice::Protocol protocol, Where where = Where::Outside) const {
    for (const ice::Candidate& one : candidates) {
      const bool in_tunnel = one.address.starts_with("198.18.");
      if (one.protocol == protocol && in_tunnel == (where == Where::InTunnel)) return one;
    }
    return std::nullopt;
  }
};

inline OfferedTransport parse_offer(std::string_view sdp) {
  OfferedTransport out;
  std::size_t sections = 0;
  while (!sdp.empty()) {
    const std::string_view line = sdp.substr(0, sdp.find("\r\n"));
    sdp.remove_prefix(std::min(sdp.size(), line.size() + 2));
    if (line.starts_with("m=")) ++sections;
    if (line.starts_with("a=ice-ufrag:")) out.ufrag = line.substr(12);
    if (line.starts_with("a=ice-pwd:")) out.pwd = line.substr(10);
    if (!line.starts_with("a=candidate:") || sections > 1) continue;
    const auto candidate = ice::parse_candidate(line);
    if (!candidate) throw std::runtime_error{"not a candidate: " + std::string{line}};
    out.candidates.push_back(*candidate);
  }
  return out;
}

/// A check as a browser sends it, which nominates.
inline std::string ice_check(const OfferedTransport& to) {
  std::array<std::uint8_t, stun::kBindingBytesMax> buffer{};
  stun::IntegrityKey key{to.pwd};
  const std::string username = to.ufrag + ":here";
  const std::size_t size = stun::write_binding_request(
      buffer, {.username = username, .priority = 1, .ice_controlling = 2, .nominate = stun::Nominate::Yes}, &key);
  return {reinterpret_cast<const char*>(buffer.data()), size};
}

/// Where the other side says that it saw us; nothing when this is no answer of somebody who knows the password.
inline std::optional<SocketAddress> seen_by_check(const OfferedTransport& from, std::string_view answer) {
  const auto message = stun::parse(as_bytes(answer));
  if (!message || message->message_class != stun::MessageClass::Success) return std::nullopt;
  stun::IntegrityKey key{from.pwd};
  return stun::has_integrity(*message, key) ? message->mapped_address : std::nullopt;
}

/// A UDP socket that speaks to one port of this machine.
class UdpClient {
 public:
  explicit UdpClient(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error{"no UDP socket"};
    }
  }
  UdpClient(const UdpClient&) = delete;
  UdpClient& operator=(const UdpClient&) = delete;
  ~UdpClient() { ::close(fd_); }

  void send(std::string_view datagram) {
    if (::send(fd_, datagram.data(), datagram.size(), 0) < 0) throw std::runtime_error{"the datagram did not leave"};
  }
  /// Throws when none comes in kPatience.
  [[nodiscard]] std::string receive() {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count();
    if (::poll(&waiting, 1, static_cast<int>(patience)) != 1) throw std::runtime_error{"no datagram came"};
    std::array<char, 2048> buffer{};
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (size < 0) throw std::runtime_error{"no datagram came"};
    return {buffer.data(), static_cast<std::size_t>(size)};
  }

 private:
  int fd_ = -1;
};

class RoomClient {
 public:
  /// Joins, and waits for the first offer.
  RoomClient(const TestNode& node, const Person& person, const std::string& room, std::string session)
      : session_{std::move(session)},
        ws_{node.port(), WsOpenOptions{.target = "/api/v1/" + room + "/call",
                                       .headers = {{"Authorization", "Bearer " + person.token}},
                                       .connect = {}}} {
    say("join");
    offer_ = parse_offer(expect("offer").at("sdp").as_string());
  }
  [[nodiscard]] const OfferedTransport& offer() const { return offer_; }
  void say(const std::string& type) {
    ws_.send_text(R"({"type":")" + type + R"(","roomId":1,"sessionId":")" + session_ + R"(","payload":{}})");
  }
  /// Reads until that type comes; its payload.
  boost::json::object expect(const std::string& type) {
    for (;;) {
      const WsIncoming in = ws_.next();
      if (in.kind != WsIncoming::Kind::Text) throw std::runtime_error{"closed before " + type};
      const boost::json::object message = boost::json::parse(in.text).as_object();
      if (message.at("type").as_string() != type) continue;
      return message.contains("payload") ? message.at("payload").as_object() : boost::json::object{};
    }
  }

 private:
  std::string session_;
  WsClient ws_;
  OfferedTransport offer_;
};

/// A group that the first of them makes, with all of them in it.
inline void make_group(const TestNode& node, const std::string& id, const std::vector<const Person*>& people) {
  std::string members;
  for (std::size_t i = 1; i < people.size(); ++i) members += (i > 1 ? ",\"" : "\"") + people[i]->id + "\"";
  const HttpReply reply =
      node.call({.method = "POST",
                 .target = "/api/v1/groups",
                 .headers = {{"Content-Type", "application/json"}},
                 .body = R"({"id":")" + id + R"(","title":")" + id + R"(","members":[)" + members + "]}",
                 .token = people.at(0)->token});
  if (reply.status != 201) throw std::runtime_error{"no group: " + reply.body};
}

}  // namespace zvonok::test
