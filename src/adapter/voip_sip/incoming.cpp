#include "adapter/voip_sip/incoming.h"

#include <algorithm>

#include "call/phone_number.h"

namespace zvonok::voip_sip {

std::string number_from(std::string_view user, const Trunk& trunk) {
  // Parameters of the number (RFC 3966) are no part of it.
  user = user.substr(0, user.find(';'));
  if (user.empty() || user == "anonymous" || user == "Anonymous" || user == "restricted" || user == "unavailable") {
    return {};
  }
  std::string text;
  for (const char c : user.substr(0, call::phone::kIncomingTextBytesMax)) {
    if (c > 0x20 && c < 0x7F) text += c;
  }
  std::string digits;
  for (const char c : text) {
    // Separators that people write and RFC 3966 section 5.1.1 allows.
    if (c != '-' && c != '.' && c != '(' && c != ')') digits += c;
  }
  if (call::phone::parse_number(digits)) return digits;
  if (digits.starts_with("00")) {
    if (std::string number = "+" + digits.substr(2); call::phone::parse_number(number)) return number;
  }
  if (!trunk.plus) {
    if (std::string number = "+" + digits; call::phone::parse_number(number)) return number;
  }
  return text;
}

int status_of(call::phone::Rejection why) {
  using call::phone::Rejection;
  switch (why) {
    case Rejection::NoSuchNumber: return 404;
    case Rejection::Busy: return 486;
    case Rejection::Declined: return 603;
    case Rejection::NoAnswer:
    case Rejection::Unavailable: return 480;
  }
  return 480;
}

}  // namespace zvonok::voip_sip
