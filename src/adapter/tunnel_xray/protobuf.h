// As much of protobuf's wire format as the messages here need.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zvonok::tunnel_xray::protobuf {

enum class Wire : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

void append_varint(std::string& out, std::uint64_t value);
/// A text, bytes or an embedded message.
void append_bytes(std::string& out, unsigned number, std::string_view value);
/// False is left out, as protobuf's third version does.
void append_flag(std::string& out, unsigned number, bool value);

struct Field {
  std::uint64_t number = 0;  // never 0
  Wire wire = Wire::Varint;
  std::uint64_t value = 0;  // of Varint
  std::string_view bytes;   // of Bytes, within the message
};

/// Field after field of a message. Groups are not read: nobody has written any for twenty years.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_{message} {}
  /// Nothing at the end, and where the message is broken.
  [[nodiscard]] std::optional<Field> next();
  [[nodiscard]] bool is_broken() const { return is_broken_; }

 private:
  [[nodiscard]] std::optional<std::uint64_t> varint();
  [[nodiscard]] bool skip(std::uint64_t bytes);

  std::string_view rest_;
  bool is_broken_ = false;
};

}  // namespace zvonok::tunnel_xray::protobuf
