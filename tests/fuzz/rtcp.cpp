// Whatever comes, reading ends, stays inside the datagram and within its bounds; and reports, requests and losses that
// were read say the same when they are written again.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/overloaded.h"
#include "proto/rtcp/reader.h"
#include "proto/rtcp/writer.h"

using namespace zvonok;
using namespace zvonok::rtcp;

namespace {

std::array<std::uint8_t, 300'000> buffer;

void check_inside(Bytes part, Bytes whole) {
  if (part.empty()) return;
  ZVONOK_CHECK(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// The only packet of what was written.
template <class Kind>
Kind again(const ByteWriter& writer) {
  Reader reader{writer.written()};
  const auto packet = reader.next();
  ZVONOK_CHECK(packet && std::holds_alternative<Kind>(*packet) && !reader.next() && !reader.error());
  return std::get<Kind>(*packet);
}

template <class List>
auto to_vector(const List& list) {
  std::vector<std::remove_cvref_t<decltype(list[0])>> items;
  for (std::size_t i = 0; i < list.size(); ++i) items.push_back(list[i]);
  ZVONOK_CHECK(std::ranges::distance(list.begin(), list.end()) == static_cast<std::ptrdiff_t>(items.size()));
  return items;
}

std::vector<Ssrc> to_ssrcs(const Ssrcs& list) {
  return {list.begin(), list.end()};
}

void check(const SenderReport& report, Bytes) {
  ByteWriter writer{buffer};
  const auto blocks = to_vector(report.blocks);
  ZVONOK_CHECK(blocks.size() <= kCountMax && write_sender_report(writer, report.info, blocks) == Written::Yes);
  const auto read = again<SenderReport>(writer);
  ZVONOK_CHECK(read.info == report.info && to_vector(read.blocks) == blocks);
}

void check(const ReceiverReport& report, Bytes) {
  ByteWriter writer{buffer};
  const auto blocks = to_vector(report.blocks);
  ZVONOK_CHECK(blocks.size() <= kCountMax && write_receiver_report(writer, report.sender, blocks) == Written::Yes);
  const auto read = again<ReceiverReport>(writer);
  ZVONOK_CHECK(read.sender == report.sender && to_vector(read.blocks) == blocks);
}

void check(const Sdes& sdes, Bytes datagram) {
  std::size_t count = 0;
  auto names = sdes.cnames();
  while (const auto cname = names.next()) {
    ZVONOK_CHECK(++count <= sdes.chunk_count);
    check_inside(as_bytes(cname->name), datagram);
    ByteWriter writer{buffer};
    ZVONOK_CHECK(write_cname(writer, *cname) == Written::Yes);
    const auto read = again<Sdes>(writer).cnames().next();
    ZVONOK_CHECK(read && read->ssrc == cname->ssrc && read->name == cname->name);
  }
}

void check(const Bye& bye, Bytes datagram) {
  check_inside(as_bytes(bye.reason), datagram);
  ByteWriter writer{buffer};
  ZVONOK_CHECK(write_bye(writer, to_ssrcs(bye.ssrcs), bye.reason) == Written::Yes);
  const auto read = again<Bye>(writer);
  ZVONOK_CHECK(read.reason == bye.reason && to_ssrcs(read.ssrcs) == to_ssrcs(bye.ssrcs));
}

std::vector<std::uint16_t> numbers_of(const Nack& nack) {
  std::vector<std::uint16_t> numbers;
  auto lost = nack.lost();
  while (const auto number = lost.next()) numbers.push_back(*number);
  ZVONOK_CHECK(numbers.size() >= nack.entries.size() && numbers.size() <= 17 * nack.entries.size());
  return numbers;
}

void check(const Nack& nack, Bytes) {
  const auto numbers = numbers_of(nack);
  ByteWriter writer{buffer};
  const std::size_t done = write_nack(writer, {.sender = nack.sender, .media = nack.media}, numbers);
  auto expected = std::vector(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(done));
  auto read = numbers_of(again<Nack>(writer));
  // Numbers in any order may be asked for; they need not come back in it, and not twice.
  const auto as_set = [](std::vector<std::uint16_t>& list) {
    std::ranges::sort(list);
    list.erase(std::ranges::unique(list).begin(), list.end());
  };
  as_set(expected);
  as_set(read);
  ZVONOK_CHECK(done > 0 && read == expected);
}

void check(const Pli&, Bytes) {}

void check(const Fir& fir, Bytes) {
  ByteWriter writer{buffer};
  const auto entries = to_vector(fir.entries);
  ZVONOK_CHECK(write_fir(writer, fir.sender, entries) == Written::Yes);
  ZVONOK_CHECK(to_vector(again<Fir>(writer).entries) == entries);
}

void check(const Remb& remb, Bytes) {
  ByteWriter writer{buffer};
  ZVONOK_CHECK(write_remb(writer, remb.sender, remb.bitrate_bps, to_ssrcs(remb.ssrcs)) == Written::Yes);
  const auto read = again<Remb>(writer);
  ZVONOK_CHECK(to_ssrcs(read.ssrcs) == to_ssrcs(remb.ssrcs) && read.bitrate_bps <= remb.bitrate_bps);
  ZVONOK_CHECK(remb.bitrate_bps - read.bitrate_bps <= remb.bitrate_bps >> 17);
}

void check(const TransportFeedback& feedback, Bytes datagram) {
  check_inside(feedback.chunks, datagram);
  check_inside(feedback.deltas, datagram);
  std::size_t count = 0;
  auto statuses = feedback.statuses();
  while (const auto status = statuses.next()) {
    ZVONOK_CHECK(status->sequence == static_cast<std::uint16_t>(feedback.base_sequence + count));
    ++count;
  }
  ZVONOK_CHECK(count == feedback.status_count && count <= kFeedbackStatusesMax);
}

void check(const ExtendedReport& report, Bytes) {
  for (const DlrrEntry entry : report.dlrr) {
    static_cast<void>(round_trip({.now = 0, .lsr = entry.last_reference, .delay = entry.delay}));
  }
}

void check(const Unknown& unknown, Bytes datagram) {
  ZVONOK_CHECK(unknown.format <= kCountMax);
  check_inside(unknown.body, datagram);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A block of its own, so that a read of one byte too many is seen.
  const std::unique_ptr<std::uint8_t[]> copy{new std::uint8_t[size]};
  if (size > 0) std::memcpy(copy.get(), data, size);
  const Bytes datagram{copy.get(), size};
  Reader reader{datagram};
  std::size_t packets = 0;
  while (const auto packet = reader.next()) {
    ZVONOK_CHECK(++packets <= size / 4);
    std::visit([&](const auto& one) { check(one, datagram); }, *packet);
  }
  ZVONOK_CHECK(!reader.next());
  return 0;
}
