// The server's settings, typed. Precedence: command-line flag, environment, `.env` file, default.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/private.h"
#include "base/result.h"
#include "base/time.h"
#include "call/room_words.h"

namespace zvonok::app {

enum class LogFormat { Text, Json };
enum class Provision { Builtin, Jit };  // who may come in with a valid token: registered users, or anybody
enum class Registration { Open, Closed };
enum class Directory { On, Off };         // whether users can list each other
enum class GroupIds { Any, Generated };   // whether users may choose the ids of the groups they make
enum class MetricsAccess { Local, Any };  // Local: loopback and private addresses

/// The first and the last.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
};

struct Config {
  // general
  std::uint16_t server_port = 8080;
  std::string bind_address;
  std::string data_dir = "./data";
  std::string web_root;  // empty: `web` beside the binary
  LogLevel log_level = LogLevel::Info;
  LogFormat log_format = LogFormat::Text;
  std::string node_name;  // empty: the host's name
  Duration shutdown_timeout = seconds{10};

  // web
  std::vector<std::string> cors_allowed_origins;
  std::vector<std::string> trusted_proxies;
  std::string tls_cert;
  std::string tls_key;
  std::string public_url;  // how the internet reaches this server
  MetricsAccess metrics_access = MetricsAccess::Local;
  Private<std::string> metrics_token;

  // identity
  Private<std::string> jwt_secret;
  std::string jwt_jwks_file;
  std::string jwt_issuer;
  std::string jwt_audience;
  std::vector<std::string> jwt_user_claims = {"sub", "userId"};
  bool jwt_require_exp = false;
  Provision auth_provision = Provision::Builtin;
  Registration registration = Registration::Open;
  Directory directory = Directory::On;
  Duration access_token_ttl = minutes{15};
  Duration refresh_token_ttl = hours{24 * 30};
  std::size_t password_memory_kib = 19 * 1024;
  std::size_t password_passes = 2;
  std::size_t password_queue_max = 1100;
  std::size_t login_failures_per_account = 10;
  std::size_t login_failures_per_address = 100;
  std::size_t registrations_per_address = 1000;

  // storage
  Private<std::string> database_url;
  std::string postgres_host;
  std::uint16_t postgres_port = 5432;
  std::string postgres_user = "postgres";
  Private<std::string> postgres_password;
  std::string postgres_db = "zvonok";
  std::string postgres_sslmode = "prefer";
  std::size_t database_pool_size = 4;

  // calls
  Duration call_ring_timeout = seconds{45};
  Duration call_reconnect_grace = seconds{10};
  std::size_t calls_max = 100'000;
  std::vector<std::string> stun_urls;
  std::vector<std::string> turn_urls;
  Private<std::string> turn_secret;
  Duration turn_credential_ttl = hours{12};

  // rooms
  std::size_t media_threads = 0;     // 0: see media_threads()
  std::uint16_t media_udp_port = 0;  // of the first media thread; 0: kMediaUdpPort if it is free, else any
  /// Likewise of ICE-TCP. 0: the number of the UDP port if it is free, else any; nothing: off.
  std::optional<std::uint16_t> media_tcp_port = 0;
  std::vector<std::string> media_advertised_ips;
  std::string media_discovery_stun;  // host:port of who is asked for our public address; empty: nobody
  std::uint16_t stun_port = 3478;    // 0: off
  std::string room_authorizer_url;   // of the messenger that is asked who may enter; empty: members are kept here
  Private<std::string> room_authorizer_secret;
  GroupIds group_ids = GroupIds::Any;
  Duration room_authorizer_cache = seconds{10};
  Duration room_reconnect_grace = seconds{30};
  std::size_t room_participants_max = 1000;
  std::size_t room_e2e_participants_max = 100;
  std::size_t rooms_max = 10'000;
  std::size_t rooms_per_user_max = 10;
  std::size_t room_tracks_per_participant_max = 16;
  std::size_t room_phones_max = 8;
  call::RoomRole room_phone_role = call::RoomRole::Moderator;  // may invite them, and those above

  // limits
  std::size_t connections_max = 50'000;
  std::size_t connections_per_ip_max = 1'100;
  std::size_t http_header_bytes_max = 16 * 1024;
  std::size_t http_body_bytes_max = 1024 * 1024;
  Duration http_header_timeout = seconds{10};
  Duration http_body_timeout = seconds{30};
  Duration http_keep_alive_timeout = seconds{75};
  Duration write_stall_timeout = seconds{20};
  std::size_t ws_message_bytes_max = 256 * 1024;
  std::size_t ws_fragments_max = 64;
  std::size_t ws_messages_burst = 1000;
  std::size_t ws_messages_per_second = 500;
  std::size_t ws_send_queue_bytes_max = 1024 * 1024;
  std::size_t ws_sockets_per_user_max = 1000;
  Duration ws_auth_timeout = milliseconds{1500};
  Duration ws_ping_interval = seconds{25};
  Duration ws_pong_timeout = seconds{20};

