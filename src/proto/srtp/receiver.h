// Opens what the other side of a transport sends: authenticates, decrypts and refuses replays (RFC 3711, RFC 7714).
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "proto/rtp/types.h"
#include "proto/srtp/keys.h"
#include "proto/srtp/protection.h"
#include "proto/srtp/replay_window.h"

namespace zvonok::srtp {

/// Why a packet is dropped. None of these is a reason to do more than to count it: anybody can send such packets.
enum class Error : std::uint8_t {
  TooShort,      ///< no room for a header without extras, trailer and tag
  Malformed,     ///< not RTP or RTCP of version 2; a header longer than the packet; SRTCP not encrypted
  Replayed,      ///< came already
  TooOld,        ///< 1024 or more behind the newest: can't be told from a replay
  BadTag,        ///< not sealed with this key, changed on the way, or too far from the newest to guess its rollover
  TooManySsrcs,  ///< of an SSRC that isn't known, when the table is full; not authenticated
};

struct Opened {
  std::size_t length = 0;               ///< the plain packet's, from the front of the same bytes
  std::uint64_t extended_sequence = 0;  ///< 48 bits: rollover counter and sequence number
  rtp::Ssrc ssrc{};
};

struct ReceiverOptions {
  std::size_t ssrcs_max = 64;  ///< of RTP, and as many again of RTCP
};

/// One for each transport, used by one thread. Allocates only when a new SSRC has been authenticated.
class Receiver {
 public:
  Receiver(Profile profile, const MasterKey& master, ReceiverOptions options = {});
  Receiver(Profile profile, const SessionKeys& keys, ReceiverOptions options = {});

  /// Opens an SRTP packet in place. After an error the bytes behind the header may be spoilt. Replays and strangers to
  /// a full table are refused before any cryptography. An SSRC is remembered once a packet of it was authentic; a new
  /// one is taken to be at rollover counter 0.
  [[nodiscard]] Result<Opened, Error> open_rtp(MutableBytes packet);

  /// Opens an SRTCP packet in place and gives the plain packet's length. A packet with E = 0, authenticated but not
  /// encrypted, is Malformed: all our profiles encrypt SRTCP (RFC 5764 section 4.1.2), RFC 8827 section 6.5 forbids
  /// null encryption, and libsrtp refuses it as well.
  [[nodiscard]] Result<std::size_t, Error> open_rtcp(MutableBytes packet);

  /// Frees the SSRC's places in the tables. Its old packets could be replayed from here on, so it is for streams whose
  /// packets nobody takes any more. One that goes on after a rollover can't be opened again.
  void forget(rtp::Ssrc ssrc);

 private:
  /// The windows by SSRC. Searched one after another: there are few, and one after another they share cache lines.
  class Streams {
   public:
    explicit Streams(std::size_t count_max) : count_max_{count_max} {}
    [[nodiscard]] ReplayWindow* find(rtp::Ssrc ssrc);
    [[nodiscard]] bool full() const { return ssrcs_.size() >= count_max_; }
    ReplayWindow& add(rtp::Ssrc ssrc);
    void remove(rtp::Ssrc ssrc);

   private:
    std::size_t count_max_;
    std::vector<rtp::Ssrc> ssrcs_;
    std::vector<ReplayWindow> windows_;  // by the same places
  };

  Profile profile_;
  std::size_t tag_bytes_;
  Protection rtp_;
  Protection rtcp_;
  Streams rtp_streams_;
  Streams rtcp_streams_;
};

/// RFC 3711 section 3.3.1 and appendix A: the index nearest to `newest` that has this sequence number. Below rollover
/// counter 0 there is nothing, so then it is the sequence number itself. Public for its tests.
[[nodiscard]] std::uint64_t guess_index(std::uint64_t newest, std::uint16_t sequence);

}  // namespace zvonok::srtp
