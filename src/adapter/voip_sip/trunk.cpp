#include "adapter/voip_sip/trunk.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <boost/json.hpp>

namespace zvonok::voip_sip {
namespace {

namespace json = boost::json;

constexpr std::size_t kTrunksMax = 32;
constexpr std::size_t kTextMax = 255;
constexpr std::size_t kSourcesMax = 32;

/// What goes into SIP messages as it stands must not be able to end a header or an address.
bool is_plain(std::string_view text, std::string_view also_not) {
  return text.size() <= kTextMax && std::ranges::all_of(text, [&](char c) {
           return static_cast<unsigned char>(c) > 0x20 && c != 0x7F && !also_not.contains(c);
         });
}
bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= kTextMax && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == ':' || c == '[' || c == ']' || c == '_';
  });
}
/// The library takes user and password in one text, with a colon between and one after them.
constexpr std::string_view kPasswordAccepted = "a text without a colon";
bool is_password(std::string_view text) {
  return text.size() <= kTextMax && !text.contains(':') && !text.contains('\0');
}
bool is_user(std::string_view text) {
  return is_plain(text, "<>\"@;:,?&\\/");
}

using Read = Result<void, std::string>;

Read wrong(std::string_view member, std::string_view accepted) {
  return fail("`" + std::string{member} + "` must be " + std::string{accepted});
}

Read read_text(const json::value& value, std::string_view member, std::string& out, bool (*good)(std::string_view)) {
  const auto* text = value.if_string();
  if (text == nullptr || !good(std::string_view{*text})) return wrong(member, "a text without spaces and signs of SIP");
  out = std::string{*text};
  return {};
}

Read read_bool(const json::value& value, std::string_view member, bool& out) {
  const auto* flag = value.if_bool();
  if (flag == nullptr) return wrong(member, "true or false");
  out = *flag;
  return {};
}

Read read_codecs(const json::value& value, Trunk& trunk) {
  const auto* list = value.if_array();
  trunk.laws.clear();
  if (list != nullptr) {
    for (const json::value& item : *list) {
      const auto* text = item.if_string();
      if (text == nullptr || (*text != "PCMU" && *text != "PCMA")) return wrong("codecs", "a list of PCMU and PCMA");
      const port::G711 law = *text == "PCMU" ? port::G711::Ulaw : port::G711::Alaw;
      if (std::ranges::find(trunk.laws, law) == trunk.laws.end()) trunk.laws.push_back(law);
    }
  }
  if (trunk.laws.empty()) return wrong("codecs", "a list of PCMU and PCMA");
  return {};
}

Read read_sources(const json::value& value, Trunk& trunk) {
  const auto* list = value.if_array();
  if (list == nullptr || list->size() > kSourcesMax) return wrong("sources", "a list of numeric addresses");
  for (const json::value& item : *list) {
    const auto* text = item.if_string();
    const auto ip = text != nullptr ? IpAddress::parse(std::string_view{*text}) : std::nullopt;
    if (!ip) return wrong("sources", "a list of numeric addresses");
    trunk.sources.push_back(*ip);
  }
  return {};
}

Read read_member(std::string_view name, const json::value& value, Trunk& trunk) {
  const auto any_name = [](std::string_view text) { return !text.empty() && is_plain(text, "\"\\{}"); };
  const auto number = [](std::string_view text) { return is_user(text); };
  if (name == "name") return read_text(value, name, trunk.name, any_name);
  if (name == "user") return read_text(value, name, trunk.user, is_user);
  if (name == "domain") return read_text(value, name, trunk.domain, is_host);
  if (name == "from_number") return read_text(value, name, trunk.from_number, number);
  if (name == "register") return read_bool(value, name, trunk.registers);
  if (name == "plus") return read_bool(value, name, trunk.plus);
  if (name == "nat") return read_bool(value, name, trunk.nat);
  if (name == "codecs") return read_codecs(value, trunk);
  if (name == "sources") return read_sources(value, trunk);
  if (name == "server") {
    const auto* text = value.if_string();
    if (text == nullptr) return wrong(name, "such as sip:sip.example.org:5060;transport=udp");
    return read_server(std::string_view{*text}, trunk);
  }
  if (name == "password") {
    const auto* text = value.if_string();
    if (text == nullptr || !is_password(std::string_view{*text})) return wrong(name, kPasswordAccepted);
    trunk.password = Private<std::string>{std::string{*text}};
    return {};
  }
  if (name == "srtp") {
    const auto* text = value.if_string();
    if (text == nullptr || (*text != "off" && *text != "required")) return wrong(name, "off or required");
    trunk.sealing = *text == "off" ? Sealing::Off : Sealing::Required;
    return {};
  }
  if (name == "calls_max") {
    const auto* count = value.if_int64();
    if (count == nullptr || *count < 1 || *count > 100'000) return wrong(name, "1 to 100000");
    trunk.calls_max = static_cast<std::size_t>(*count);
    return {};
  }
  return fail("there is no member `" + std::string{name.substr(0, 40)} + "`");
}

}  // namespace

