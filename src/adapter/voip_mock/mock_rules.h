// What the mock telephone at a number does. Pure, so that the table of docs/protocol/phone.md is tested as it stands.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "call/phone_words.h"
#include "port/phone_audio.h"

namespace zvonok::voip_mock {

/// One event, so long after the dial.
struct Step {
  Duration after{};
  std::variant<call::phone::TookOn, call::phone::Rings, call::phone::Answered, call::phone::Over> what;
  friend bool operator==(const Step&, const Step&) = default;
};

/// How it sounds.
struct Manner {
  enum class Echo { Later, AtOnce };  // AtOnce: as it comes, and nothing else is heard
  Echo echo = Echo::Later;
  port::G711 law = port::G711::Ulaw;
  port::PhoneLine::Feed feed = port::PhoneLine::Feed::AsItComes;
  std::string presses;  // digits that are pressed there after the answer; a comma is a rest
  friend bool operator==(const Manner&, const Manner&) = default;
};
[[nodiscard]] Manner manner_of(const call::phone::PhoneNumber& number);

/// Numbers that begin with +1500555 choose by their last four digits; all others answer.
[[nodiscard]] std::vector<Step> script_of(const call::phone::PhoneNumber& number);

/// A telephone that calls back who dialed it.
struct CallBack {
  Duration after{};                                 // after the dial
  std::optional<Duration> gives_up = std::nullopt;  // so long after it began to ring
};
[[nodiscard]] std::optional<CallBack> call_back_of(const call::phone::PhoneNumber& number);

}  // namespace zvonok::voip_mock
