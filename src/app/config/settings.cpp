// The table of settings: the only place that names them.
#include <algorithm>
#include <charconv>

#include "app/config/config.h"
#include "base/address.h"
#include "call/phone_number.h"

namespace zvonok::app {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

std::string join(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
  return out;
}

struct Names {
  std::string_view section, name, alias, help;
};

Setting text(Names n, std::string Config::* field) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          "a text",
          false,
          [field](Config& c, std::string_view v) { return (c.*field = std::string{v}, true); },
          [field](const Config& c) { return c.*field; }};
}

Setting secret(Names n, Private<std::string> Config::* field, std::size_t bytes_min = 0) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          bytes_min > 0 ? "a secret of at least 32 bytes (openssl rand -base64 48)" : "a text",
          true,
          [field, bytes_min](Config& c, std::string_view v) {
            if (!v.empty() && v.size() < bytes_min) return false;
            c.*field = Private<std::string>{std::string{v}};
            return true;
          },
          [field](const Config& c) { return std::string{(c.*field).reveal().empty() ? "(not set)" : "***"}; }};
}

Setting port(Names n, std::uint16_t Config::* field, std::uint16_t least) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          "a port number, 1 to 65535",
          false,
          [field, least](Config& c, std::string_view v) {
            const auto number = parse_number<std::uint16_t>(v);
            if (!number || *number < least) return false;
            c.*field = *number;
            return true;
          },
          [field](const Config& c) { return std::to_string(c.*field); }};
}

/// "20000-29999", at least ten.
Setting port_range(Names n, PortRange Config::* field) {
  constexpr int kLeast = 10;
  return {
      n.section,
      n.name,
      n.alias,
      n.help,
      "two port numbers such as 20000-29999",
      false,
      [field](Config& c, std::string_view v) {
        const std::size_t dash = std::min(v.find('-'), v.size());
        const auto first = parse_number<std::uint16_t>(v.substr(0, dash));
        const auto last = parse_number<std::uint16_t>(v.substr(std::min(dash + 1, v.size())));
        if (!first || !last || *first == 0 || *last < *first + kLeast - 1) return false;
        c.*field = {.first = *first, .last = *last};
        return true;
      },
      [field](const Config& c) { return std::to_string((c.*field).first) + "-" + std::to_string((c.*field).last); }};
}

/// A port, or `off`.
Setting port_or_off(Names n, std::optional<std::uint16_t> Config::* field) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          "a port number, 1 to 65535, or 0, or off",
          false,
          [field](Config& c, std::string_view v) {
            const auto number = parse_number<std::uint16_t>(v);
            if (!number && v != "off") return false;
            c.*field = number;
            return true;
          },
          [field](const Config& c) { return c.*field ? std::to_string(*(c.*field)) : std::string{"off"}; }};
}

Setting size(Names n, std::size_t Config::* field, std::size_t least = 1) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          "a whole number, K, M and G allowed, not below its minimum",
          false,
          [field, least](Config& c, std::string_view v) {
            const auto number = parse_size(v);
            if (!number || *number < least) return false;
            c.*field = *number;
            return true;
          },
          [field](const Config& c) { return std::to_string(c.*field); }};
}

Setting duration(Names n, Duration Config::* field, Duration least = milliseconds{1}) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          "a duration such as 500ms, 10s, 5m, 2h (a plain number is seconds)",
          false,
          [field, least](Config& c, std::string_view v) {
            const auto value = parse_duration(v);
            if (!value || *value < least) return false;
            c.*field = *value;
            return true;
          },
          [field](const Config& c) { return format_duration(c.*field); }};
}

Setting list(Names n, std::vector<std::string> Config::* field, std::string_view accepted) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          accepted,
          false,
          [field](Config& c, std::string_view v) { return (c.*field = split_list(v), true); },
          [field](const Config& c) { return join(c.*field); }};
}

Setting url_list(Names n, std::vector<std::string> Config::* field, std::vector<std::string_view> schemes,
                 std::string_view accepted) {
  Setting setting = list(n, field, accepted);
  setting.read = [field, schemes](Config& c, std::string_view v) {
    c.*field = split_list(v);
    return std::all_of((c.*field).begin(), (c.*field).end(), [&](const std::string& url) {
      return std::any_of(schemes.begin(), schemes.end(), [&](std::string_view s) { return url.starts_with(s); });
    });
  };
  return setting;
}

