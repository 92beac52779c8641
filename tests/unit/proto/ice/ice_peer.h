// The other side of an IceLite in tests: writes the checks of a full agent.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/ice/ice_lite.h"
#include "proto/stun/binding.h"

namespace zvonok::test {

struct CheckSpec {
  std::string receiver_ufrag;
  std::string sender_ufrag;
  std::string receiver_pwd;
  stun::Nominate nominate = stun::Nominate::No;
  enum class Role { Controlling, Controlled } role = Role::Controlling;
};

inline std::vector<std::uint8_t> write_check(const CheckSpec& spec) {
  stun::IntegrityKey key{spec.receiver_pwd};
  const std::string username = spec.receiver_ufrag + ":" + spec.sender_ufrag;
  stun::BindingRequest request{
      .transaction = {1, 2, 3}, .username = username, .priority = 0x6e7f1eff, .nominate = spec.nominate};
  (spec.role == CheckSpec::Role::Controlling ? request.ice_controlling : request.ice_controlled) = 7;
  std::vector<std::uint8_t> wire(stun::kBindingBytesMax);
  wire.resize(stun::write_binding_request(wire, request, &key));
  return wire;
}

inline ice::Path udp_path(std::uint32_t host, std::uint16_t port = 50000) {
  return {.protocol = ice::Protocol::Udp,
          .local = {IpAddress::v4(0xC6336401), 40000},
          .remote = {IpAddress::v4(0xCB007100 + host), port}};
}
inline ice::Path tcp_path(std::uint64_t connection) {
  ice::Path path = udp_path(9);
  path.protocol = ice::Protocol::Tcp;
  path.connection = connection;
  return path;
}

}  // namespace zvonok::test
