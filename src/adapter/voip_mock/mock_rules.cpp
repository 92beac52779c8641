#include "adapter/voip_mock/mock_rules.h"

#include <array>
#include <string_view>

namespace zvonok::voip_mock {
namespace {

using namespace call::phone;

// 500 is no place in the American plan of numbers, and nobody's 555 of it is dialed by chance.
constexpr std::string_view kMagicPrefix = "+1500555";
constexpr std::size_t kMagicLength = kMagicPrefix.size() + 4;

constexpr Duration kRings = milliseconds{300};
constexpr Duration kAnswers = milliseconds{1500};
constexpr Duration kAnswersSlowly = seconds{20};
constexpr Duration kTalksShortly = seconds{3};
constexpr Duration kCallsBack = seconds{3};
constexpr Duration kGivesUp = seconds{2};

Step took_on() {
  return {.after = {}, .what = TookOn{}};
}
Step rings() {
  return {.after = kRings, .what = Rings{}};
}
Step over(Duration after, Over how) {
  return {.after = after, .what = how};
}
Over failed(ProviderFault fault) {
  return {.how = Over::How::Failed, .fault = fault};
}

/// The last four digits of a magic number; "" of others.
std::string_view rule_of(const PhoneNumber& number) {
  const std::string_view text = number.value();
  const bool magic = text.starts_with(kMagicPrefix) && text.size() == kMagicLength;
  return magic ? text.substr(kMagicPrefix.size()) : "";
}

}  // namespace

Manner manner_of(const PhoneNumber& number) {
  const std::string_view rule = rule_of(number);
  Manner manner;
  if (rule == "0020") manner.echo = Manner::Echo::AtOnce;
  if (rule == "0021") manner.law = port::G711::Alaw;
  if (rule == "0022") manner.feed = port::PhoneLine::Feed::Steady;
  if (rule == "0023") manner.presses = "123#";
  if (rule == "0024") manner.presses = "*6,,,,,,,,,,,,,,*6";
  return manner;
}

std::vector<Step> script_of(const PhoneNumber& number) {
  const std::string_view rule = rule_of(number);
  if (rule == "0001" || call_back_of(number)) return {took_on(), rings(), over(kAnswers, {.how = Over::How::Busy})};
  if (rule == "0002") return {took_on(), rings()};
  if (rule == "0003") return {over({}, failed(ProviderFault::BadNumber))};
  if (rule == "0004") return {took_on(), rings(), over(kAnswers, failed(ProviderFault::Other))};
  if (rule == "0005") return {took_on(), rings(), {.after = kAnswersSlowly, .what = Answered{}}};
  if (rule == "0006") {
    return {took_on(), rings(), {.after = kAnswers, .what = Answered{}}, over(kAnswers + kTalksShortly, {})};
  }
  if (rule == "0007") return {over({}, failed(ProviderFault::Unreachable))};
  if (rule == "0008" || rule == "0020") return {took_on(), {.after = {}, .what = Answered{}}};
  if (rule == "0009") return {};
  return {took_on(), rings(), {.after = kAnswers, .what = Answered{}}};
}

std::optional<CallBack> call_back_of(const PhoneNumber& number) {
  const std::string_view rule = rule_of(number);
  if (rule == "0010") return CallBack{.after = kCallsBack};
  if (rule == "0011") return CallBack{.after = kCallsBack, .gives_up = kGivesUp};
  return std::nullopt;
}

}  // namespace zvonok::voip_mock
