#include "app/phone/spending.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace zvonok::app {
namespace {

constexpr auto kDear = std::to_array<std::string_view>(
    {// of no country: shared cost, Inmarsat, universal personal numbers, satellites and networks, premium rate
     "+808", "+870", "+878", "+881", "+882", "+883", "+979",
     // North America
     "+1900", "+1976",
     // United Kingdom: premium rate, business rate, and personal numbers, which are billed like them
     "+449", "+44871", "+44872", "+44873", "+4470",
     // Germany, Austria, Switzerland
     "+49900", "+43900", "+43901", "+43930", "+43931", "+41900", "+41901", "+41906",
     // Spain, Italy, France
     "+34803", "+34806", "+34807", "+34905", "+39892", "+39894", "+39895", "+39899", "+3389",
     // Benelux, Scandinavia, Poland
     "+31900", "+31906", "+31909", "+3290", "+46900", "+46939", "+46944", "+4870",
     // Russia, Australia, Japan
     "+7809", "+6119", "+81990"});

bool strangers_may_come(const Config& config) {
  return config.registration == Registration::Open;
}

bool allows_all(const Config& config) {
  return config.voip_allow_prefixes.empty() ||
         std::ranges::find(config.voip_allow_prefixes, "+") != config.voip_allow_prefixes.end();
}

}  // namespace

bool costs_money(const Config& config) {
  return config.voip_provider != "mock";
}

std::vector<std::string> denied_prefixes(const Config& config) {
  std::vector<std::string> denied = config.voip_deny_prefixes;
  for (const std::string_view dear : kDear) {
    if (std::ranges::find(config.voip_allow_prefixes, dear) == config.voip_allow_prefixes.end())
      denied.emplace_back(dear);
  }
  return denied;
}

std::optional<std::string> spending_risk(const Config& config) {
  if (!costs_money(config) || !strangers_may_come(config) || !config.voip_allow_prefixes.empty()) return std::nullopt;
  return "VOIP_PROVIDER=" + config.voip_provider +
         " with REGISTRATION=open lets strangers dial every country for your money: name countries in "
         "VOIP_ALLOW_PREFIXES (such as +49,+41; + alone is all), or set REGISTRATION=closed, or use VOIP_PROVIDER=mock";
}

std::optional<std::string> spending_doubt(const Config& config) {
  if (!costs_money(config) || !allows_all(config)) return std::nullopt;
  return strangers_may_come(config) ? "strangers may register and dial every country: phone calls cost money"
                                    : "every number in the world may be called, but for satellites and premium rates";
}

}  // namespace zvonok::app
