// The cryptography of one kind of packet (RTP or RTCP) in one direction: the key is set once, a packet sets no more
// than its nonce. Knows nothing of replay, rollover or where in a packet things lie; Sender and Receiver do.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "proto/rtp/types.h"
#include "proto/srtp/gcm.h"
#include "proto/srtp/keys.h"
#include "proto/srtp/openssl.h"

namespace zvonok::srtp {

/// Makes the nonce, which no two different packets under one key may share.
struct PacketId {
  rtp::Ssrc ssrc{};
  std::uint64_t index = 0;  ///< 48 bits: rollover counter and sequence number of RTP; the index of SRTCP
};

class Protection {
 public:
  Protection(Profile profile, Direction direction, const PacketKeys& keys);

  /// `packet` is the written header (`header_length` bytes) and room for the text, which is `prefix` and then `rest`;
  /// both go there encrypted. Either may lie at its place already, but not across it. `trailer` is authenticated after
  /// all that. Writes the tag. False only if OpenSSL fails.
  [[nodiscard]] bool seal(PacketId id, MutableBytes packet, std::size_t header_length, Bytes prefix, Bytes rest,
                          Bytes trailer, MutableBytes tag);

  /// `packet` is header and encrypted text, without trailer and tag. False if it isn't what was sealed; its text may be
  /// spoilt then.
  [[nodiscard]] bool open(PacketId id, MutableBytes packet, std::size_t header_length, Bytes trailer, Bytes tag);

  /// Of what `seal` reads.
  void prefetch() const {
    if (gcm_) zvonok::prefetch(gcm_.get(), kGcmBytes);
  }

 private:
  bool count(PacketId id, std::uint8_t* out, Bytes prefix, Bytes rest);
  bool authenticate(Bytes packet, Bytes trailer, MutableBytes mac);

  std::unique_ptr<Gcm> gcm_;  // or the two below, by the profile
  CipherContext counter_;
  MacContext mac_;
  Secret<kSaltBytesMax> salt_;
};

}  // namespace zvonok::srtp
