#include "proto/websocket/frame.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace zvonok::websocket {
namespace {

constexpr std::size_t kControlBytesMax = 125;  // RFC 6455 section 5.5
constexpr std::uint8_t kFinBit = 0x80;
constexpr std::uint8_t kRsvBits = 0x70;
constexpr std::uint8_t kMaskBit = 0x80;

using MaskKey = std::array<std::uint8_t, 4>;

/// Section 5.3. Eight bytes at a time; memcpy keeps it free of alignment assumptions.
void apply_mask(MutableBytes payload, const MaskKey& key) {
  std::array<std::uint8_t, 8> wide{};
  std::copy(key.begin(), key.end(), wide.begin());
  std::copy(key.begin(), key.end(), wide.begin() + 4);
  std::uint64_t mask = 0;
  std::memcpy(&mask, wide.data(), sizeof mask);
  std::size_t i = 0;
  for (; i + 8 <= payload.size(); i += 8) {
    std::uint64_t chunk = 0;
    std::memcpy(&chunk, payload.data() + i, sizeof chunk);
    chunk ^= mask;
    std::memcpy(payload.data() + i, &chunk, sizeof chunk);
  }
  for (; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(payload[i] ^ key[i % 4]);
}

bool is_control(Opcode opcode) {
  return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

/// Section 7.4: what a peer may put on the wire.
bool is_valid_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

void append_header(std::string& out, Opcode opcode, std::size_t size, std::uint8_t mask_bit) {
  out.push_back(static_cast<char>(kFinBit | static_cast<std::uint8_t>(opcode)));
  if (size < 126) {
    out.push_back(static_cast<char>(mask_bit | size));
    return;
  }
  const int length_bytes = size <= 0xFFFF ? 2 : 8;
  out.push_back(static_cast<char>(mask_bit | (length_bytes == 2 ? 126 : 127)));
  for (int shift = (length_bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(size) >> shift) & 0xFF));
  }
}

}  // namespace

struct Decoder::Header {
  Opcode opcode{};
  bool fin = false;
  bool masked = false;
  bool complete = false;
  std::uint64_t payload_bytes = 0;
  std::size_t header_bytes = 0;
  MaskKey mask{};
};

bool Decoder::broken(CloseCode code, std::string_view reason) {
  failure_ = {code, reason};
  return false;
}

bool Decoder::feed(MutableBytes data, MessageSink& sink) {
  const bool from_pending = !pending_.empty();
  std::string held;
  if (from_pending) {
    pending_.append(as_text(data));
    held.swap(pending_);
    data = {reinterpret_cast<std::uint8_t*>(held.data()), held.size()};
  }
  std::size_t offset = 0;
  while (offset < data.size() && sink.wants_more()) {
    std::size_t consumed = 0;
    const Step step = decode_one(data.subspan(offset), consumed, sink);
    if (step == Step::Failed) return false;
    if (step == Step::NeedMore) break;
    offset += consumed;
  }
  if (offset == data.size()) return true;
  if (from_pending) {
    held.erase(0, offset);
    pending_.swap(held);
  } else {
    pending_.assign(as_text(data.subspan(offset)));
  }
  return true;
}

Decoder::Step Decoder::decode_one(MutableBytes data, std::size_t& consumed, MessageSink& sink) {
  Header header;
  if (!parse_header(data, header)) return Step::Failed;
  if (!header.complete || data.size() - header.header_bytes < header.payload_bytes) return Step::NeedMore;
  const auto size = static_cast<std::size_t>(header.payload_bytes);
  const MutableBytes payload = data.subspan(header.header_bytes, size);
  if (header.masked) apply_mask(payload, header.mask);
  consumed = header.header_bytes + size;
  return dispatch(header, as_text(payload), sink) ? Step::Decoded : Step::Failed;
}

/// Section 5.2. Lengths are checked before the payload has arrived, so that a huge frame is refused at its header.
bool Decoder::parse_header(Bytes data, Header& header) {
  if (data.size() < 2) return true;
  if ((data[0] & kRsvBits) != 0) return broken(CloseCode::ProtocolError, "reserved bits set");
  header.fin = (data[0] & kFinBit) != 0;
  header.opcode = static_cast<Opcode>(data[0] & 0x0F);
  header.masked = (data[1] & kMaskBit) != 0;
  const std::uint8_t short_length = data[1] & 0x7F;
  const std::size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  header.payload_bytes = short_length;
  std::size_t position = 2;
  if (data.size() < position + length_bytes) return true;
  if (length_bytes != 0) {
    header.payload_bytes = 0;
    for (std::size_t i = 0; i < length_bytes; ++i)
      header.payload_bytes = (header.payload_bytes << 8) | data[position++];
    const std::uint64_t least = length_bytes == 2 ? 126 : 0x10000;
    if (header.payload_bytes < least || (header.payload_bytes >> 63) != 0) {
      return broken(CloseCode::ProtocolError, "length not in its shortest form");
    }
  }
  if (!check_header(header)) return false;
  if (header.masked) {
    if (data.size() < position + 4) return true;
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(position), 4, header.mask.begin());
    position += 4;
  }
  header.header_bytes = position;
  header.complete = true;
  return true;
}

