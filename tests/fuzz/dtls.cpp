// Whatever datagrams a passive DTLS side gets, alone or in the midst of a true handshake: it stays within its limits,
// answers no more than is bounded, and gives keys only to the one whose certificate was announced.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"
#include "proto/dtls/transport.h"
#include "support/seeded_entropy.h"

using namespace zvonok;
using namespace zvonok::dtls;

namespace {

using Datagram = std::vector<std::uint8_t>;

constexpr std::size_t kStepsMax = 64;
constexpr std::size_t kMtuBytes = 400;

Certificate make_certificate(std::uint64_t seed) {
  zvonok::test::SeededEntropy entropy{seed};
  auto made = Certificate::generate(entropy, {.now = wall_from_unix_milliseconds(1'800'000'000'000)});
  ZVONOK_CHECK(made);
  return std::move(*made);
}

struct Shared {
  Certificate certificate;
  Context context;
};

Shared make_shared_part(std::uint64_t seed) {
  Certificate certificate = make_certificate(seed);
  auto context = Context::create(certificate);
  ZVONOK_CHECK(context);
  return {std::move(certificate), std::move(*context)};
}

void check_limits(const Transport& side) {
  ZVONOK_CHECK(side.buffered_bytes() <= Reassembler::kBufferedBytesMax + 4 * 256);
  ZVONOK_CHECK(side.keys().has_value() <= (side.state() == State::Connected || side.state() == State::Closed));
  ZVONOK_CHECK((side.state() == State::Failed) == (side.failure() != Failure::None));
}

std::vector<Datagram> drain(Transport& side) {
  std::vector<Datagram> result;
  while (auto datagram = side.poll_transmit()) {
    ZVONOK_CHECK(!datagram->empty() && datagram->size() <= kMtuBytes);
    result.push_back(std::move(*datagram));
  }
  while (side.poll_event()) {
  }
  return result;
}

/// Two sides; each step of the input carries, loses, doubles, spoils or invents a datagram, or lets time pass.
class Scene {
 public:
  Scene(const Shared& passive_part, const Shared& active_part)
      : passive_{passive_part.context, Role::Passive, options()},
        active_{active_part.context, Role::Active, options()} {
    passive_.set_remote_fingerprints({active_part.certificate.fingerprint()});
    active_.set_remote_fingerprints({passive_part.certificate.fingerprint()});
    passive_.start(now_);
    active_.start(now_);
    collect();
  }

  void step(fuzz::Input& input, Bytes& tail) {
    const std::uint8_t choice = input.byte();
    auto& wire = (choice & 1) != 0 ? to_active_ : to_passive_;
    Transport& target = (choice & 1) != 0 ? active_ : passive_;
    switch (choice >> 1 & 7) {
      case 0:
      case 1: deliver(wire, target, Fate::Once); break;
      case 2: deliver(wire, target, Fate::Twice); break;
      case 3: deliver(wire, target, Fate::Never); break;
      case 4: spoil(wire, input); break;
      case 5: std::ranges::reverse(wire); break;
      case 6: {
        const std::size_t size = std::min<std::size_t>(input.byte(), tail.size());
        target.handle_datagram(now_, tail.first(size));
        tail = tail.subspan(size);
        break;
      }
      case 7: {
        now_ += milliseconds{input.byte() * 4};
        passive_.handle_timeout(now_);
        active_.handle_timeout(now_);
        break;
      }
    }
    collect();
  }

 private:
  enum class Fate : std::uint8_t { Never, Once, Twice };

  static TransportOptions options() { return {.mtu_bytes = kMtuBytes, .attempts_max = 4}; }

  void deliver(std::vector<Datagram>& wire, Transport& target, Fate fate) {
    if (wire.empty()) return;
    const Datagram datagram = std::move(wire.front());
    wire.erase(wire.begin());
    for (int i = 0; i < static_cast<int>(fate); ++i) target.handle_datagram(now_, datagram);
  }

  static void spoil(std::vector<Datagram>& wire, fuzz::Input& input) {
    if (wire.empty()) return;
    Datagram& datagram = wire.front();
    const std::size_t at = (std::size_t{input.byte()} << 8 | input.byte()) % datagram.size();
    datagram[at] = static_cast<std::uint8_t>(datagram[at] ^ input.byte());
    if (input.below(8) == 0) datagram.resize(at + 1);
  }

  void collect() {
    check_limits(passive_);
    check_limits(active_);
    for (Datagram& datagram : drain(passive_)) to_active_.push_back(std::move(datagram));
    for (Datagram& datagram : drain(active_)) to_passive_.push_back(std::move(datagram));
    if (to_active_.size() > 256) to_active_.resize(256);
    if (to_passive_.size() > 256) to_passive_.resize(256);
    const auto ours = passive_.keys();
    const auto theirs = active_.keys();
    if (ours && theirs) ZVONOK_CHECK(ours->local == theirs->remote && ours->remote == theirs->local);
  }

  TimePoint now_{};
  Transport passive_;
  Transport active_;
  std::vector<Datagram> to_passive_;
  std::vector<Datagram> to_active_;
};

/// Nobody true is there: only what was made up.
void feed_raw(const Shared& part, Bytes bytes) {
  Transport passive{part.context, Role::Passive, {.mtu_bytes = kMtuBytes, .attempts_max = 4}};
  passive.set_remote_fingerprints({part.certificate.fingerprint()});
  std::size_t sent = 0;
  while (bytes.size() > 2) {
    const std::size_t size = std::min<std::size_t>(load_be16(bytes.data()) % 1500, bytes.size() - 2);
    passive.handle_datagram(TimePoint{}, bytes.subspan(2, size));
    bytes = bytes.subspan(2 + size);
    check_limits(passive);
    sent += drain(passive).size();
  }
  ZVONOK_CHECK(!passive.keys());
  ZVONOK_CHECK(sent <= 4 * 8);  // a flight for each attempt
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Shared kPassive = make_shared_part(1);
  static const Shared kActive = make_shared_part(2);
  fuzz::Input input{data, size};
  if (input.below(4) == 0) {
    feed_raw(kPassive, as_bytes(input.rest()));
    return 0;
  }
  // The steps are read from the front and made-up datagrams from the second half.
  Bytes tail = Bytes{data, size}.subspan(size / 2);
  Scene scene{kPassive, kActive};
  for (std::size_t i = 0; i < kStepsMax && !input.rest().empty(); ++i) scene.step(input, tail);
  return 0;
}
