// A trunk: whom telephone calls are given to, and how. A SIP provider of telephone lines, or a PBX.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/voip_sip/media_description.h"
#include "base/address.h"
#include "base/private.h"
#include "base/result.h"
#include "port/phone_audio.h"

namespace zvonok::voip_sip {

enum class Transport : std::uint8_t { Udp, Tcp, Tls };
[[nodiscard]] std::string_view to_text(Transport transport);
[[nodiscard]] std::uint16_t default_port(Transport transport);

struct Trunk {
  std::string name = "default";  // for logs and metrics
  std::string host;              // a name or a numeric address
  std::uint16_t port = 5060;
  Transport transport = Transport::Udp;
  std::string user;  // of REGISTER and of digest authentication
  Private<std::string> password;
  std::string domain;  // of addresses of record; empty: `host`
  bool registers = false;
  std::string from_number;  // shown to those we call; empty: `user`
  bool plus = true;         // whether numbers go with their plus
  Sealing sealing = Sealing::Off;
  std::vector<port::G711> laws = {port::G711::Ulaw, port::G711::Alaw};
  std::vector<IpAddress> sources;  // addresses that it calls from, besides those of `host`
  std::size_t calls_max = 1000;    // at once
  /// It is behind a NAT: sound may come from the address that its messages come from, too.
  bool nat = false;

  [[nodiscard]] const std::string& realm_domain() const { return domain.empty() ? host : domain; }
};

/// `sip:host`, `sips:host`, `host:port`, `sip:host:port;transport=tcp`. The error is for the operator.
[[nodiscard]] Result<void, std::string> read_server(std::string_view text, Trunk& trunk);

/// Whether its texts can stand in SIP messages: those of `parse_trunks` can.
[[nodiscard]] Result<void, std::string> check_trunk(const Trunk& trunk);

/// A file with several: a JSON list of objects with the members `name`, `server`, `user`, `password`, `domain`,
/// `register`, `from_number`, `plus`, `nat`, `srtp` (off, required), `codecs` (list of PCMU, PCMA), `sources` (list of
/// addresses), `calls_max`. Tried in their order. The error names the member, never its value.
[[nodiscard]] Result<std::vector<Trunk>, std::string> parse_trunks(std::string_view json);

}  // namespace zvonok::voip_sip
