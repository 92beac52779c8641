// Judges a whole ClientHello before OpenSSL sees it. OpenSSL ends the handshake at a hello that it can't serve, so
// anybody who can send a datagram could end somebody's call with one; a hello that fails here is only counted.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace zvonok::dtls {

/// IANA's numbers of what we can serve.
struct HelloPolicy {
  std::vector<std::uint16_t> cipher_suites;
  std::vector<std::uint16_t> srtp_profiles;
};

enum class HelloError : std::uint8_t {
  Malformed,
  WrongVersion,        // no DTLS 1.2
  NoCommonParameters,  // cipher suite, group, signature algorithm or compression
  NoSrtpProfile,       // no use_srtp, none of our profiles in it, or it wants an MKI
};

using HelloRandom = std::array<std::uint8_t, 32>;

/// `body` is the message without its header (RFC 6347 section 4.2.1). Gives the client's random, which tells one hello
/// from another.
[[nodiscard]] Result<HelloRandom, HelloError> check_client_hello(Bytes body, const HelloPolicy& policy);

}  // namespace zvonok::dtls
