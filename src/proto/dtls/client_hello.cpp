// Reads a ClientHello: RFC 5246 section 7.4.1.2, RFC 6347 section 4.2.1, RFC 5764 section 4.1.1.
#include "proto/dtls/client_hello.h"

#include <algorithm>
#include <optional>

#include "base/byte_io.h"

namespace zvonok::dtls {
namespace {

constexpr std::uint16_t kDtls12 = 0xfefd;
constexpr std::uint16_t kX25519 = 29;
constexpr std::uint16_t kSecp256r1 = 23;
constexpr std::uint16_t kEcdsaSecp256r1Sha256 = 0x0403;

// Extensions.
constexpr std::uint16_t kSupportedGroups = 10;
constexpr std::uint16_t kSignatureAlgorithms = 13;
constexpr std::uint16_t kUseSrtp = 14;

constexpr std::size_t kExtensionsMax = 64;

struct Extensions {
  std::optional<Bytes> supported_groups;
  std::optional<Bytes> signature_algorithms;
  std::optional<Bytes> use_srtp;
};

/// Whether any of `wanted` is among the 16-bit numbers.
bool list_has_any(Bytes numbers, const auto& wanted) {
  ByteReader reader{numbers};
  while (reader.left() >= 2) {
    if (std::ranges::find(wanted, reader.u16()) != std::ranges::end(wanted)) return true;
  }
  return false;
}

std::optional<Extensions> read_extensions(Bytes bytes) {
  Extensions result;
  std::vector<std::uint16_t> seen;
  ByteReader reader{bytes};
  while (!reader.empty()) {
    const std::uint16_t type = reader.u16();
    const Bytes body = reader.take(reader.u16());
    if (!reader.ok() || seen.size() == kExtensionsMax || std::ranges::find(seen, type) != seen.end()) return {};
    seen.push_back(type);
    if (type == kSupportedGroups) result.supported_groups = body;
    if (type == kSignatureAlgorithms) result.signature_algorithms = body;
    if (type == kUseSrtp) result.use_srtp = body;
  }
  return result;
}

/// The list that fills the whole of `body`.
std::optional<Bytes> whole_list(Bytes body) {
  ByteReader reader{body};
  const Bytes list = reader.take(reader.u16());
  if (!reader.ok() || !reader.empty() || list.empty() || list.size() % 2 != 0) return {};
  return list;
}

std::optional<HelloError> check_extensions(const Extensions& extensions, const HelloPolicy& policy) {
  if (!extensions.use_srtp) return HelloError::NoSrtpProfile;
  ByteReader srtp{*extensions.use_srtp};
  const Bytes profiles = srtp.take(srtp.u16());
  const Bytes mki = srtp.take(srtp.u8());
  if (!srtp.ok() || !srtp.empty() || profiles.empty() || profiles.size() % 2 != 0) return HelloError::Malformed;
  if (!mki.empty() || !list_has_any(profiles, policy.srtp_profiles)) return HelloError::NoSrtpProfile;

  if (extensions.supported_groups) {
    const auto groups = whole_list(*extensions.supported_groups);
    if (!groups) return HelloError::Malformed;
    if (!list_has_any(*groups, std::array{kX25519, kSecp256r1})) return HelloError::NoCommonParameters;
  }
  // Without the extension SHA-1 is meant (RFC 5246 section 7.4.1.4.1), which we don't sign with.
  if (!extensions.signature_algorithms) return HelloError::NoCommonParameters;
  const auto algorithms = whole_list(*extensions.signature_algorithms);
  if (!algorithms) return HelloError::Malformed;
  if (!list_has_any(*algorithms, std::array{kEcdsaSecp256r1Sha256})) return HelloError::NoCommonParameters;
  return {};
}

}  // namespace

Result<HelloRandom, HelloError> check_client_hello(Bytes body, const HelloPolicy& policy) {
  ByteReader reader{body};
  const std::uint16_t version = reader.u16();
  const Bytes random = reader.take(HelloRandom{}.size());
  const Bytes session = reader.take(reader.u8());
  const Bytes cookie = reader.take(reader.u8());
  const Bytes suites = reader.take(reader.u16());
  const Bytes compressions = reader.take(reader.u8());
  const Bytes extension_bytes = reader.take(reader.u16());
  if (!reader.ok() || !reader.empty() || session.size() > 32 || suites.empty() || suites.size() % 2 != 0) {
    return fail(HelloError::Malformed);
  }
  // A cookie answers a HelloVerifyRequest, and we send none.
  if (!cookie.empty()) return fail(HelloError::Malformed);
  // Also what clients of DTLS 1.3 say here (RFC 9147 section 5.3).
  if (version != kDtls12) return fail(HelloError::WrongVersion);
  if (std::ranges::find(compressions, 0) == compressions.end() || !list_has_any(suites, policy.cipher_suites)) {
    return fail(HelloError::NoCommonParameters);
  }
  const auto extensions = read_extensions(extension_bytes);
  if (!extensions) return fail(HelloError::Malformed);
  if (const auto error = check_extensions(*extensions, policy)) return fail(*error);

  HelloRandom result;
  copy_bytes(random, result);
  return result;
}

}  // namespace zvonok::dtls
