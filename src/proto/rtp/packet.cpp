#include "proto/rtp/packet.h"

#include <algorithm>
#include <utility>

#include "base/byte_io.h"

namespace zvonok::rtp {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kWordBytes = 4;
// RFC 8285 sections 4.2 and 4.3.
constexpr std::uint16_t kOneByteForm = 0xBEDE;
constexpr std::uint16_t kTwoByteForm = 0x1000;
constexpr std::uint16_t kTwoByteFormMask = 0xFFF0;  // the low four bits are the application's
constexpr std::uint8_t kPaddingId = 0;
constexpr std::uint8_t kOneByteStopId = 15;
constexpr std::size_t kOneByteIdMax = 14;
constexpr std::size_t kOneByteElementMax = 16;
constexpr std::size_t kTwoByteElementMax = 255;

bool write_elements(ByteWriter& writer, std::span<const ExtensionElement> extensions) {
  const bool two_bytes = !std::ranges::all_of(extensions, has_one_byte_form);
  const std::size_t start = writer.size();
  writer.u16(two_bytes ? kTwoByteForm : kOneByteForm);
  writer.u16(0);
  for (const ExtensionElement& element : extensions) {
    if (element.id == kPaddingId || element.bytes.size() > kTwoByteElementMax) return false;
    const auto length = static_cast<std::uint8_t>(element.bytes.size());
    if (two_bytes) {
      writer.u8(element.id);
      writer.u8(length);
    } else {
      writer.u8(static_cast<std::uint8_t>((element.id << 4) | (length - 1)));
    }
    writer.append(element.bytes);
  }
  const std::size_t unaligned = (writer.size() - start) % kWordBytes;
  if (unaligned != 0) writer.fill(kWordBytes - unaligned, kPaddingId);
  const std::size_t words = (writer.size() - start - kExtensionHeaderBytes) / kWordBytes;
  if (!writer.ok() || words > 0xFFFF) return false;
  store_be16(writer.written().data() + start + 2, static_cast<std::uint16_t>(words));
  return true;
}

}  // namespace

bool has_one_byte_form(const ExtensionElement& element) {
  return element.id <= kOneByteIdMax && !element.bytes.empty() && element.bytes.size() <= kOneByteElementMax;
}

Extensions::Extensions(std::uint16_t form, Bytes block) {
  if (form == kOneByteForm) {
    form_ = Form::OneByte;
  } else if ((form & kTwoByteFormMask) == kTwoByteForm) {
    form_ = Form::TwoByte;
  } else {
    return;
  }
  rest_ = block;
  // Walked once here, so that no element is given of a block that turns out broken further on.
  Extensions walk = *this;
  const std::uint8_t* const end = block.data() + block.size();
  while (walk.next()) continue;
  if (walk.rest_.data() != end) rest_ = {};
}

std::optional<ExtensionElement> Extensions::next() {
  while (!rest_.empty()) {
    ByteReader reader{rest_};
    const std::uint8_t first = reader.u8();
    if (first == kPaddingId) {
      rest_ = reader.rest();
      continue;
    }
    std::uint8_t id = first;
    std::size_t length = 0;
    switch (form_) {
      case Form::OneByte:
        id = first >> 4;
        length = std::size_t{first & 0x0FU} + 1;
        break;
      case Form::TwoByte: length = reader.u8(); break;
    }
    // Section 4.2: id 15 ends the block. Id 0 with a length is nothing the RFC knows, and what follows it can't be
    // told.
    if (form_ == Form::OneByte && (id == kOneByteStopId || id == kPaddingId)) {
      rest_ = rest_.last(0);
      return std::nullopt;
    }
    const Bytes bytes = reader.take(length);
    if (!reader.ok()) return std::nullopt;  // `rest_` stays where it is: the constructor sees that by it
    rest_ = reader.rest();
    return ExtensionElement{.id = id, .bytes = bytes};
  }
  return std::nullopt;
}

std::optional<Bytes> Extensions::find(std::uint8_t id) const {
  Extensions walk = *this;
  while (const auto element = walk.next()) {
    if (element->id == id) return element->bytes;
  }
  return std::nullopt;
}

Result<PacketView, ParseError> PacketView::parse(Bytes packet) {
  if (packet.size() < kFixedHeaderBytes) return fail(ParseError::TooShort);
  ByteReader reader{packet};
  const std::uint8_t first = reader.u8();
  if (first >> 6 != kVersion) return fail(ParseError::BadVersion);
  const std::uint8_t second = reader.u8();
  PacketView view;
  view.padding = (first & 0x20) != 0;
  view.marker = (second & 0x80) != 0;
  view.payload_type = PayloadType{static_cast<std::uint8_t>(second & 0x7F)};
  view.sequence = reader.u16();
  view.timestamp = reader.u32();
  view.ssrc = Ssrc{reader.u32()};
  reader.skip(std::size_t{first & 0x0FU} * kWordBytes);  // CSRCs: we mix nothing
  if ((first & 0x10) != 0) {
    view.extension_form = reader.u16();
    const std::size_t words = reader.u16();
    view.extension_block = reader.take(words * kWordBytes);
  }
  if (!reader.ok()) return fail(ParseError::TooShort);
  view.body = reader.rest();
  view.header_length = packet.size() - view.body.size();
  return view;
}

Extensions PacketView::extensions() const {
  return extension_form ? Extensions{*extension_form, extension_block} : Extensions{};
}

Result<PayloadView, ParseError> payload_of(const PacketView& packet) {
  if (!packet.padding) return PayloadView{.bytes = packet.body};
  if (packet.body.empty()) return fail(ParseError::BadPadding);
  const std::size_t padding = packet.body.back();
  if (padding == 0 || padding > packet.body.size()) return fail(ParseError::BadPadding);
  return PayloadView{.bytes = packet.body.first(packet.body.size() - padding), .padding_length = padding};
}

std::size_t write_header(MutableBytes buffer, const HeaderFields& fields,
                         std::span<const ExtensionElement> extensions) {
  const auto payload_type = std::to_underlying(fields.payload_type);
  if (payload_type > 0x7F) return 0;
  ByteWriter writer{buffer};
  writer.u8(static_cast<std::uint8_t>((kVersion << 6) | (fields.padding ? 0x20 : 0) | (extensions.empty() ? 0 : 0x10)));
  writer.u8(static_cast<std::uint8_t>((fields.marker ? 0x80 : 0) | payload_type));
  writer.u16(fields.sequence);
  writer.u32(fields.timestamp);
  writer.u32(std::to_underlying(fields.ssrc));
  if (!extensions.empty() && !write_elements(writer, extensions)) return 0;
  return writer.ok() ? writer.size() : 0;
}

}  // namespace zvonok::rtp
