// No bytes break the parser; what routes a packet by its ufrag agrees with the parser; whatever attributes a message
// has, it is found whole once it is signed, and no more when a byte of it changes; and candidate lines and addresses
// written again are read as the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_io.h"
#include "base/check.h"
#include "fuzz/input.h"
#include "proto/ice/candidate.h"
#include "proto/ice/credentials.h"
#include "proto/stun/integrity.h"
#include "proto/stun/message.h"
#include "proto/stun/writer.h"

using namespace zvonok;
using namespace zvonok::stun;

namespace {

bool inside(std::string_view part, Bytes whole) {
  const std::string_view text = as_text(whole);
  return part.empty() || (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
}

void check_routing(Bytes wire) {
  const auto message = parse(wire);
  const auto ufrag = ice::requested_ufrag(wire);
  if (!message) return;
  for (const auto& text : {message->username, message->realm, message->nonce, message->software}) {
    if (text) ZVONOK_CHECK(inside(*text, wire));
  }
  const bool request = message->message_class == MessageClass::Request && message->method == kBinding;
  const std::string_view username = message->username.value_or("");
  const std::size_t colon = username.find(':');
  ZVONOK_CHECK(ufrag.has_value() == (request && colon != std::string_view::npos));
  if (ufrag) ZVONOK_CHECK(*ufrag == username.substr(0, colon));
}

/// The attributes of the input, signed.
void check_signing(Bytes attributes, std::uint8_t position) {
  static IntegrityKey key{"a password of 24 letters"};
  std::vector<std::uint8_t> wire(attributes.size() * 2 + 200);
  MessageWriter writer{wire, {.transaction = {1, 2, 3}}};
  ByteReader reader{attributes};
  while (reader.left() >= 4) {
    const std::uint16_t type = reader.u16();
    const std::size_t size = reader.u8() % 64U;
    const auto attribute = static_cast<Attribute>(type);
    if (attribute == Attribute::MessageIntegrity || attribute == Attribute::Fingerprint) continue;
    writer.attribute(attribute, reader.take(std::min(size, reader.left())));
  }
  writer.message_integrity(key);
  writer.fingerprint();
  wire.resize(writer.finish());
  ZVONOK_CHECK(!wire.empty());
  const auto message = parse(wire);
  if (!message) {
    ZVONOK_CHECK(message.error() == ParseError::BadAttribute);
    return;
  }
  ZVONOK_CHECK(has_integrity(*message, key) && has_fingerprint(*message));
  wire[position % wire.size()] ^= 0x10;
  const auto changed = parse(wire);
  ZVONOK_CHECK(!changed || !has_fingerprint(*changed) || !has_integrity(*changed, key));
}

void check_text(std::string_view text) {
  if (const auto candidate = ice::parse_candidate(text)) {
    const std::string line = ice::write_candidate(*candidate);
    const auto again = ice::parse_candidate(line);
    // What is written always names a base, which may make it too long.
    ZVONOK_CHECK(line.size() > ice::kCandidateBytesMax || (again.has_value() && *again == *candidate));
  }
  if (const auto ip = IpAddress::parse(text)) ZVONOK_CHECK(IpAddress::parse(ip->to_text()) == ip);
  if (const auto at = SocketAddress::parse(text)) ZVONOK_CHECK(SocketAddress::parse(at->to_text()) == at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  const std::size_t what = input.below(4);
  const std::uint8_t position = input.byte();
  const Bytes rest = as_bytes(input.rest());
  if (what == 0) check_text(as_text(rest));
  if (what == 1) check_signing(rest.first(std::min<std::size_t>(rest.size(), 2000)), position);
  if (what >= 2) {
    check_routing(rest);
    // The same as attributes of a good header: almost no random bytes have one.
    std::vector<std::uint8_t> wire(kHeaderBytes);
    wire[1] = 1;
    store_be16(wire.data() + 2, static_cast<std::uint16_t>(std::min<std::size_t>(rest.size(), 60'000)));
    store_be32(wire.data() + 4, kMagicCookie);
    wire.insert(wire.end(), rest.begin(), rest.end());
    check_routing(wire);
  }
  return 0;
}