/// One URL of http: or https:, or nothing. Without credentials: it is shown and logged.
Setting web_url(Names n, std::string Config::* field) {
  Setting setting = text(n, field);
  setting.accepted = "a URL such as https://messenger.example.org/may-enter, without user and password";
  setting.read = [field](Config& c, std::string_view v) {
    c.*field = std::string{v};
    if (v.empty()) return true;
    const std::size_t host = v.starts_with("https://") ? 8 : v.starts_with("http://") ? 7 : v.size();
    const std::string_view authority = v.substr(host, v.find('/', host) - host);
    return !authority.empty() && !authority.contains('@') && !authority.starts_with(':');
  };
  return setting;
}

Setting ip_list(Names n, std::vector<std::string> Config::* field) {
  Setting setting = list(n, field, "numeric IPv4 or IPv6 addresses, separated by commas");
  setting.read = [field](Config& c, std::string_view v) {
    c.*field = split_list(v);
    return std::ranges::all_of(c.*field, [](const std::string& ip) { return IpAddress::parse(ip).has_value(); });
  };
  return setting;
}

/// Beginnings of telephone numbers.
Setting prefixes(Names n, std::vector<std::string> Config::* field) {
  Setting setting = list(n, field, "+ and digits such as +49, or + alone, separated by commas");
  setting.read = [field](Config& c, std::string_view v) {
    c.*field = split_list(v);
    return std::ranges::all_of(c.*field,
                               [](const std::string& p) { return p == "+" || call::phone::is_number_prefix(p); });
  };
  return setting;
}

template <class E>
struct Choice {
  std::string_view text;
  E value;
};

template <class E>
Setting choice(Names n, E Config::* field, std::string_view accepted, std::vector<Choice<E>> choices) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          accepted,
          false,
          [field, choices](Config& c, std::string_view v) {
            for (const auto& item : choices) {
              if (item.text == v) return (c.*field = item.value, true);
            }
            return false;
          },
          [field, choices](const Config& c) {
            for (const auto& item : choices) {
              if (item.value == c.*field) return std::string{item.text};
            }
            return std::string{};
          }};
}

Setting one_of(Names n, std::string Config::* field, std::string_view accepted) {
  return {n.section,
          n.name,
          n.alias,
          n.help,
          accepted,
          false,
          [field, accepted](Config& c, std::string_view v) {
            for (std::string_view rest = accepted; !rest.empty();) {
              const std::size_t bar = std::min(rest.find('|'), rest.size());
              if (rest.substr(0, bar) == v) return (c.*field = std::string{v}, true);
              rest.remove_prefix(std::min(bar + 1, rest.size()));
            }
            return false;
          },
          [field](const Config& c) { return c.*field; }};
}

using C = Config;

std::vector<Setting> general_settings() {
  return {
      port({"general", "SERVER_PORT", "PORT", "TCP port of HTTP, WebSockets and the web app"}, &C::server_port, 1),
      text({"general", "BIND_ADDRESS", "", "numeric address to listen on; empty: all"}, &C::bind_address),
      text({"general", "DATA_DIR", "", "folder of the SQLite file and generated secrets"}, &C::data_dir),
      text({"general", "WEB_ROOT", "", "folder of the web app; empty: `web` beside the binary"}, &C::web_root),
      text({"general", "NODE_NAME", "", "name of this node in records; empty: the host's name"}, &C::node_name),
      choice<LogLevel>({"general", "LOG_LEVEL", "", "least level that is logged"}, &C::log_level,
                       "trace|debug|info|warn|error",
                       {{"trace", LogLevel::Trace},
                        {"debug", LogLevel::Debug},
                        {"info", LogLevel::Info},
                        {"warn", LogLevel::Warn},
                        {"error", LogLevel::Error}}),
      choice<LogFormat>({"general", "LOG_FORMAT", "", "form of the log lines"}, &C::log_format, "text|json",
                        {{"text", LogFormat::Text}, {"json", LogFormat::Json}}),
      duration({"general", "SHUTDOWN_TIMEOUT", "", "longest time from SIGTERM to the end"}, &C::shutdown_timeout),
  };
}

