// Candidate lines (RFC 8839 section 5.1, RFC 6544 section 4.5): ours to be offered, and those of the other side to be
// looked at. A lite agent needs none of the latter, and never resolves a name.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "proto/ice/path.h"

namespace zvonok::ice {

inline constexpr std::size_t kCandidateBytesMax = 1024;

enum class CandidateType : std::uint8_t { Host, ServerReflexive, PeerReflexive, Relayed };
enum class TcpType : std::uint8_t { Active, Passive, SimultaneousOpen };

struct Candidate {
  std::string foundation;
  std::uint16_t component = 1;
  Protocol protocol = Protocol::Udp;
  std::uint32_t priority = 0;
  std::string address;  // an IP address, or a name such as an mDNS one
  std::uint16_t port = 0;
  CandidateType type = CandidateType::Host;
  std::optional<TcpType> tcp_type = std::nullopt;
  std::optional<std::string> ufrag = std::nullopt;  // of the generation that it belongs to
  friend bool operator==(const Candidate&, const Candidate&) = default;

  /// A name that only its own network can resolve, in place of an address that a browser keeps to itself.
  [[nodiscard]] bool is_mdns() const { return address.ends_with(".local"); }
};

/// Where this server can be reached, as the other side sees it.
struct Advertised {
  Protocol protocol = Protocol::Udp;
  SocketAddress address;
};

/// Host candidates of component 1, TCP ones passive. UDP goes before TCP, and else the first address before the second:
/// by the priorities of RFC 8445 section 5.1.2.1 and RFC 6544 section 4.2. At most 8192 addresses.
[[nodiscard]] std::vector<Candidate> host_candidates(std::span<const Advertised> addresses);

/// "candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host": the value of a=candidate, and of RTCIceCandidateInit.
[[nodiscard]] std::string write_candidate(const Candidate& candidate);

enum class CandidateError : std::uint8_t {
  TooLong,
  NotCandidate,
  BadComponent,
  BadProtocol,
  BadPriority,
  BadAddress,
  BadPort,
  BadType
};

/// With or without "a=" before it. Attributes that are not known are skipped.
[[nodiscard]] Result<Candidate, CandidateError> parse_candidate(std::string_view line);

}  // namespace zvonok::ice
