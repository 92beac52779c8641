// The calls that there are, and their users by the keys that they show.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "tunnel/stream.h"

namespace zvonok::tunnel {

/// A call to be added: its two users, how each finds the other, and where both find the media plane.
struct NewCall {
  struct User {
    vless::UserKey key;  // a random UUID, for this user and this call only
    SocketAddress peer;  // a virtual address; may be the same for both
  };
  CallId id;
  std::array<User, 2> users;
  std::optional<SocketAddress> sfu;  // a virtual address that is nobody's `peer`
  std::uint16_t sfu_ports = 1;       // its ports: that one and those after it
};

enum class AddError : std::uint8_t { IdTaken, KeyTaken, SameAddress, Full };

/// Hashes keys so that nobody who does not know the seed can choose keys that collide (SipHash-2-4).
class KeyHash {
 public:
  explicit KeyHash(Entropy& entropy);
  [[nodiscard]] std::size_t operator()(const vless::UserKey& key) const;

 private:
  std::array<std::uint64_t, 2> seed_{};
};

class Directory {
 public:
  Directory(Entropy& entropy, const Options& options);

  [[nodiscard]] Result<void, AddError> add(const NewCall& call, TimePoint now);
  [[nodiscard]] Call* find(const CallId& id) const;
  /// In a time that tells nothing about how near a wrong key came to a good one.
  [[nodiscard]] User* find(const vless::UserKey& key) const;
  /// Nothing when there is no such call.
  [[nodiscard]] std::unique_ptr<Call> take(const CallId& id);
  [[nodiscard]] std::size_t size() const { return calls_.size(); }

  /// When somebody may have left a key unused for too long.
  [[nodiscard]] TimePoint next_expiry() const;
  /// Forgets the keys that were. Whose they were.
  [[nodiscard]] std::vector<User*> expire(TimePoint now);

 private:
  struct Unused {
    TimePoint until;
    CallId call;
    std::uint64_t serial = 0;
  };

  const Options& options_;
  std::unordered_map<CallId, std::unique_ptr<Call>> calls_;
  std::unordered_map<vless::UserKey, User*, KeyHash> users_;
  std::deque<Unused> unused_;  // in order of time
  std::uint64_t next_serial_ = 1;
};

}  // namespace zvonok::tunnel
