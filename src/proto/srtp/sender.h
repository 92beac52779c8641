// Seals what one side of a transport sends: SRTP and SRTCP of RFC 3711, with AES-GCM as RFC 7714 says.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "proto/rtp/types.h"
#include "proto/srtp/keys.h"
#include "proto/srtp/protection.h"

namespace zvonok::srtp {

/// One for each transport, used by one thread. Neither allocates nor locks after construction (but for OpenSSL's HMAC,
/// which for Aes128CmSha1_80 takes two small blocks of its own for each packet).
class Sender {
 public:
  Sender(Profile profile, const MasterKey& master);
  Sender(Profile profile, const SessionKeys& keys);

  /// Seals an RTP packet. The caller has written the header, `header_length` bytes with CSRCs and extensions, to the
  /// front of `buffer`; the text is `prefix` (such as an OSN) followed by `rest` (the payload and its padding), either
  /// may be empty. The text may be anywhere outside of `buffer`, so a payload sent to many is encrypted straight from
  /// where it was received; or exactly where it belongs in `buffer`, so it is encrypted in place.
  ///
  /// `extended_sequence` is the sequence number with the rollover counter above it, 48 bits in all; as receivers begin
  /// at rollover counter 0, a new stream begins below 0x8000 and goes ahead by less than 0x8000 at a time.
  ///
  /// The caller must NEVER seal two packets that differ in any byte under one (ssrc, extended_sequence): the second
  /// gives away the first, and with GCM lets anyone forge packets. A retransmission under the original SSRC is
  /// therefore the sealed packet again, not sealed again with other extensions.
  ///
  /// Returns the packet's length in `buffer`, or 0 if it was not sealed: no room (see `rtp_overhead`), a header that
  /// doesn't carry these numbers, text across its own place, or a sequence past 48 bits.
  [[nodiscard]] std::size_t seal_rtp(std::uint64_t extended_sequence, rtp::Ssrc ssrc, MutableBytes buffer,
                                     std::size_t header_length, Bytes prefix, Bytes rest);

  /// Seals a compound (or reduced-size) RTCP packet in place: the first `length` bytes of `buffer`. Returns its new
  /// length, or 0 if it was not sealed: shorter than 8 bytes, no room (see `rtcp_overhead`), or 2^31 packets sent.
  [[nodiscard]] std::size_t seal_rtcp(MutableBytes buffer, std::size_t length);

  /// Of what `seal_rtp` reads.
  void prefetch() const { rtp_.prefetch(); }

  [[nodiscard]] std::size_t rtp_overhead() const { return tag_bytes_; }
  [[nodiscard]] std::size_t rtcp_overhead() const { return tag_bytes_ + kRtcpTrailerBytes; }

 private:
  Profile profile_;
  std::size_t tag_bytes_;
  Protection rtp_;
  Protection rtcp_;
  // One for all the SSRCs we send RTCP under. RFC 3711 section 3.2.3 keeps an index for each SSRC, but asks only that
  // it never repeats and, for the other side's window, grows: a shared counter does both, with gaps that look like
  // loss. (SSRC, index) stays unique, which is all the nonces need, and no table of SSRCs can be forgotten.
  std::uint32_t rtcp_index_ = 0;
};

}  // namespace zvonok::srtp