std::vector<Setting> web_settings() {
  return {
      list({"web", "CORS_ALLOWED_ORIGINS", "", "origins besides our own that browsers may call from, or *"},
           &C::cors_allowed_origins, "origins such as https://chat.example.org, separated by commas, or *"),
      list({"web", "TRUSTED_PROXIES", "", "addresses or networks whose X-Forwarded-For and -Proto are believed"},
           &C::trusted_proxies, "addresses or CIDR networks, separated by commas"),
      text({"web", "TLS_CERT", "", "PEM file with the certificate chain; with TLS_KEY turns TLS on"}, &C::tls_cert),
      text({"web", "TLS_KEY", "", "PEM file with the private key"}, &C::tls_key),
      web_url({"web", "PUBLIC_URL", "",
               "how this server is reached from the internet, such as https://calls.example.org; Twilio needs it"},
              &C::public_url),
      choice<MetricsAccess>({"web", "METRICS_ACCESS", "", "who may read /metrics"}, &C::metrics_access, "local|any",
                            {{"local", MetricsAccess::Local}, {"any", MetricsAccess::Any}}),
      secret({"web", "METRICS_TOKEN", "", "bearer token that opens /metrics from anywhere"}, &C::metrics_token),
  };
}

std::vector<Setting> identity_settings() {
  return {
      secret({"identity", "JWT_SECRET", "", "HS256 secret; unset: one is made and kept in DATA_DIR"}, &C::jwt_secret,
             32),
      text({"identity", "JWT_JWKS_FILE", "", "JWKS file with RS256, ES256 and EdDSA keys of other issuers"},
           &C::jwt_jwks_file),
      text({"identity", "JWT_ISSUER", "", "`iss` that foreign tokens must have; empty: any"}, &C::jwt_issuer),
      text({"identity", "JWT_AUDIENCE", "", "`aud` that foreign tokens must have; empty: any"}, &C::jwt_audience),
      list({"identity", "JWT_USER_CLAIMS", "", "claims that hold the user id, the first present wins"},
           &C::jwt_user_claims, "claim names, separated by commas"),
      choice<bool>({"identity", "JWT_REQUIRE_EXP", "", "refuse tokens without `exp`"}, &C::jwt_require_exp,
                   "true|false", {{"true", true}, {"false", false}}),
      choice<Provision>({"identity", "AUTH_PROVISION", "", "who may come in with a valid token"}, &C::auth_provision,
                        "builtin|jit", {{"builtin", Provision::Builtin}, {"jit", Provision::Jit}}),
      choice<Registration>({"identity", "REGISTRATION", "", "whether people can sign up"}, &C::registration,
                           "open|closed", {{"open", Registration::Open}, {"closed", Registration::Closed}}),
      choice<Directory>({"identity", "DIRECTORY", "", "whether users can list and search each other"}, &C::directory,
                        "on|off", {{"on", Directory::On}, {"off", Directory::Off}}),
      duration({"identity", "ACCESS_TOKEN_TTL", "", "life of an access token"}, &C::access_token_ttl, seconds{1}),
      duration({"identity", "REFRESH_TOKEN_TTL", "", "life of a login without use"}, &C::refresh_token_ttl, seconds{1}),
      size({"identity", "PASSWORD_MEMORY_KIB", "", "argon2id memory of one hash, in KiB"}, &C::password_memory_kib, 8),
      size({"identity", "PASSWORD_PASSES", "", "argon2id passes"}, &C::password_passes),
      size({"identity", "PASSWORD_QUEUE_MAX", "", "logins waiting to be hashed; more get 503"}, &C::password_queue_max),
      size({"identity", "LOGIN_FAILURES_PER_ACCOUNT", "", "wrong passwords before an account's logins are delayed"},
           &C::login_failures_per_account),
      size({"identity", "LOGIN_FAILURES_PER_IP", "", "wrong passwords a minute from one address"},
           &C::login_failures_per_address),
      size({"identity", "REGISTRATIONS_PER_IP", "", "registrations at once from one address"},
           &C::registrations_per_address),
  };
}

