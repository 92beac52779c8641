#include "app/media/advertised.h"

#include <algorithm>
#include <iterator>

#include "net/interfaces.h"

namespace zvonok::app {
namespace {

/// Reachable from anywhere, as far as the address tells.
bool is_public(const IpAddress& ip) {
  return !ip.is_private() && !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified();
}

void doubt_configured(const AddressFacts& facts, AdvertisedAddresses& out) {
  for (const IpAddress& ip : facts.configured) {
    if (ip.is_unspecified() || ip.is_link_local()) {
      out.doubts.push_back({ip.to_text() + " in MEDIA_ADVERTISED_IP is no address that a client can reach",
                            "name the addresses that clients send media to"});
      continue;
    }
    const bool ours = std::ranges::find(facts.local, ip) != facts.local.end();
    // Behind NAT a machine has private addresses only; one that has a public one needs no other of that family.
    const bool no_nat = std::ranges::any_of(
        facts.local, [&ip](const IpAddress& own) { return own.is_v4() == ip.is_v4() && is_public(own); });
    if (is_public(ip) && !ours && no_nat) {
      out.doubts.push_back({ip.to_text() + " in MEDIA_ADVERTISED_IP is not of this machine, which has a public address",
                            "check it for a typing error; if it belongs to a load balancer, see that media ports reach "
                            "this machine"});
    }
  }
}

}  // namespace

bool needs_discovery(const AddressFacts& facts) {
  return facts.configured.empty() && std::ranges::none_of(facts.local, is_public);
}

AdvertisedAddresses choose_addresses(const AddressFacts& facts) {
  AdvertisedAddresses out;
  if (!facts.configured.empty()) {
    out.addresses = facts.configured;
    doubt_configured(facts, out);
  } else {
    // Those of this network go on by the private addresses: not every router turns packets around.
    if (facts.seen_from) out.addresses.push_back(*facts.seen_from);
    std::ranges::copy_if(facts.local, std::back_inserter(out.addresses),
                         [&](const IpAddress& ip) { return ip != facts.seen_from; });
  }
  const bool all_loopback = std::ranges::all_of(out.addresses, &IpAddress::is_loopback);
  if (facts.listen == AddressFacts::Listen::Loopback) return out;
  if (all_loopback) {
    out.doubts.push_back({"media is advertised at loopback addresses only: nobody but this machine reaches it",
                          "set MEDIA_ADVERTISED_IP to the address that clients reach"});
  } else if (std::ranges::none_of(out.addresses, is_public)) {
    out.doubts.push_back({"media is advertised at private addresses only: clients of other networks can't reach it",
                          "set MEDIA_ADVERTISED_IP to the public address, or MEDIA_DISCOVERY_STUN to a STUN server "
                          "that tells it; nothing is to be done if all clients are on this network"});
  }
  return out;
}

AddressFacts address_facts(const Config& config) {
  AddressFacts facts;
  for (const std::string& text : config.media_advertised_ips) facts.configured.push_back(*IpAddress::parse(text));
  facts.local = net::local_addresses();
  const auto listen = IpAddress::parse(config.bind_address);
  if (listen && listen->is_loopback()) facts.listen = AddressFacts::Listen::Loopback;
  return facts;
}

std::vector<std::string> stun_urls_of(const std::vector<IpAddress>& addresses, std::uint16_t port) {
  std::vector<std::string> urls;
  for (const bool v4 : {true, false}) {
    const auto first = std::ranges::find(addresses, v4, &IpAddress::is_v4);
    if (first != addresses.end()) urls.push_back("stun:" + SocketAddress{.ip = *first, .port = port}.to_text());
  }
  return urls;
}

}  // namespace zvonok::app
