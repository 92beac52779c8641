// One RTP packet (RFC 3550 section 5.1) and its header extensions (RFC 8285): a view for reading, a writer for what we
// send. Nothing here allocates. Views hold for as long as the datagram does.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "proto/rtp/types.h"

namespace zvonok::rtp {

constexpr std::size_t kFixedHeaderBytes = 12;
constexpr std::size_t kExtensionHeaderBytes = 4;

enum class ParseError : std::uint8_t {
  TooShort,    ///< ends inside its own header, CSRC list or extension block
  BadVersion,  ///< not version 2
  BadPadding,  ///< P is set and the last byte is 0 or more than there is
};

/// One header extension: `id` as negotiated in SDP, 1 to 14 in the one-byte form and 1 to 255 in the two-byte form.
struct ExtensionElement {
  std::uint8_t id = 0;
  Bytes bytes;
};

/// The elements of an extension block. A block in which an element runs past the end is dropped whole (it has no
/// elements then); so is one of a form other than RFC 8285's two.
class Extensions {
 public:
  Extensions() = default;
  /// `form` is the 16-bit "defined by profile" field, `block` what its length field covers.
  Extensions(std::uint16_t form, Bytes block);

  /// The first element with that id.
  [[nodiscard]] std::optional<Bytes> find(std::uint8_t id) const;
  [[nodiscard]] bool empty() const { return rest_.empty(); }

  /// Gives the elements in wire order: copy the block (it is a small view) and call until there is none.
  std::optional<ExtensionElement> next();

 private:
  enum class Form : std::uint8_t { OneByte, TwoByte };
  Form form_ = Form::OneByte;
  Bytes rest_;
};

/// What the header says. `body` is all that follows it: the payload and its padding, and in a sealed packet the
/// authentication tag as well.
struct PacketView {
  [[nodiscard]] static Result<PacketView, ParseError> parse(Bytes packet);

  bool padding = false;
  bool marker = false;
  PayloadType payload_type{};
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  Ssrc ssrc{};
  /// Fixed part, CSRCs and extension block together.
  std::size_t header_length = 0;
  /// The "defined by profile" field; absent when the X bit is not set.
  std::optional<std::uint16_t> extension_form;
  Bytes extension_block;
  Bytes body;

  [[nodiscard]] Extensions extensions() const;
};

struct PayloadView {
  Bytes bytes;
  std::size_t padding_length = 0;
};

/// The payload without its padding (RFC 3550 section 5.1, P). Only for a packet that was opened: padding is encrypted.
/// A packet of nothing but padding has an empty payload.
[[nodiscard]] Result<PayloadView, ParseError> payload_of(const PacketView& packet);

/// The header of a packet we send: never CSRCs.
struct HeaderFields {
  bool padding = false;
  bool marker = false;
  PayloadType payload_type{};
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  Ssrc ssrc{};
};

/// Whether the one-byte form carries it (RFC 8285 section 4.2).
[[nodiscard]] bool has_one_byte_form(const ExtensionElement& element);

/// Writes the fixed header and, unless the list is empty, one extension block: in the one-byte form, or in the two-byte
/// form when an element has no one-byte form: when it is empty, longer than 16 bytes or has an id above 14 (the
/// receiver must then have agreed to a=extmap-allow-mixed). Elements with no fitting form (id 0, more than 255 bytes)
/// make it fail. Returns the header's length, or 0 when it does not fit.
[[nodiscard]] std::size_t write_header(MutableBytes buffer, const HeaderFields& fields,
                                       std::span<const ExtensionElement> extensions);

}  // namespace zvonok::rtp
