// A receiver under attack: whatever raw bytes, damaged, cut, repeated and late packets it gets, it opens each sealed
// packet at most once, gives back what was sealed, and opens nothing else.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/byte_io.h"
#include "base/check.h"
#include "fuzz/input.h"
#include "proto/srtp/receiver.h"
#include "proto/srtp/sender.h"

using namespace zvonok;
using namespace zvonok::srtp;

namespace {

using Blob = std::vector<std::uint8_t>;

constexpr std::array kProfiles{Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80};
constexpr std::size_t kSsrcsMax = 3;
constexpr std::size_t kHeaderBytes = 12;

struct Sealed {
  std::uint32_t ssrc;
  std::uint64_t number;  // extended sequence or index: with the SSRC, what a packet is known by
  Blob plain;
  Blob wire;
};

class Attack {
 public:
  explicit Attack(Profile profile)
      : sender_{profile, split_keying_material(profile, Blob(exported_bytes(profile), 7)).client},
        receiver_{profile,
                  split_keying_material(profile, Blob(exported_bytes(profile), 7)).client,
                  {.ssrcs_max = kSsrcsMax}} {}

  void run(fuzz::Input& input) {
    while (!input.rest().empty()) {
      switch (input.below(7)) {
        case 0: seal_rtp(input); break;
        case 1: seal_rtcp(input); break;
        case 2:
        case 3: deliver(input); break;
        case 4: deliver_changed(input); break;
        case 5: deliver_raw(input); break;
        case 6: forget(input); break;
      }
    }
  }

 private:
  void seal_rtp(fuzz::Input& input) {
    const std::uint32_t ssrc = static_cast<std::uint32_t>(input.below(5));
    sequences_[ssrc] += 1 + (input.below(4) == 0 ? input.byte() * 128U : input.below(3));
    Blob plain(kHeaderBytes + input.byte(), input.byte());
    plain[0] = 0x80;
    store_be16(plain.data() + 2, static_cast<std::uint16_t>(sequences_[ssrc]));
    store_be32(plain.data() + 8, ssrc);
    Blob wire = plain;
    wire.resize(plain.size() + sender_.rtp_overhead());
    const Bytes payload = Bytes{plain}.subspan(kHeaderBytes);
    const std::size_t cut = std::min<std::size_t>(input.below(8), payload.size());
    ZVONOK_CHECK(sender_.seal_rtp(sequences_[ssrc], rtp::Ssrc{ssrc}, wire, kHeaderBytes, payload.first(cut),
                                  payload.subspan(cut)) == wire.size());
    rtp_.push_back({ssrc, sequences_[ssrc], std::move(plain), std::move(wire)});
  }

  void seal_rtcp(fuzz::Input& input) {
    const std::uint32_t ssrc = static_cast<std::uint32_t>(input.below(5));
    Blob plain(8 + input.byte(), input.byte());
    plain[0] = 0x80;
    store_be32(plain.data() + 4, ssrc);
    Blob wire = plain;
    wire.resize(plain.size() + sender_.rtcp_overhead());
    ZVONOK_CHECK(sender_.seal_rtcp(wire, plain.size()) == wire.size());
    rtcp_.push_back({ssrc, rtcp_index_++, std::move(plain), std::move(wire)});
  }

  void deliver(fuzz::Input& input) {
    if (input.below(2) == 0) {
      if (!rtp_.empty()) open_rtp(rtp_[rtp_.size() - 1 - input.below(rtp_.size())]);
    } else if (!rtcp_.empty()) {
      open_rtcp(rtcp_[rtcp_.size() - 1 - input.below(rtcp_.size())]);
    }
  }

  void open_rtp(const Sealed& packet) {
    Blob wire = packet.wire;
    const auto opened = receiver_.open_rtp(wire);
    if (!opened) {
      ZVONOK_CHECK(opened.error() != Error::TooShort && opened.error() != Error::Malformed);
      return;
    }
    ZVONOK_CHECK(opened->extended_sequence == packet.number && opened->ssrc == rtp::Ssrc{packet.ssrc});
    wire.resize(opened->length);
    ZVONOK_CHECK(wire == packet.plain);
    ZVONOK_CHECK(opened_rtp_.emplace(packet.ssrc, packet.number).second);
  }

  void open_rtcp(const Sealed& packet) {
    Blob wire = packet.wire;
    const auto length = receiver_.open_rtcp(wire);
    if (!length) {
      // Untouched, so the only reasons are those of the tables.
      ZVONOK_CHECK(length.error() == Error::Replayed || length.error() == Error::TooOld ||
                   length.error() == Error::TooManySsrcs);
      return;
    }
    wire.resize(*length);
    ZVONOK_CHECK(wire == packet.plain);
    ZVONOK_CHECK(opened_rtcp_.emplace(packet.ssrc, packet.number).second);
  }

  void deliver_changed(fuzz::Input& input) {
    const bool rtcp = input.below(2) == 0;
    const std::vector<Sealed>& packets = rtcp ? rtcp_ : rtp_;
    if (packets.empty()) return;
    Blob wire = packets[packets.size() - 1 - input.below(packets.size())].wire;
    if (input.below(4) == 0) {
      wire.resize(input.below(wire.size()));
    } else {
      wire[wire.size() - 1 - input.below(wire.size())] ^= static_cast<std::uint8_t>(1 + input.below(255));
    }
    ZVONOK_CHECK(rtcp ? !receiver_.open_rtcp(wire) : !receiver_.open_rtp(wire));
  }

  void deliver_raw(fuzz::Input& input) {
    Blob bytes(input.byte());
    std::ranges::generate(bytes, [&] { return input.byte(); });
    Blob copy = bytes;
    ZVONOK_CHECK(!receiver_.open_rtp(bytes) && !receiver_.open_rtcp(copy));
  }

  /// From here on the SSRC's packets may be opened again: so it says.
  void forget(fuzz::Input& input) {
    const std::uint32_t ssrc = static_cast<std::uint32_t>(input.below(5));
    receiver_.forget(rtp::Ssrc{ssrc});
    const auto of_it = [ssrc](const auto& packet) { return packet.first == ssrc; };
    std::erase_if(opened_rtp_, of_it);
    std::erase_if(opened_rtcp_, of_it);
  }

  Sender sender_;
  Receiver receiver_;
  std::array<std::uint64_t, 5> sequences_{1, 100, 32'000, 65'000, 60'000};
  std::uint64_t rtcp_index_ = 0;
  std::vector<Sealed> rtp_;
  std::vector<Sealed> rtcp_;
  std::set<std::pair<std::uint32_t, std::uint64_t>> opened_rtp_;
  std::set<std::pair<std::uint32_t, std::uint64_t>> opened_rtcp_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  Attack{kProfiles[input.below(kProfiles.size())]}.run(input);
  return 0;
}
