#include "tunnel/directory.h"

#include <bit>
#include <utility>

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::tunnel {
namespace {

/// SipHash's state and its round (Aumasson and Bernstein 2012).
struct Sip {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  void absorb(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

}  // namespace

KeyHash::KeyHash(Entropy& entropy) {
  std::array<std::uint8_t, 16> bytes{};
  entropy.fill(bytes);
  ByteReader reader{bytes};
  for (std::uint64_t& half : seed_) half = reader.u64();
}

std::size_t KeyHash::operator()(const vless::UserKey& key) const {
  Sip sip{.a = seed_[0] ^ 0x736F6D6570736575,
          .b = seed_[1] ^ 0x646F72616E646F6D,
          .c = seed_[0] ^ 0x6C7967656E657261,
          .d = seed_[1] ^ 0x7465646279746573};
  ByteReader reader{key.bytes};
  sip.absorb(reader.u64());
  sip.absorb(reader.u64());
  sip.absorb(std::uint64_t{vless::kUserKeyBytes} << 56);
  sip.c ^= 0xFF;
  for (int i = 0; i < 4; ++i) sip.round();
  return static_cast<std::size_t>(sip.a ^ sip.b ^ sip.c ^ sip.d);
}

Directory::Directory(Entropy& entropy, const Options& options) : options_{options}, users_{0, KeyHash{entropy}} {}

Result<void, AddError> Directory::add(const NewCall& call, TimePoint now) {
  ZVONOK_CHECK(!call.sfu || (call.sfu_ports > 0 && call.sfu->port + call.sfu_ports <= 65536));
  const MediaPlace media{.first = call.sfu, .ports = call.sfu_ports};
  if (calls_.size() >= options_.calls_max) return fail(AddError::Full);
  if (calls_.contains(call.id)) return fail(AddError::IdTaken);
  if (call.users[0].key == call.users[1].key) return fail(AddError::KeyTaken);
  for (const NewCall::User& user : call.users) {
    if (users_.contains(user.key)) return fail(AddError::KeyTaken);
    if (media.holds(user.peer)) return fail(AddError::SameAddress);
  }
  auto made = std::make_unique<Call>(call.id, media, options_, now);
  made->serial = next_serial_++;
  for (std::size_t i = 0; i < made->users.size(); ++i) {
    made->users[i].key = call.users[i].key;
    made->users[i].peer = call.users[i].peer;
    users_.emplace(call.users[i].key, &made->users[i]);
  }
  if (options_.unused_timeout > Duration::zero()) {
    unused_.push_back({.until = now + options_.unused_timeout, .call = call.id, .serial = made->serial});
  }
  calls_.emplace(call.id, std::move(made));
  return {};
}

Call* Directory::find(const CallId& id) const {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

User* Directory::find(const vless::UserKey& key) const {
  const auto found = users_.find(key);
  return found == users_.end() ? nullptr : found->second;
}

std::unique_ptr<Call> Directory::take(const CallId& id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return nullptr;
  std::unique_ptr<Call> call = std::move(found->second);
  calls_.erase(found);
  for (const User& user : call->users) {
    // A key that has expired may be somebody else's by now.
    const auto known = users_.find(user.key);
    if (known != users_.end() && known->second == &user) users_.erase(known);
  }
  return call;
}

TimePoint Directory::next_expiry() const {
  return unused_.empty() ? TimePoint::max() : unused_.front().until;
}

std::vector<User*> Directory::expire(TimePoint now) {
  std::vector<User*> expired;
  for (; !unused_.empty() && unused_.front().until <= now; unused_.pop_front()) {
    Call* const call = find(unused_.front().call);
    if (call == nullptr || call->serial != unused_.front().serial) continue;
    for (User& user : call->users) {
      if (user.used) continue;
      users_.erase(user.key);
      expired.push_back(&user);
    }
  }
  return expired;
}

}  // namespace zvonok::tunnel