std::vector<Setting> storage_settings() {
  return {
      secret({"storage", "DATABASE_URL", "", "postgres://user:password@host:port/name?sslmode=..."}, &C::database_url),
      text({"storage", "POSTGRES_HOST", "", "PostgreSQL host; empty (and no DATABASE_URL): SQLite in DATA_DIR"},
           &C::postgres_host),
      port({"storage", "POSTGRES_PORT", "", "PostgreSQL port"}, &C::postgres_port, 1),
      text({"storage", "POSTGRES_USER", "", "PostgreSQL user"}, &C::postgres_user),
      secret({"storage", "POSTGRES_PASSWORD", "", "PostgreSQL password"}, &C::postgres_password),
      text({"storage", "POSTGRES_DB", "", "PostgreSQL database"}, &C::postgres_db),
      one_of({"storage", "POSTGRES_SSLMODE", "", "PostgreSQL TLS"}, &C::postgres_sslmode,
             "disable|allow|prefer|require|verify-ca|verify-full"),
      size({"storage", "DATABASE_POOL_SIZE", "", "database connections"}, &C::database_pool_size),
  };
}

std::vector<Setting> call_settings() {
  return {
      duration({"calls", "CALL_RING_TIMEOUT", "", "an unanswered call ends"}, &C::call_ring_timeout, seconds{1}),
      duration({"calls", "CALL_RECONNECT_GRACE", "", "a dropped device may come back; 0: it has hung up"},
               &C::call_reconnect_grace, Duration::zero()),
      size({"calls", "CALLS_MAX", "", "calls at once on this node"}, &C::calls_max),
      url_list({"calls", "STUN_URLS", "", "STUN servers that clients are told of"}, &C::stun_urls, {"stun:", "stuns:"},
               "URLs such as stun:stun.example.org:3478, separated by commas"),
      url_list({"calls", "TURN_URLS", "", "TURN servers that clients are told of, with credentials by TURN_SECRET"},
               &C::turn_urls, {"turn:", "turns:"}, "URLs such as turn:turn.example.org:3478, separated by commas"),
      secret({"calls", "TURN_SECRET", "", "secret shared with the TURN servers (coturn: static-auth-secret)"},
             &C::turn_secret),
      duration({"calls", "TURN_CREDENTIAL_TTL", "", "life of TURN credentials"}, &C::turn_credential_ttl, minutes{1}),
  };
}

