// Reads the packets of one RTCP datagram, compound or reduced-size (RFC 3550 section 6.1, RFC 5506).
#pragma once
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "proto/rtcp/packet.h"

namespace zvonok::rtcp {

enum class ParseError : std::uint8_t {
  TooShort,      // the datagram ends inside a packet
  BadVersion,    // not 2
  BadPadding,    // more of it than there are bytes, or none where it is announced
  BadCount,      // a count or length inside a packet does not fit the packet
  BadItem,       // an SDES item or chunk that does not end where it has to
  BadStatus,     // transport feedback: reserved status, chunks or deltas missing
  TooManyItems,  // transport feedback about more than kFeedbackStatusesMax packets
};
[[nodiscard]] const char* to_text(ParseError error);

/// Gives one packet after another. The first malformed one ends it for good; what came before it stands. Nothing is
/// allocated; the datagram has to outlive the reader and its packets. Whether a compound begins with a report is not
/// checked: reduced-size packets don't.
class Reader {
 public:
  explicit Reader(Bytes datagram) : rest_{datagram} {}

  std::optional<Packet> next();
  /// Why `next` ended before the end of the datagram.
  [[nodiscard]] std::optional<ParseError> error() const { return error_; }

 private:
  Bytes rest_;
  std::optional<ParseError> error_;
};

/// Whether a demultiplexed packet is RTCP rather than RTP: payload type byte 192 to 223 (RFC 5761 section 4).
[[nodiscard]] bool looks_like_rtcp(Bytes datagram);

}  // namespace zvonok::rtcp
