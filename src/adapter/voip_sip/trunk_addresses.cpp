#include "adapter/voip_sip/trunk_addresses.h"

#include <algorithm>
#include <set>

namespace zvonok::voip_sip {

TrunkAddresses::TrunkAddresses(const std::vector<Trunk>& trunks) {
  for (const Trunk& trunk : trunks) trunks_.push_back({.fixed = trunk.sources, .seen = {}});
}

void TrunkAddresses::on_looked_up(TimePoint now, std::size_t trunk, const std::vector<IpAddress>& found) {
  if (found.empty()) return;
  auto& seen = trunks_.at(trunk).seen;
  for (const IpAddress& ip : found) seen[ip] = now;
  std::erase_if(seen, [now](const auto& known) { return known.second + kLinger < now; });
  while (seen.size() > kPerTrunkMax)
    seen.erase(std::ranges::min_element(seen, {}, [](const auto& k) { return k.second; }));
}

bool TrunkAddresses::complete() const {
  return std::ranges::none_of(trunks_, [](const Known& known) { return known.seen.empty(); });
}

std::vector<TrunkAddresses::Source> TrunkAddresses::sources() const {
  std::vector<Source> sources;
  std::vector<std::pair<TimePoint, Source>> by_name;
  for (std::size_t i = 0; i < trunks_.size(); ++i) {
    for (const IpAddress& ip : trunks_[i].fixed) sources.push_back({.ip = ip, .trunk = i});
    for (const auto& [ip, at] : trunks_[i].seen) by_name.push_back({at, {.ip = ip, .trunk = i}});
  }
  std::ranges::stable_sort(by_name, std::greater{}, [](const auto& entry) { return entry.first; });
  for (const auto& [at, source] : by_name) sources.push_back(source);
  std::set<IpAddress> known;
  std::erase_if(sources, [&](const Source& source) { return !known.insert(source.ip).second; });
  return sources;
}

}  // namespace zvonok::voip_sip