std::vector<Setting> phone_settings() {
  return {
      one_of({"phone", "VOIP_PROVIDER", "", "who dials telephones"}, &C::voip_provider, "mock|twilio|sip"),
      text({"phone", "VOIP_ACCOUNT_SID", "TWILIO_ACCOUNT_SID", "Twilio: the account, AC and 32 digits"},
           &C::voip_account_sid),
      secret({"phone", "VOIP_AUTH_TOKEN", "TWILIO_AUTH_TOKEN", "Twilio: its token; also signs what Twilio sends"},
             &C::voip_auth_token),
      text({"phone", "VOIP_FROM_NUMBER", "TWILIO_FROM_NUMBER", "the number that telephones see, such as +1234567890"},
           &C::voip_from_number),
      web_url({"phone", "VOIP_API_BASE", "", "Twilio: where its API is"}, &C::voip_api_base),
      text({"phone", "VOIP_API_CA", "", "Twilio: PEM file of the CAs to trust there; empty: the system's"},
           &C::voip_api_ca),
      duration({"phone", "VOIP_DIAL_TIMEOUT", "", "for the provider to take a call on; below 30s"},
               &C::voip_dial_timeout, milliseconds{100}),
      duration({"phone", "VOIP_RING_TIMEOUT", "", "an unanswered phone call ends"}, &C::voip_ring_timeout, seconds{1}),
      duration({"phone", "VOIP_CALL_MAX", "", "an answered phone call ends"}, &C::voip_call_max, seconds{1}),
      duration({"phone", "VOIP_BROWSER_TIMEOUT", "", "an answered phone call ends without a browser; 0: never"},
               &C::voip_browser_timeout, Duration::zero()),
      size({"phone", "VOIP_CALLS_MAX", "", "phone calls at once on this node"}, &C::voip_calls_max),
      size({"phone", "VOIP_CALLS_PER_USER_MAX", "", "phone calls of a user at once"}, &C::voip_calls_per_user_max),
      size({"phone", "VOIP_CALLS_PER_USER_PER_DAY", "", "phone calls of a user in a day of UTC; 0: no limit"},
           &C::voip_calls_per_user_per_day, 0),
      size({"phone", "VOIP_MINUTES_PER_USER_PER_DAY", "",
            "minutes of a user in a day of UTC, of calls that go out, then they end; 0: no limit"},
           &C::voip_minutes_per_user_per_day, 0),
      size({"phone", "VOIP_MINUTES_PER_DAY", "",
            "minutes of talk of the whole server in a day of UTC, then calls end and none begins; 0: no limit"},
           &C::voip_minutes_per_day, 0),
      prefixes({"phone", "VOIP_ALLOW_PREFIXES", "", "beginnings of numbers that may be called, + is all; empty: all"},
               &C::voip_allow_prefixes),
      prefixes({"phone", "VOIP_DENY_PREFIXES", "",
                "beginnings that may not, besides dear ones; the longest that fits decides"},
               &C::voip_deny_prefixes),
      size({"phone", "VOIP_INITIATIONS_PER_MINUTE", "", "attempts of a user to call"}, &C::voip_initiations_per_minute),
      size({"phone", "VOIP_REQUESTS_PER_MINUTE", "", "other requests of a user about phone calls"},
           &C::voip_requests_per_minute),
  };
}

std::vector<Setting> sip_settings() {
  return {
      text({"sip", "VOIP_SIP_SERVER", "", "the trunk: sip:host:port;transport=udp, or tcp, or tls"},
           &C::voip_sip_server),
      text({"sip", "VOIP_SIP_USER", "", "user of the trunk, for its digest authentication"}, &C::voip_sip_user),
      secret({"sip", "VOIP_SIP_PASSWORD", "", "likewise, the password"}, &C::voip_sip_password),
      text({"sip", "VOIP_SIP_DOMAIN", "", "domain of addresses at the trunk; empty: its host"}, &C::voip_sip_domain),
      choice<bool>({"sip", "VOIP_SIP_REGISTER", "", "register there, where there is a user: for calls that come in"},
                   &C::voip_sip_register, "true|false", {{"true", true}, {"false", false}}),
      choice<bool>({"sip", "VOIP_SIP_SRTP", "", "sound must be encrypted (SDES)"}, &C::voip_sip_srtp, "off|required",
                   {{"off", false}, {"required", true}}),
      text({"sip", "VOIP_SIP_TRUNKS", "", "JSON file with several trunks, in place of the settings above"},
           &C::voip_sip_trunks),
      port({"sip", "VOIP_SIP_PORT", "", "our port of SIP, UDP and TCP; TLS is at the next; 0: any"}, &C::voip_sip_port,
           0),
      text({"sip", "VOIP_SIP_ADDRESS", "", "numeric address by which trunks reach us; empty: that of the way to them"},
           &C::voip_sip_address),
      text({"sip", "VOIP_SIP_CA", "", "PEM file of the CAs that TLS trunks are checked by; empty: the system's"},
           &C::voip_sip_ca),
      port_range({"sip", "VOIP_RTP_PORTS", "", "UDP ports of the sound of phone calls, two for each"},
                 &C::voip_rtp_ports),
      duration({"sip", "VOIP_SIP_SESSION_EXPIRES", "", "a call is confirmed twice in this time (RFC 4028); 0: never"},
               &C::voip_sip_session_expires, Duration::zero()),
      duration({"sip", "VOIP_SIP_SILENCE_MAX", "",
                "a call ends when neither sound nor reports come for so long (five times that on hold); 0: never"},
               &C::voip_sip_silence_max, Duration::zero()),
      duration({"sip", "VOIP_SIP_KEEP_ALIVE", "", "between OPTIONS to each trunk; 0: none"}, &C::voip_sip_keep_alive,
               Duration::zero()),
  };
}

