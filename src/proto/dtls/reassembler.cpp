// Gathers fragments by claim; a claim is complete when its pieces cover it.
#include "proto/dtls/reassembler.h"

#include <algorithm>

namespace zvonok::dtls {

Reassembler::Outcome Reassembler::add(const HandshakeFragment& fragment) {
  if (fragment.message_bytes > kMessageBytesMax) return Outcome::TooLong;
  {
    std::vector<Piece>& pieces = claim_of(fragment).pieces;
    const auto same = std::ranges::find(pieces, fragment.offset, &Piece::offset);
    if (same != pieces.end()) {
      if (same->bytes.size() >= fragment.body.size()) return Outcome::Repeated;
      buffered_bytes_ -= same->bytes.size();
      pieces.erase(same);
    }
    // Somebody fills it with crumbs: it starts again, so that the true pieces get their chance.
    if (pieces.size() >= kPiecesMax) clear_pieces(claims_.back());
  }
  // The claim in hand has the latest news, so it is the last to go and always fits alone.
  const bool dropped = make_room(fragment.body.size());
  std::vector<Piece>& pieces = claims_.back().pieces;
  const auto place = std::ranges::upper_bound(pieces, fragment.offset, {}, &Piece::offset);
  pieces.insert(place, Piece{fragment.offset, {fragment.body.begin(), fragment.body.end()}});
  buffered_bytes_ += fragment.body.size();
  return dropped ? Outcome::KeptInsteadOfOlder : Outcome::Kept;
}

std::optional<HandshakeMessage> Reassembler::take(std::uint16_t sequence) {
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    if (claims_[i].sequence != sequence) continue;
    auto body = assemble(claims_[i]);
    if (!body) continue;
    HandshakeMessage message{.type = claims_[i].type, .sequence = sequence, .body = std::move(*body)};
    drop(i);
    return message;
  }
  return {};
}

void Reassembler::forget_below(std::uint16_t sequence) {
  for (std::size_t i = claims_.size(); i > 0; --i) {
    if (claims_[i - 1].sequence < sequence) drop(i - 1);
  }
}

void Reassembler::clear() {
  claims_.clear();
  buffered_bytes_ = 0;
}

/// Made when it is new; moved to the end in either case.
Reassembler::Claim& Reassembler::claim_of(const HandshakeFragment& fragment) {
  const auto found = std::ranges::find_if(claims_, [&](const Claim& claim) {
    return claim.type == fragment.type && claim.sequence == fragment.sequence &&
           claim.message_bytes == fragment.message_bytes;
  });
  if (found != claims_.end()) {
    std::rotate(found, found + 1, claims_.end());
  } else {
    claims_.push_back({fragment.type, fragment.sequence, fragment.message_bytes, {}});
  }
  return claims_.back();
}

bool Reassembler::make_room(std::size_t bytes) {
  bool dropped = false;
  while (claims_.size() > 1 && (claims_.size() > kClaimsMax || buffered_bytes_ + bytes > kBufferedBytesMax)) {
    drop(0);
    dropped = true;
  }
  // Pieces of one claim may overlap, so that even one could grow too large: it starts again.
  if (buffered_bytes_ + bytes > kBufferedBytesMax) {
    clear_pieces(claims_.back());
    dropped = true;
  }
  return dropped;
}

void Reassembler::clear_pieces(Claim& claim) {
  for (const Piece& piece : claim.pieces) buffered_bytes_ -= piece.bytes.size();
  claim.pieces.clear();
}

void Reassembler::drop(std::size_t index) {
  clear_pieces(claims_[index]);
  claims_.erase(claims_.begin() + static_cast<std::ptrdiff_t>(index));
}

std::optional<std::vector<std::uint8_t>> Reassembler::assemble(const Claim& claim) {
  if (claim.pieces.empty()) return {};
  std::vector<std::uint8_t> body;
  for (const Piece& piece : claim.pieces) {
    if (piece.offset > body.size()) return {};
    const std::size_t known = body.size() - piece.offset;
    if (known >= piece.bytes.size()) continue;
    body.insert(body.end(), piece.bytes.begin() + static_cast<std::ptrdiff_t>(known), piece.bytes.end());
  }
  if (body.size() != claim.message_bytes) return {};
  return body;
}

}  // namespace zvonok::dtls
