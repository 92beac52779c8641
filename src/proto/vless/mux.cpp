#include "proto/vless/mux.h"

#include <algorithm>

#include "base/check.h"

namespace zvonok::vless::mux {
namespace {

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kOptionsAt = kLengthBytes + 3;
constexpr std::uint8_t kHasData = 0x01;
constexpr std::uint8_t kHasFault = 0x02;

/// How many bytes a frame that begins with `have` needs for the next thing to be known.
Result<std::size_t, Error> bytes_wanted(Bytes have) {
  if (have.size() < kLengthBytes) return kLengthBytes;
  const std::size_t head = load_be16(have.data());
  if (head < kHeadBytesMin || head > kHeadBytesMax) return fail(Error::HeadLength);
  const std::size_t head_end = kLengthBytes + head;
  if (have.size() < head_end) return head_end;
  if ((have[kOptionsAt] & kHasData) == 0) return head_end;
  if (have.size() < head_end + kLengthBytes) return head_end + kLengthBytes;
  return head_end + kLengthBytes + load_be16(have.data() + head_end);
}

/// Reads where a frame goes. A Keep of another network than Udp says nothing about it.
Result<void, Error> read_destination(ByteReader& head, Frame& frame) {
  const std::uint8_t network = head.u8();
  const bool known =
      network == static_cast<std::uint8_t>(Network::Tcp) || network == static_cast<std::uint8_t>(Network::Udp);
  if (frame.status == Status::Keep && network != static_cast<std::uint8_t>(Network::Udp)) return {};
  if (head.ok() && !known) return fail(Error::Network);
  const auto target = read_target(head);
  if (!head.ok()) return fail(Error::HeadTooShort);
  if (!target) return fail(Error::AddressKind);
  frame.destination = Destination{.network = static_cast<Network>(network), .target = *target};
  return {};
}

/// The global id of a new session of datagrams: it is there only with the first of them.
std::optional<GlobalId> read_global_id(ByteReader& head, const Frame& frame) {
  const bool may_have =
      frame.status == Status::New && frame.data && frame.destination && frame.destination->network == Network::Udp;
  if (!may_have || head.left() < sizeof(GlobalId)) return std::nullopt;
  GlobalId id{};
  copy_bytes(head.take(id.size()), id);
  if (id == GlobalId{}) return std::nullopt;
  return id;
}

Result<Frame, Error> parse(Bytes whole) {
  ByteReader reader{whole};
  ByteReader head{reader.take(reader.u16())};
  Frame frame;
  frame.session = head.u16();
  const std::uint8_t status = head.u8();
  const std::uint8_t options = head.u8();
  if (status < static_cast<std::uint8_t>(Status::New) || status > static_cast<std::uint8_t>(Status::KeepAlive)) {
    return fail(Error::Status);
  }
  frame.status = static_cast<Status>(status);
  if ((options & kHasFault) != 0) frame.fault = Fault::Yes;
  if ((options & kHasData) != 0) {
    const std::size_t bytes = reader.u16();
    frame.data = reader.take(bytes);
  }
  ZVONOK_CHECK(reader.ok() && reader.empty());
  if (frame.status == Status::New || (frame.status == Status::Keep && !head.empty())) {
    if (const auto read = read_destination(head, frame); !read) return fail(read.error());
  }
  frame.global_id = read_global_id(head, frame);
  return frame;
}

}  // namespace

Result<std::optional<Bytes>, Error> Reader::gather(Bytes& chunk) {
  for (;;) {
    const bool in_place = partial_.empty();
    const Bytes have = in_place ? chunk : Bytes{partial_};
    const auto wanted = bytes_wanted(have);
    if (!wanted) return fail(wanted.error());
    if (*wanted <= have.size()) {
      given_ = !in_place;
      if (in_place) chunk = chunk.subspan(*wanted);
      return have.first(*wanted);
    }
    if (chunk.empty()) return std::optional<Bytes>{};
    const std::size_t taken = std::min(*wanted - partial_.size(), chunk.size());
    partial_.insert(partial_.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(taken));
    chunk = chunk.subspan(taken);
  }
}

Result<std::optional<Frame>, Error> Reader::next(Bytes& chunk) {
  if (failed_) return fail(*failed_);
  if (given_) partial_.clear();
  given_ = false;
  const auto whole = gather(chunk);
  if (!whole) {
    failed_ = whole.error();
    return fail(*failed_);
  }
  if (!*whole) return std::optional<Frame>{};
  const auto frame = parse(**whole);
  if (!frame) {
    failed_ = frame.error();
    return fail(*failed_);
  }
  return std::optional{*frame};
}

void write_head(ByteWriter& writer, const Head& head) {
  const std::size_t at = writer.size();
  writer.u16(0);
  writer.u16(head.session);
  writer.u8(static_cast<std::uint8_t>(head.status));
  const unsigned options = (head.data_bytes ? kHasData : 0U) | (head.fault == Fault::Yes ? kHasFault : 0U);
  writer.u8(static_cast<std::uint8_t>(options));
  if (head.address) {
    writer.u8(static_cast<std::uint8_t>(head.network));
    write_target(writer, *head.address);
    if (head.global_id) writer.append(*head.global_id);
  }
  const std::size_t bytes = writer.size() - at - kLengthBytes;
  if (writer.ok()) store_be16(writer.written().subspan(at).data(), static_cast<std::uint16_t>(bytes));
  if (!head.data_bytes) return;
  ZVONOK_CHECK(*head.data_bytes <= kDataBytesMax);
  writer.u16(static_cast<std::uint16_t>(*head.data_bytes));
}

}  // namespace zvonok::vless::mux