std::vector<Setting> tunnel_settings() {
  return {
      one_of({"tunnel", "VPN_PROVIDER", "",
              "who makes the tunnels of calls: this server, or an external Xray or v2ray (`zvonok xray-config`)"},
             &C::vpn_provider, "embedded|xray|v2ray"),
      text({"tunnel", "VPN_SERVER", "", "the tunnel server's name or address as clients reach it; empty: as they came"},
           &C::vpn_server),
      port({"tunnel", "VPN_PORT", "", "its port as clients reach it; 0: as they came"}, &C::vpn_port, 0),
      text({"tunnel", "VPN_CLIENT_XRAY_VERSION", "",
            "the Xray that clients start, when they don't say; from 25.8.3 on `version` is left out of xrayConfig"},
           &C::vpn_client_xray_version),
      duration({"tunnel", "VPN_SETUP_TIMEOUT", "", "from accept-call until both tunnels are up"}, &C::vpn_setup_timeout,
               seconds{1}),
      duration({"tunnel", "VPN_CALL_MAX", "", "a tunnelled call ends after this"}, &C::vpn_call_max, minutes{1}),
      text({"tunnel", "XRAY_API", "VPN_API_ADDRESS",
            "host:port of the external tunnel server's gRPC API; it has no authentication: keep it on loopback"},
           &C::xray_api),
      text({"tunnel", "XRAY_INBOUND", "", "tag of its VLESS inbound for calls"}, &C::xray_inbound),
      text({"tunnel", "XRAY_MEDIA", "",
            "ip:port that calls reach through it, told to both sides as peerEndpoint: a TURN server, for instance"},
           &C::xray_media),
      choice<bool>({"tunnel", "XRAY_TLS", "", "whether clients reach it by TLS"}, &C::xray_tls, "true|false",
                   {{"true", true}, {"false", false}}),
      text({"tunnel", "XRAY_CERT", "", "PEM file with its certificate when that is not publicly trusted"},
           &C::xray_certificate),
  };
}

std::vector<Setting> room_settings() {
  return {
      size({"rooms", "MEDIA_THREADS", "",
            "threads of media, at most 16, each with ports of its own; 0: one less than there are processors"},
           &C::media_threads, 0),
      port({"rooms", "MEDIA_UDP_PORT", "",
            "UDP port of the first media thread, the others take those after it; 0: 10000 and those after it where "
            "they are free, else any"},
           &C::media_udp_port, 0),
      port_or_off({"rooms", "MEDIA_TCP_PORT", "",
                   "TCP port of the first media thread where UDP is blocked, the others take those after it; 0: the "
                   "numbers of the UDP ports where they are free, else any; or off"},
                  &C::media_tcp_port),
      ip_list({"rooms", "MEDIA_ADVERTISED_IP", "",
               "addresses under which clients reach the media port, separated by commas; empty: those of this machine"},
              &C::media_advertised_ips),
      text({"rooms", "MEDIA_DISCOVERY_STUN", "",
            "STUN server (host:port) that is asked once at the start for our public address, when "
            "MEDIA_ADVERTISED_IP is empty and this machine has private addresses only; empty: nobody is asked"},
           &C::media_discovery_stun),
      port({"rooms", "STUN_PORT", "", "UDP port of our own STUN server; 0: off"}, &C::stun_port, 0),
      web_url({"rooms", "ROOM_AUTHORIZER_URL", "",
               "the messenger's address that is asked who may enter a room; empty: the members kept here may"},
              &C::room_authorizer_url),
      secret({"rooms", "ROOM_AUTHORIZER_SECRET", "", "sent to it as Authorization: Bearer"},
             &C::room_authorizer_secret),
      choice<GroupIds>({"rooms", "GROUP_IDS", "", "whether users may choose the ids of groups they make here"},
                       &C::group_ids, "any|generated", {{"any", GroupIds::Any}, {"generated", GroupIds::Generated}}),
      duration({"rooms", "ROOM_AUTHORIZER_CACHE", "", "how long its yes or no is remembered; 0: not at all"},
               &C::room_authorizer_cache, Duration::zero()),
      duration({"rooms", "ROOM_RECONNECT_GRACE", "", "a participant whose socket dropped may come back"},
               &C::room_reconnect_grace, Duration::zero()),
      size({"rooms", "ROOM_PARTICIPANTS_MAX", "", "participants of a room"}, &C::room_participants_max),
      size({"rooms", "ROOM_E2E_PARTICIPANTS_MAX", "", "participants of a room that is encrypted end to end"},
           &C::room_e2e_participants_max),
      size({"rooms", "ROOMS_MAX", "", "rooms at once on this node"}, &C::rooms_max),
      size({"rooms", "ROOMS_PER_USER_MAX", "", "rooms a user is in at once"}, &C::rooms_per_user_max),
      size({"rooms", "ROOM_TRACKS_PER_PARTICIPANT_MAX", "", "tracks a participant publishes"},
           &C::room_tracks_per_participant_max),
      size({"rooms", "ROOM_PHONES_MAX", "", "telephones of a room at once"}, &C::room_phones_max, 0),
      choice<call::RoomRole>({"rooms", "ROOM_PHONE_ROLE", "", "the least role that may invite telephones into a room"},
                             &C::room_phone_role, "member|moderator|host",
                             {{"member", call::RoomRole::Member},
                              {"moderator", call::RoomRole::Moderator},
                              {"host", call::RoomRole::Host}}),
  };
}