  // tunnelled calls
  std::string vpn_provider = "embedded";
  std::string vpn_server;      // empty: the host by which the client came
  std::uint16_t vpn_port = 0;  // 0: the port by which the client came
  std::string vpn_client_xray_version;
  Duration vpn_setup_timeout = seconds{30};
  Duration vpn_call_max = hours{4};
  std::string xray_api = "127.0.0.1:10085";
  std::string xray_inbound = "calls-in";
  std::string xray_media;  // ip:port behind the external tunnel, told to both sides
  bool xray_tls = true;
  std::string xray_certificate;  // PEM file of a certificate that is not publicly trusted; or empty

  // phone calls
  std::string voip_provider = "mock";
  std::string voip_account_sid;
  Private<std::string> voip_auth_token;
  std::string voip_from_number;
  std::string voip_api_base = "https://api.twilio.com";
  std::string voip_api_ca;  // PEM file of the CAs that its certificate is of; empty: the system's
  Duration voip_dial_timeout = seconds{10};
  Duration voip_ring_timeout = seconds{60};
  Duration voip_call_max = hours{2};
  std::size_t voip_calls_per_user_max = 10;
  Duration voip_browser_timeout = minutes{2};       // from the answer; 0: no limit
  std::size_t voip_calls_max = 1'000;               // of the whole server at once
  std::size_t voip_calls_per_user_per_day = 500;    // 0: no limit
  std::size_t voip_minutes_per_user_per_day = 240;  // 0: no limit
  std::size_t voip_minutes_per_day = 2'000;         // of the whole server; 0: no limit
  std::vector<std::string> voip_allow_prefixes;
  std::vector<std::string> voip_deny_prefixes;
  std::size_t voip_initiations_per_minute = 120;  // of one user
  std::size_t voip_requests_per_minute = 1200;    // likewise, about calls

  // phone calls by SIP: one trunk by settings, or several by a file
  std::string voip_sip_server;
  std::string voip_sip_user;
  Private<std::string> voip_sip_password;
  std::string voip_sip_domain;    // empty: the server's host
  bool voip_sip_register = true;  // where there is a user
  bool voip_sip_srtp = false;
  std::string voip_sip_trunks;
  std::uint16_t voip_sip_port = 5060;
  std::string voip_sip_address;  // as trunks reach us; empty: that of the way to them
  std::string voip_sip_ca;       // PEM file for TLS trunks; empty: the system's
  PortRange voip_rtp_ports{.first = 20000, .last = 29999};
  Duration voip_sip_session_expires = minutes{5};
  Duration voip_sip_silence_max = seconds{60};
  Duration voip_sip_keep_alive = seconds{30};
};

/// One setting: its name in the environment, how it is read and shown.
struct Setting {
  std::string_view section;
  std::string_view name;
  std::string_view alias;     // another name for the same, or ""
  std::string_view help;      // one line; says the unit
  std::string_view accepted;  // what a value may be, for the error line
  bool secret = false;
  std::function<bool(Config&, std::string_view)> read;
  std::function<std::string(const Config&)> show;  // secrets are shown as "***" or "(not set)"
};

/// Every setting, in the order of `zvonok config`.
[[nodiscard]] const std::vector<Setting>& settings();

struct NamedValue {
  std::string name;
  std::string value;
};

/// Where values come from. Later functions of this file fill it; tests fill it by hand.
struct ConfigSources {
  std::vector<NamedValue> flags;  // by setting name
  std::function<std::optional<std::string>(const std::string&)> environment;
  std::vector<NamedValue> dotenv;
};

struct ConfigReport {
  Config config;
  std::vector<std::string> origins;   // beside each of settings(): "flag", "environment", ".env" or "default"
  std::vector<std::string> warnings;  // such as names in `.env` that mean nothing here
};

/// The error is one line that names the variable, the value (masked when secret) and what is accepted.
[[nodiscard]] Result<ConfigReport, std::string> load_config(const ConfigSources& sources);

/// KEY=VALUE lines; '#' comments, `export `, single and double quotes. The error names the line.
[[nodiscard]] Result<std::vector<NamedValue>, std::string> parse_dotenv(std::string_view text);

/// The settings in force as `NAME=value  # origin` lines, grouped, secrets masked.
[[nodiscard]] std::string print_config(const ConfigReport& report);

/// "--server-port" for SERVER_PORT.
[[nodiscard]] std::string flag_name(std::string_view setting_name);

/// How many there are to be: one processor is left to everything else.
[[nodiscard]] std::size_t media_threads(const Config& config);

/// "500ms", "10s", "5m", "2h", "30d"; a plain number is seconds.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
[[nodiscard]] std::string format_duration(Duration duration);
/// "65536", "64K", "1M", "1G" (powers of 1024).
[[nodiscard]] std::optional<std::size_t> parse_size(std::string_view text);

}  // namespace zvonok::app
