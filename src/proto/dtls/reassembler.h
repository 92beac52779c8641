// Puts handshake messages together from fragments that come in any order, twice, or from somebody who lies.
//
// OpenSSL could do this, but it believes the first fragment it sees of a message: one forged fragment with another
// length makes it refuse the true ones. Here each claim (type, number, length) is gathered for itself, so a forged
// claim never completes and the true one does. Memory is taken for bytes received, never for lengths claimed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "proto/dtls/record.h"

namespace zvonok::dtls {

struct HandshakeMessage {
  std::uint8_t type = 0;
  std::uint16_t sequence = 0;
  std::vector<std::uint8_t> body;
};

class Reassembler {
 public:
  /// No message of WebRTC comes near: certificates have some hundred bytes, hellos with post-quantum keys 2,000.
  static constexpr std::size_t kMessageBytesMax = 12 * 1024;
  static constexpr std::size_t kBufferedBytesMax = 32 * 1024;
  static constexpr std::size_t kClaimsMax = 16;
  static constexpr std::size_t kPiecesMax = 96;  // of one claim

  enum class Outcome : std::uint8_t { Kept, KeptInsteadOfOlder, Repeated, TooLong };

  /// Takes a copy of the fragment. When there is no room the claim that was longest without news goes.
  Outcome add(const HandshakeFragment& fragment);
  /// A complete message with this number, if there is one; it is then forgotten here.
  [[nodiscard]] std::optional<HandshakeMessage> take(std::uint16_t sequence);
  /// Claims of messages below `sequence` won't be asked for any more.
  void forget_below(std::uint16_t sequence);
  void clear();

  [[nodiscard]] std::size_t buffered_bytes() const { return buffered_bytes_; }

 private:
  struct Piece {
    std::size_t offset;
    std::vector<std::uint8_t> bytes;
  };
  struct Claim {
    std::uint8_t type;
    std::uint16_t sequence;
    std::size_t message_bytes;
    std::vector<Piece> pieces;  // by offset; of equal offsets the longest only
  };

  [[nodiscard]] Claim& claim_of(const HandshakeFragment& fragment);
  [[nodiscard]] bool make_room(std::size_t bytes);
  void clear_pieces(Claim& claim);
  void drop(std::size_t index);
  [[nodiscard]] static std::optional<std::vector<std::uint8_t>> assemble(const Claim& claim);

  std::vector<Claim> claims_;  // the one with the latest news last
  std::size_t buffered_bytes_ = 0;
};

}  // namespace zvonok::dtls