std::vector<Setting> limit_settings() {
  return {
      size({"limits", "CONNECTIONS_MAX", "", "connections at once"}, &C::connections_max),
      size({"limits", "CONNECTIONS_PER_IP_MAX", "", "connections at once from one address"},
           &C::connections_per_ip_max),
      size({"limits", "HTTP_HEADER_BYTES_MAX", "", "request header"}, &C::http_header_bytes_max, 1024),
      size({"limits", "HTTP_BODY_BYTES_MAX", "", "request body"}, &C::http_body_bytes_max),
      duration({"limits", "HTTP_HEADER_TIMEOUT", "", "to send a whole request header"}, &C::http_header_timeout),
      duration({"limits", "HTTP_BODY_TIMEOUT", "", "to send a whole request body"}, &C::http_body_timeout),
      duration({"limits", "HTTP_KEEP_ALIVE_TIMEOUT", "", "between requests"}, &C::http_keep_alive_timeout),
      duration({"limits", "WRITE_STALL_TIMEOUT", "", "output waits and the peer takes nothing"},
               &C::write_stall_timeout),
      size({"limits", "WS_MESSAGE_BYTES_MAX", "", "one WebSocket message"}, &C::ws_message_bytes_max, 1024),
      size({"limits", "WS_FRAGMENTS_MAX", "", "frames of one message"}, &C::ws_fragments_max),
      size({"limits", "WS_MESSAGES_BURST", "", "messages at once from one socket"}, &C::ws_messages_burst),
      size({"limits", "WS_MESSAGES_PER_SECOND", "", "and then per second"}, &C::ws_messages_per_second),
      size({"limits", "WS_SEND_QUEUE_BYTES_MAX", "", "unread output of one socket"}, &C::ws_send_queue_bytes_max, 1024),
      size({"limits", "WS_SOCKETS_PER_USER_MAX", "", "sockets of one user"}, &C::ws_sockets_per_user_max),
      duration({"limits", "WS_AUTH_TIMEOUT", "", "to authenticate by a first message"}, &C::ws_auth_timeout),
      duration({"limits", "WS_PING_INTERVAL", "", "silence before the server asks"}, &C::ws_ping_interval),
      duration({"limits", "WS_PONG_TIMEOUT", "", "and then waits"}, &C::ws_pong_timeout),
  };
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> kAll = [] {
    std::vector<Setting> all;
    for (auto part : {general_settings(), web_settings(), identity_settings(), storage_settings(), call_settings(),
                      room_settings(), tunnel_settings(), phone_settings(), sip_settings(), limit_settings()}) {
      std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    return all;
  }();
  return kAll;
}

}  // namespace zvonok::app
