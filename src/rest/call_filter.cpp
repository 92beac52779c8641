#include "rest/call_filter.h"

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "call/phone_number.h"

namespace zvonok::rest {
namespace {

using call::CallState;
using call::EndReason;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes `count` digits off `text`; nullopt when it does not begin with them.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || !any_of.contains(text.front())) return false;
  text.remove_prefix(1);
  return true;
}

/// Of ".789" and the like; nothing is a fraction of 0.
std::optional<milliseconds> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return milliseconds{0};
  std::string digits;
  while (!text.empty() && is_digit(text.front())) {
    digits += text.front();
    text.remove_prefix(1);
  }
  if (digits.empty()) return std::nullopt;
  digits.resize(3, '0');
  return milliseconds{std::stoi(digits)};
}

std::optional<minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return minutes{0};
  const bool behind = text.starts_with('-');
  if (!take(text, "+- ")) return std::nullopt;  // in a query a plus may have become a space
  const auto h = take_number(text, 2);
  if (!h || !take(text, ":")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || *h > 23 || *m > 59) return std::nullopt;
  const minutes offset{*h * 60 + *m};
  return behind ? -offset : offset;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

/// What the history calls a status, of every kind of call.
std::optional<port::CallFilter> filter_of_status(std::string_view status) {
  port::CallFilter filter;
  const auto unanswered = [&](std::vector<EndReason> reasons) {
    filter.state = CallState::Ended;
    filter.answered = false;
    filter.reasons = std::move(reasons);
    return filter;
  };
  if (status == "connecting" || status == "ringing") {
    filter.state = CallState::Ringing;
    filter.rung = status == "ringing";
    return filter;
  }
  if (status == "in_progress" || status == "active") {
    filter.state = CallState::Active;
    return filter;
  }
  if (status == "completed") {
    filter.state = CallState::Ended;
    filter.answered = true;
    return filter;
  }
  if (status == "busy") return unanswered({EndReason::Busy});
  if (status == "no_answer") return unanswered({EndReason::NoAnswer});
  if (status == "declined") return unanswered({EndReason::Declined});
  if (status == "missed") {
    filter = unanswered({EndReason::Canceled, EndReason::Hangup, EndReason::NoAnswer, EndReason::Busy,
                         EndReason::Offline, EndReason::Disconnected, EndReason::ServerShutdown, EndReason::Failed});
    filter.outgoing = false;
    return filter;
  }
  if (status == "canceled") return unanswered({EndReason::Canceled, EndReason::Hangup});
  if (status == "offline") return unanswered({EndReason::Offline});
  if (status == "failed") {
    return unanswered({EndReason::Failed, EndReason::Disconnected, EndReason::ServerShutdown});
  }
  return std::nullopt;
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take(text, "Tt ")) return std::nullopt;
  const auto h = take_number(text, 2);
  if (!h || !take(text, ":")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take(text, ":")) return std::nullopt;
  const auto s = take_number(text, 2);
  if (!s || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const milliseconds since = date->time_since_epoch() + hours{*h} + minutes{*m} + seconds{*s} + *fraction - *offset;
  return wall_from_unix_milliseconds(since.count());
}

Result<port::CallFilter, Problem> decode_call_filter(const HttpRequest& request) {
  port::CallFilter filter;
  if (const auto status = query_value(request.query, "status")) {
    auto wanted = filter_of_status(*status);
    if (!wanted) {
      return fail(
          bad_request("`status` must be one of connecting, ringing, in_progress, active, completed, busy, "
                      "no_answer, declined, canceled, offline, failed, missed",
                      "status"));
    }
    filter = std::move(*wanted);
  }
  if (const auto kind = query_value(request.query, "kind")) {
    filter.kind = call::call_kind_from(*kind);
    if (!filter.kind) return fail(bad_request("`kind` must be one of pair, room, tunnel, phone", "kind"));
  }
  if (const auto direction = query_value(request.query, "direction")) {
    if (*direction != "incoming" && *direction != "outgoing") {
      return fail(bad_request("`direction` must be incoming or outgoing", "direction"));
    }
    filter.outgoing = *direction == "outgoing";
  }
  for (const auto& [name, field] :
       {std::pair{"from", &port::CallFilter::started_from}, std::pair{"until", &port::CallFilter::started_until}}) {
    const auto text = query_value(request.query, name);
    if (!text) continue;
    filter.*field = parse_rfc3339(*text);
    if (!(filter.*field)) {
      return fail(bad_request("`" + std::string{name} + "` must be a time such as 2026-02-03T12:34:56Z", name));
    }
  }
  if (auto number = query_value(request.query, "phone_number")) {
    if (number->starts_with(' ')) number->front() = '+';  // a plus that was not escaped
    const auto parsed = call::phone::parse_number(*number);
    if (!parsed) {
      return fail(bad_request("`phone_number` " + std::string{to_text(parsed.error())}, "phone_number"));
    }
    filter.phone_number = parsed->value();
  }
  return filter;
}

}  // namespace zvonok::rest