std::string_view to_text(Transport transport) {
  switch (transport) {
    case Transport::Udp: return "udp";
    case Transport::Tcp: return "tcp";
    case Transport::Tls: return "tls";
  }
  return "?";
}

std::uint16_t default_port(Transport transport) {
  return transport == Transport::Tls ? 5061 : 5060;  // RFC 3261 section 19.1.2
}

Result<void, std::string> read_server(std::string_view text, Trunk& trunk) {
  const std::string accepted = "the server must be such as sip:sip.example.org:5060;transport=udp (or tcp, tls)";
  if (text.starts_with("sips:")) {
    trunk.transport = Transport::Tls;
    text.remove_prefix(5);
  } else if (text.starts_with("sip:")) {
    text.remove_prefix(4);
  }
  if (const std::size_t at = text.find(';'); at != std::string_view::npos) {
    const std::string_view parameter = text.substr(at);
    if (parameter == ";transport=udp") {
      trunk.transport = Transport::Udp;
    } else if (parameter == ";transport=tcp") {
      trunk.transport = Transport::Tcp;
    } else if (parameter == ";transport=tls") {
      trunk.transport = Transport::Tls;
    } else {
      return fail(accepted);
    }
    text = text.substr(0, at);
  }
  trunk.port = default_port(trunk.transport);
  std::size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(accepted);
    if (!IpAddress::parse(text.substr(1, close - 1))) return fail(accepted);
    if (close + 1 == text.size()) {
      colon = std::string_view::npos;
    } else if (text[close + 1] != ':') {
      return fail(accepted);
    }
  }
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), trunk.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || trunk.port == 0) return fail(accepted);
    text = text.substr(0, colon);
  }
  if (!is_host(text) || (!text.starts_with('[') && text.contains(':'))) return fail(accepted);
  trunk.host = std::string{text};
  return {};
}

Result<void, std::string> check_trunk(const Trunk& trunk) {
  if (!is_user(trunk.user)) return wrong("user", "a text without spaces and signs of SIP");
  if (!is_password(trunk.password.reveal())) return wrong("password", kPasswordAccepted);
  if (!is_user(trunk.from_number)) return wrong("from_number", "a number or name without spaces and signs of SIP");
  if (!trunk.domain.empty() && !is_host(trunk.domain)) return wrong("domain", "a name or a numeric address");
  return {};
}

Result<std::vector<Trunk>, std::string> parse_trunks(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse(json::string_view{text.data(), text.size()}, error);
  const auto* list = error ? nullptr : parsed.if_array();
  if (list == nullptr || list->empty()) return fail(std::string{"a JSON list of trunks is wanted"});
  if (list->size() > kTrunksMax) return fail("at most " + std::to_string(kTrunksMax) + " trunks");
  std::vector<Trunk> trunks;
  std::set<std::string> names;
  for (const json::value& item : *list) {
    Trunk trunk;
    trunk.name = "trunk-" + std::to_string(trunks.size() + 1);
    const auto* object = item.if_object();
    if (object == nullptr) return fail(trunk.name + ": a JSON object is wanted");
    for (const auto& [name, value] : *object) {
      if (auto read = read_member(std::string_view{name.data(), name.size()}, value, trunk); !read) {
        return fail(trunk.name + ": " + read.error());
      }
    }
    if (trunk.host.empty()) return fail(trunk.name + ": `server` is missing");
    if (trunk.registers && trunk.user.empty()) return fail(trunk.name + ": `register` needs `user`");
    if (!names.insert(trunk.name).second) return fail(trunk.name + ": two trunks have this name");
    trunks.push_back(std::move(trunk));
  }
  return trunks;
}

}  // namespace zvonok::voip_sip
