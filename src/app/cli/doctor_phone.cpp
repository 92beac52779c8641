// The part of `zvonok doctor` about phone calls: what usually stands between the settings and a telephone that rings.
#include <algorithm>
#include <cstdlib>

#include <boost/json.hpp>

#include "adapter/http_client/http_client.h"
#include "adapter/voip_twilio/call_words.h"
#include "app/cli/doctor_report.h"
#include "app/phone/spending.h"
#include "base/address.h"
#include "call/phone_number.h"
#include "net/loop.h"

namespace zvonok::app {
namespace {

namespace json = boost::json;
using Outcome = http_client::HttpClient::Outcome;

constexpr milliseconds kPatience{8000};
constexpr double kBalanceLow = 1;

/// Waits for the answer.
Outcome get(const Config& config, const std::string& url, bool with_credentials) {
  const auto failed = [](const std::string& why) { return fail(http_client::Failure{.detail = why}); };
  auto loop = net::Loop::create();
  if (!loop) return failed(loop.error());
  http_client::Options options;
  options.ca_file = with_credentials ? config.voip_api_ca : std::string{};
  options.total_timeout = kPatience;
  auto client = http_client::HttpClient::create(**loop, options);
  if (!client) return failed(client.error());
  http_client::Request request;
  request.url = url;
  if (with_credentials) {
    request.user = config.voip_account_sid;
    request.password = config.voip_auth_token;
  }
  Outcome outcome = failed("no answer");
  (*client)->send(std::move(request), [&](Outcome came) {
    outcome = std::move(came);
    (*loop)->stop();
  });
  (*loop)->run();
  return outcome;
}

json::object object_of(const std::string& text) {
  json::error_code error;
  const json::value value = json::parse(text, error);
  return !error && value.is_object() ? value.get_object() : json::object{};
}

std::string text_of(const json::object& object, const char* name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

/// Of a URL.
std::string host_of(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  std::string host = url.substr(begin, url.find('/', begin) - begin);
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_from_here_only(const std::string& host) {
  const auto ip = IpAddress::parse(host);
  return host == "localhost" || host.ends_with(".local") ||
         (ip && (ip->is_private() || ip->is_loopback() || ip->is_link_local() || ip->is_unspecified()));
}

std::string twilio_url(const Config& config, const std::string& path) {
  std::string base = config.voip_api_base;
  while (base.ends_with('/')) base.pop_back();
  return base + "/2010-04-01/Accounts/" + config.voip_account_sid + path;
}

// ---- Twilio

void check_from_number(DoctorReport& report, const Config& config) {
  const std::string& from = config.voip_from_number;
  if (const auto number = call::phone::parse_number(from); !number) {
    report.bad("VOIP_FROM_NUMBER=" + from + ": " + std::string{call::phone::to_text(number.error())},
               "write it as +<country code><number>, without spaces: +491512345678");
    return;
  }
  const Outcome outcome =
      get(config, twilio_url(config, "/IncomingPhoneNumbers.json?PhoneNumber=%2B" + from.substr(1)), true);
  if (!outcome || outcome->status != 200) return;
  const json::object answer = object_of(outcome->body);
  const json::value* const numbers = answer.if_contains("incoming_phone_numbers");
  if (numbers != nullptr && numbers->is_array() && numbers->get_array().empty()) {
    report.warn("VOIP_FROM_NUMBER is not a number of this Twilio account",
                "buy one in the console, or verify this one there as a caller id");
  } else {
    report.good("VOIP_FROM_NUMBER is a number of the account");
  }
}

void check_balance(DoctorReport& report, const Config& config) {
  const Outcome outcome = get(config, twilio_url(config, "/Balance.json"), true);
  if (!outcome || outcome->status != 200) return;  // not every account tells
  const json::object answer = object_of(outcome->body);
  const std::string balance = text_of(answer, "balance");
  if (balance.empty()) return;
  const std::string shown = balance + " " + text_of(answer, "currency");
  const double left = std::strtod(balance.c_str(), nullptr);
  if (left <= 0) {
    report.bad("the Twilio account has nothing left: " + shown,
               "add money in the console; calls are refused until then");
  } else if (left < kBalanceLow) {
    report.warn("the Twilio account is nearly empty: " + shown,
                "add money in the console, or let it recharge by itself");
  } else {
    report.good("the Twilio account has " + shown);
  }
}

/// Whether there is anything to ask further.
bool check_account(DoctorReport& report, const Config& config) {
  if (config.voip_account_sid.empty() || config.voip_auth_token.reveal().empty()) {
    report.bad("VOIP_ACCOUNT_SID and VOIP_AUTH_TOKEN are not both set",
               "copy them from the dashboard of the Twilio console");
    return false;
  }
  if (!http_client::is_web_url(config.voip_api_base) || !voip_twilio::is_harmless_sid(config.voip_account_sid)) {
    report.bad("VOIP_API_BASE or VOIP_ACCOUNT_SID is not well formed",
               "they look like https://api.twilio.com and AC followed by 32 digits");
    return false;
  }
  const Outcome outcome = get(config, twilio_url(config, ".json"), true);
  if (!outcome) {
    report.bad("Twilio is not reached at " + config.voip_api_base + ": " + outcome.error().detail,
               "check VOIP_API_BASE, the name server and the firewall: HTTPS has to get out");
    return false;
  }
  if (outcome->status == 401 || outcome->status == 403) {
    report.bad(
        "Twilio does not take VOIP_ACCOUNT_SID and VOIP_AUTH_TOKEN (" + std::to_string(outcome->status) + ")",
        "copy both from the console again: the live ones, not those for tests; VOIP_PROVIDER=mock works without");
    return false;
  }
  if (outcome->status != 200) {
    report.bad("Twilio answers " + std::to_string(outcome->status) + " when it is asked for the account",
               "see https://status.twilio.com, and try again later");
    return false;
  }
  const json::object account = object_of(outcome->body);
  const std::string status = text_of(account, "status");
  if (!status.empty() && status != "active") {
    report.bad("the Twilio account is " + status, "the console says why");
    return false;
  }
  report.good("Twilio takes the account and its token");
  if (text_of(account, "type") == "Trial") {
    report.warn("the Twilio account is a trial", "it calls numbers only that were verified in the console");
  }
  return true;
}

void check_public_url(DoctorReport& report, const Config& config) {
  const std::string& url = config.public_url;
  if (url.empty()) {
    report.bad("PUBLIC_URL is not set, so Twilio can't tell this server what becomes of calls, nor bring their sound",
               "set it to how this server is reached from the internet: https://calls.example.org");
    return;
  }
  if (is_from_here_only(host_of(url))) {
    report.bad("PUBLIC_URL=" + url + " can't be reached from the internet", "Twilio needs a public name or address");
    return;
  }
  if (!url.starts_with("https://")) {
    report.warn("PUBLIC_URL is not https", "set TLS up: what calls say goes over it; Twilio wants wss for their sound");
  }
  const Outcome outcome = get(config, url + (url.ends_with('/') ? "healthz" : "/healthz"), false);
  if (outcome && outcome->status == 200) {
    report.good("PUBLIC_URL reaches a running server");
  } else {
    report.warn("PUBLIC_URL is not answered from here: " +
                    (outcome ? "status " + std::to_string(outcome->status) : outcome.error().detail),
                "all is well if the server does not run yet, or its own public address can't be reached from inside; "
                "else check name, proxy, port and certificate");
  }
}

}  // namespace

void check_phone(DoctorReport& report, const Config& config) {
  if (config.voip_provider == "mock") {
    report.good("phone calls are imitated (VOIP_PROVIDER=mock): nobody is dialed");
    return;
  }
  if (const auto risk = spending_risk(config)) {
    report.bad("strangers may register and dial every country", *risk);
  } else if (const auto doubt = spending_doubt(config)) {
    report.warn(*doubt, "name the countries that are needed in VOIP_ALLOW_PREFIXES, such as +49,+41");
  }
  if (config.voip_provider == "sip") return check_sip(report, config);
  if (check_account(report, config)) {
    check_balance(report, config);
    check_from_number(report, config);
  }
  check_public_url(report, config);
}

}  // namespace zvonok::app
