#include "proto/ice/candidate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/check.h"

namespace zvonok::ice {
namespace {

constexpr std::size_t kNameBytesMax = 253;
constexpr std::size_t kAddressesMax = 8192;

template <class Value>
struct Word {
  std::string_view text;
  Value value;
};
constexpr std::array<Word<CandidateType>, 4> kTypes{{{"host", CandidateType::Host},
                                                     {"srflx", CandidateType::ServerReflexive},
                                                     {"prflx", CandidateType::PeerReflexive},
                                                     {"relay", CandidateType::Relayed}}};
constexpr std::array<Word<TcpType>, 3> kTcpTypes{
    {{"active", TcpType::Active}, {"passive", TcpType::Passive}, {"so", TcpType::SimultaneousOpen}}};
constexpr std::array<Word<Protocol>, 2> kProtocols{{{"udp", Protocol::Udp}, {"tcp", Protocol::Tcp}}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}
template <class Words>
auto value_of(const Words& words, std::string_view text) {
  const auto found = std::ranges::find_if(words, [text](const auto& word) { return same_word(word.text, text); });
  return found == words.end() ? std::nullopt : std::optional{found->value};
}
template <class Words, class Value>
std::string_view text_of(const Words& words, Value value) {
  for (const auto& word : words) {
    if (word.value == value) return word.text;
  }
  std::abort();
}

/// Text up to the next space; takes it and the spaces behind it off `rest`.
std::string_view take_token(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view token = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.find_first_not_of(' ', end), rest.size()));
  return token;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint32_t host_priority(Protocol protocol, std::size_t index) {
  constexpr std::uint32_t kHostPreference = 126;
  constexpr std::uint32_t kPassiveDirection = 4;
  constexpr std::uint32_t kComponent = 1;
  const auto rank = static_cast<std::uint32_t>(index);
  const std::uint32_t local = protocol == Protocol::Udp ? 65535 - rank : (kPassiveDirection << 13) + 8191 - rank;
  return (kHostPreference << 24) + (local << 8) + (256 - kComponent);
}

/// Visible ASCII: nothing that a line or a log could be broken with.
bool is_visible(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

void parse_extensions(std::string_view rest, Candidate& candidate) {
  while (!rest.empty()) {
    const std::string_view name = take_token(rest);
    const std::string_view value = take_token(rest);
    if (name == "tcptype") candidate.tcp_type = value_of(kTcpTypes, value);
    if (name == "ufrag" && is_visible(value)) candidate.ufrag = value;
  }
}

}  // namespace

std::vector<Candidate> host_candidates(std::span<const Advertised> addresses) {
  ZVONOK_CHECK(addresses.size() <= kAddressesMax);
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Advertised& at = addresses[i];
    // Candidates of one base address and protocol share a foundation (RFC 8445 section 5.1.1.3).
    const auto twin = std::ranges::find_if(addresses, [&at](const Advertised& other) {
      return other.protocol == at.protocol && other.address.ip == at.address.ip;
    });
    candidates.push_back({.foundation = std::to_string(twin - addresses.begin() + 1),
                          .protocol = at.protocol,
                          .priority = host_priority(at.protocol, i),
                          .address = at.address.ip.to_text(),
                          .port = at.address.port});
    if (at.protocol == Protocol::Tcp) candidates.back().tcp_type = TcpType::Passive;
  }
  return candidates;
}

std::string write_candidate(const Candidate& candidate) {
  std::string out = "candidate:" + candidate.foundation + " " + std::to_string(candidate.component) + " ";
  out.append(text_of(kProtocols, candidate.protocol)).append(" ");
  out += std::to_string(candidate.priority) + " " + candidate.address + " " + std::to_string(candidate.port);
  out.append(" typ ").append(text_of(kTypes, candidate.type));
  // Whatever is not a host must name a base (RFC 8839 section 5.1); it is nobody's business.
  if (candidate.type != CandidateType::Host) out += " raddr 0.0.0.0 rport 9";
  if (candidate.tcp_type) out.append(" tcptype ").append(text_of(kTcpTypes, *candidate.tcp_type));
  if (candidate.ufrag) out.append(" ufrag ").append(*candidate.ufrag);
  return out;
}

Result<Candidate, CandidateError> parse_candidate(std::string_view line) {
  constexpr std::string_view kPrefix = "candidate:";
  if (line.size() > kCandidateBytesMax) return fail(CandidateError::TooLong);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  if (line.starts_with("a=")) line.remove_prefix(2);
  if (!line.starts_with(kPrefix)) return fail(CandidateError::NotCandidate);
  line.remove_prefix(kPrefix.size());

  Candidate candidate;
  candidate.foundation = take_token(line);
  const auto component = parse_number<std::uint16_t>(take_token(line));
  const auto protocol = value_of(kProtocols, take_token(line));
  const auto priority = parse_number<std::uint32_t>(take_token(line));
  const std::string_view address = take_token(line);
  const auto port = parse_number<std::uint16_t>(take_token(line));
  const std::string_view typ = take_token(line);
  const auto type = value_of(kTypes, take_token(line));
  if (!is_visible(candidate.foundation)) return fail(CandidateError::NotCandidate);
  if (!component) return fail(CandidateError::BadComponent);
  if (!protocol) return fail(CandidateError::BadProtocol);
  if (!priority) return fail(CandidateError::BadPriority);
  if (!is_visible(address) || address.size() > kNameBytesMax) return fail(CandidateError::BadAddress);
  if (!port) return fail(CandidateError::BadPort);
  if (typ != "typ" || !type) return fail(CandidateError::BadType);
  candidate.component = *component;
  candidate.protocol = *protocol;
  candidate.priority = *priority;
  candidate.address = address;
  candidate.port = *port;
  candidate.type = *type;
  parse_extensions(line, candidate);
  return candidate;
}

}  // namespace zvonok::ice