bool Decoder::check_header(const Header& header) {
  if (header.masked != (sender_ == Sender::Client)) return broken(CloseCode::ProtocolError, "wrong masking");
  switch (header.opcode) {
    case Opcode::Continuation:
      if (message_opcode_ == Opcode::Continuation) return broken(CloseCode::ProtocolError, "nothing to continue");
      break;
    case Opcode::Text:
    case Opcode::Binary:
      if (message_opcode_ != Opcode::Continuation) return broken(CloseCode::ProtocolError, "message not finished");
      break;
    case Opcode::Close:
    case Opcode::Ping:
    case Opcode::Pong:
      if (!header.fin) return broken(CloseCode::ProtocolError, "fragmented control frame");
      if (header.payload_bytes > kControlBytesMax) return broken(CloseCode::ProtocolError, "long control frame");
      return true;
    default:  // wire values outside the enumeration
      return broken(CloseCode::ProtocolError, "unknown opcode");
  }
  if (header.payload_bytes > limits_.message_bytes_max - std::min(limits_.message_bytes_max, message_.size())) {
    return broken(CloseCode::MessageTooBig, "message too big");
  }
  return true;
}

bool Decoder::dispatch(const Header& header, std::string_view payload, MessageSink& sink) {
  return is_control(header.opcode) ? dispatch_control(header, payload, sink) : dispatch_data(header, payload, sink);
}

bool Decoder::dispatch_control(const Header& header, std::string_view payload, MessageSink& sink) {
  if (header.opcode == Opcode::Ping) {
    sink.on_ping(payload);
    return true;
  }
  if (header.opcode == Opcode::Pong) {
    sink.on_pong(payload);
    return true;
  }
  if (payload.empty()) {
    sink.on_close(static_cast<std::uint16_t>(CloseCode::NoStatus), {});
    return true;
  }
  if (payload.size() == 1) return broken(CloseCode::ProtocolError, "short close frame");
  const auto high = static_cast<std::uint8_t>(payload[0]);
  const auto low = static_cast<std::uint8_t>(payload[1]);
  const auto code = static_cast<std::uint16_t>((high << 8) | low);
  if (!is_valid_close_code(code)) return broken(CloseCode::ProtocolError, "invalid close code");
  if (!is_valid_utf8(payload.substr(2))) return broken(CloseCode::InvalidPayload, "close reason is not UTF-8");
  sink.on_close(code, payload.substr(2));
  return true;
}

bool Decoder::dispatch_data(const Header& header, std::string_view payload, MessageSink& sink) {
  if (header.opcode != Opcode::Continuation && header.fin) return deliver(header.opcode, payload, sink);
  if (header.opcode != Opcode::Continuation) {
    message_opcode_ = header.opcode;
    fragments_ = 0;
  }
  if (++fragments_ > limits_.fragments_max) return broken(CloseCode::PolicyViolation, "too many fragments");
  message_.append(payload);
  if (!header.fin) return true;
  std::string whole;
  whole.swap(message_);
  const Opcode opcode = message_opcode_;
  message_opcode_ = Opcode::Continuation;
  return deliver(opcode, whole, sink);
}

bool Decoder::deliver(Opcode opcode, std::string_view payload, MessageSink& sink) {
  if (opcode == Opcode::Text && !is_valid_utf8(payload)) {
    return broken(CloseCode::InvalidPayload, "text is not UTF-8");
  }
  sink.on_message(opcode, payload);
  return true;
}

void append_frame_header(std::string& out, Opcode opcode, std::size_t payload_bytes) {
  append_header(out, opcode, payload_bytes, 0);
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
  append_frame_header(out, opcode, payload.size());
  out.append(payload);
}

void append_masked_frame(std::string& out, Opcode opcode, std::string_view payload, std::uint32_t mask) {
  append_header(out, opcode, payload.size(), kMaskBit);
  MaskKey key{};
  std::memcpy(key.data(), &mask, key.size());
  out.append(reinterpret_cast<const char*>(key.data()), key.size());
  const std::size_t start = out.size();
  out.append(payload);
  apply_mask({reinterpret_cast<std::uint8_t*>(out.data()) + start, payload.size()}, key);
}

void append_close(std::string& out, CloseCode code, std::string_view reason) {
  std::string payload;
  if (code != CloseCode::NoStatus) {
    const auto value = static_cast<std::uint16_t>(code);
    payload.push_back(static_cast<char>(value >> 8));
    payload.push_back(static_cast<char>(value & 0xFF));
    payload.append(reason.substr(0, kControlBytesMax - 2));
  }
  append_frame(out, Opcode::Close, payload);
}

namespace {

/// Length of the UTF-8 sequence that starts `rest`, 0 when it is not valid (RFC 3629 section 4).
std::size_t utf8_sequence(std::string_view rest) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(rest[i]); };
  const auto continues = [&](std::size_t i) { return i < rest.size() && (byte(i) & 0xC0) == 0x80; };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;  // overlong
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // past U+10FFFF
    return 4;
  }
  return 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 8 <= text.size()) {
      std::uint64_t chunk = 0;
      std::memcpy(&chunk, text.data() + i, sizeof chunk);
      if ((chunk & kHighBits) == 0) {
        i += 8;
        continue;
      }
    }
    const std::size_t length = utf8_sequence(text.substr(i));
    if (length == 0) return false;
    i += length;
  }
  return true;
}

}  // namespace zvonok::websocket
