#include "app/config/config.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <thread>

#include "app/media/media_ports.h"
#include "base/address.h"

namespace zvonok::app {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::optional<std::string> find_value(const std::vector<NamedValue>& values, const Setting& setting) {
  for (const std::string_view name : {setting.name, setting.alias}) {
    if (name.empty()) continue;
    // The last one wins, as in a shell.
    const auto found = std::find_if(values.rbegin(), values.rend(), [&](const auto& v) { return v.name == name; });
    if (found != values.rend()) return found->value;
  }
  return std::nullopt;
}

struct Found {
  std::string value;
  std::string origin;
};

std::optional<Found> look_up(const ConfigSources& sources, const Setting& setting) {
  if (auto value = find_value(sources.flags, setting)) return Found{std::move(*value), "flag"};
  if (sources.environment) {
    for (const std::string_view name : {setting.name, setting.alias}) {
      if (name.empty()) continue;
      if (auto value = sources.environment(std::string{name})) return Found{std::move(*value), "environment"};
    }
  }
  if (auto value = find_value(sources.dotenv, setting)) return Found{std::move(*value), ".env"};
  return std::nullopt;
}

bool is_known(std::string_view name) {
  return std::any_of(settings().begin(), settings().end(),
                     [&](const Setting& s) { return s.name == name || s.alias == name; });
}

Result<void, std::string> check_tunnel(const Config& config) {
  if (config.vpn_provider == "embedded") return {};
  const std::string provider = "VPN_PROVIDER=" + config.vpn_provider;
  if (config.vpn_port == 0) return fail(provider + " needs VPN_PORT: the port where clients reach the tunnel server");
  if (!SocketAddress::parse(config.xray_media)) {
    return fail(provider + " needs XRAY_MEDIA, such as 203.0.113.7:3478; it is \"" + config.xray_media + "\"");
  }
  return {};
}

Result<void, std::string> check_combinations(const Config& config) {
  if (config.tls_cert.empty() != config.tls_key.empty()) {
    return fail(std::string{config.tls_cert.empty() ? "TLS_KEY is set but TLS_CERT is not"
                                                    : "TLS_CERT is set but TLS_KEY is not"} +
                ": TLS needs both");
  }
  if (!config.turn_urls.empty() && config.turn_secret.reveal().empty()) {
    return fail(std::string{"TURN_URLS is set but TURN_SECRET is not: TURN servers take nobody without credentials"});
  }
  if (auto tunnel = check_tunnel(config); !tunnel) return tunnel;
  if (config.media_threads > kMediaThreadsMax) {
    return fail("MEDIA_THREADS=" + std::to_string(config.media_threads) + ": at most " +
                std::to_string(kMediaThreadsMax));
  }
  const std::size_t after = media_threads(config) - 1;
  for (const auto& [name, port] : {std::pair{"MEDIA_UDP_PORT", config.media_udp_port},
                                   std::pair{"MEDIA_TCP_PORT", config.media_tcp_port.value_or(0)}}) {
    if (port + after <= 65535) continue;
    return fail(std::string{name} + "=" + std::to_string(port) + ": there is no room for the ports of " +
                std::to_string(after + 1) + " media threads after it (MEDIA_THREADS)");
  }
  if (config.jwt_user_claims.empty()) return fail(std::string{"JWT_USER_CLAIMS=\"\": at least one claim is needed"});
  return {};
}

}  // namespace

std::size_t media_threads(const Config& config) {
  if (config.media_threads > 0) return std::min(config.media_threads, kMediaThreadsMax);
  const std::size_t processors = std::thread::hardware_concurrency();  // 0: not known
  return std::clamp<std::size_t>(processors, 2, kMediaThreadsMax + 1) - 1;
}

Result<ConfigReport, std::string> load_config(const ConfigSources& sources) {
  ConfigReport report;
  for (const Setting& setting : settings()) {
    const auto found = look_up(sources, setting);
    report.origins.push_back(found ? found->origin : "default");
    if (!found) continue;
    if (!setting.read(report.config, found->value)) {
      return fail(std::string{setting.name} + "=" + (setting.secret ? "***" : found->value) + " (from " +
                  found->origin + ") is not accepted: " + std::string{setting.accepted});
    }
  }
  for (const NamedValue& value : sources.dotenv) {
    if (!is_known(value.name)) report.warnings.push_back("`.env` names " + value.name + ", which means nothing here");
  }
  if (auto checked = check_combinations(report.config); !checked) return fail(std::move(checked.error()));
  return report;
}

Result<std::vector<NamedValue>, std::string> parse_dotenv(std::string_view text) {
  std::vector<NamedValue> values;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail("`.env` line " + std::to_string(number) + " is not NAME=VALUE");
    }
    std::string_view value = trim(line.substr(equals + 1));
    const bool quoted =
        value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
    if (quoted) {
      value = value.substr(1, value.size() - 2);
    } else if (const std::size_t comment = value.find(" #"); comment != std::string_view::npos) {
      value = trim(value.substr(0, comment));
    }
    values.push_back({std::string{trim(line.substr(0, equals))}, std::string{value}});
  }
  return values;
}

std::string print_config(const ConfigReport& report) {
  std::string out;
  std::string_view section;
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    if (setting.section != section) {
      out += (section.empty() ? "# " : "\n# ") + std::string{setting.section} + "\n";
      section = setting.section;
    }
    std::string line = std::string{setting.name} + "=" + setting.show(report.config);
    if (line.size() < 44) line.resize(44, ' ');
    out += line + "  # " + report.origins[i] + "; " + std::string{setting.help} + "\n";
  }
  return out;
}

std::string flag_name(std::string_view setting_name) {
  std::string flag = "--";
  for (const char c : setting_name) {
    flag.push_back(c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return flag;
}

std::optional<Duration> parse_duration(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || !(number >= 0 && number <= 1e9)) return std::nullopt;  // NaN is neither
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  double unit_seconds = 0;
  if (unit.empty() || unit == "s") unit_seconds = 1;
  if (unit == "ms") unit_seconds = 0.001;
  if (unit == "m") unit_seconds = 60;
  if (unit == "h") unit_seconds = 3600;
  if (unit == "d") unit_seconds = 86400;
  if (unit_seconds == 0 || number * unit_seconds > 1e9) return std::nullopt;
  return std::chrono::round<milliseconds>(std::chrono::duration<double>(number * unit_seconds));
}

std::string format_duration(Duration duration) {
  const auto whole = std::chrono::duration_cast<milliseconds>(duration).count();
  return whole % 1000 == 0 ? std::to_string(whole / 1000) + "s" : std::to_string(whole) + "ms";
}

std::optional<std::size_t> parse_size(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  int shift = -1;
  if (unit.empty()) shift = 0;
  if (unit == "K" || unit == "k") shift = 10;
  if (unit == "M") shift = 20;
  if (unit == "G") shift = 30;
  if (shift < 0 || number > (std::size_t{1} << 40)) return std::nullopt;
  return number << shift;
}

}  // namespace zvonok::app
