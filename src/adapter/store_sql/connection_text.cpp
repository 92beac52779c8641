// See connection_text.h; and DATABASE_URL.
#include "adapter/store_sql/connection_text.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace zvonok::store_sql {
namespace {

// An idle connection behind a NAT or a load balancer is kept open; data that nobody acknowledges breaks it.
constexpr std::string_view kFixedParameters =
    "&client_encoding=UTF8&keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=10000";

constexpr std::array<std::string_view, 6> kSslModes{"disable", "allow",     "prefer",
                                                    "require", "verify-ca", "verify-full"};

constexpr std::size_t kPoolSizeMax = 64;

StoreSqlError bad(std::string message) {
  return {StoreSqlErrorKind::BadOptions, std::move(message)};
}
StoreSqlError bad_url(std::string message) {
  return bad("DATABASE_URL: " + std::move(message));
}

void append(std::string& out, std::string_view keyword, std::string_view value) {
  if (value.empty()) return;
  constexpr std::string_view kHex = "0123456789ABCDEF";
  out.append(out.ends_with('?') ? "" : "&").append(keyword).append("=");
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (plain) {
      out += c;
    } else {
      out.append("%") += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

template <class Number>
std::optional<Number> whole_number(std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

/// Cuts `text` at the first `mark`: returns what stands before it and leaves what stands behind.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

std::optional<StoreSqlError> read_credentials(std::string_view text, PostgresOptions& options) {
  const auto user = percent_decoded(take_until(text, ':'));
  const auto password = percent_decoded(text);
  if (!user || !password) return bad_url("a malformed %-escape in the user or password");
  options.user = *user;
  options.password = Private{*password};
  return std::nullopt;
}

std::optional<StoreSqlError> read_host(std::string_view text, PostgresOptions& options) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad_url("'[' of the host is not closed");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return bad_url("a malformed port");
    has_port = !port.empty();
    if (has_port) port.remove_prefix(1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  const auto decoded = percent_decoded(host);
  if (!decoded) return bad_url("a malformed %-escape in the host");
  options.host = *decoded;
  if (has_port) {
    const auto number = whole_number<std::uint16_t>(port, 1, 65535);
    if (!number)
      return bad_url("the port has to be 1 to 65535 ('/', '@', ':' in a password are written %2F, %40, %3A)");
    options.port = *number;
  }
  return std::nullopt;
}

std::optional<StoreSqlError> read_parameter(std::string_view key, const std::string& value, PostgresOptions& options) {
  if (key == "sslmode") {
    options.sslmode = value;
  } else if (key == "sslrootcert") {
    options.sslrootcert = value;
  } else if (key == "sslcert") {
    options.sslcert = value;
  } else if (key == "sslkey") {
    options.sslkey = value;
  } else if (key == "application_name") {
    options.application_name = value;
  } else if (key == "host") {
    options.host = value;
  } else if (key == "connect_timeout") {
    const auto number = whole_number<int>(value, 1, 600);
    if (!number) return bad_url("connect_timeout has to be 1 to 600 seconds");
    options.connect_timeout = seconds{*number};
  } else {
    return bad_url("unknown parameter '" + std::string{key} +
                   "'; known are sslmode, sslrootcert, sslcert, sslkey, application_name, host, connect_timeout");
  }
  return std::nullopt;
}

std::optional<StoreSqlError> check_postgres(const PostgresOptions& options) {
  const std::array<const std::string*, 9> texts{&options.host,    &options.user,    &options.password.reveal(),
                                                &options.dbname,  &options.sslmode, &options.sslrootcert,
                                                &options.sslcert, &options.sslkey,  &options.application_name};
  if (std::ranges::any_of(texts, [](const std::string* text) { return text->find('\0') != std::string::npos; })) {
    return bad("a PostgreSQL connection parameter holds a NUL byte");
  }
  if (options.port == 0) return bad("the PostgreSQL port has to be 1 to 65535");
  if (std::ranges::find(kSslModes, options.sslmode) == kSslModes.end()) {
    return bad("sslmode has to be disable, allow, prefer, require, verify-ca or verify-full");
  }
  return std::nullopt;
}

}  // namespace

Private<std::string> connection_text(const PostgresOptions& options) {
  std::string out = "postgresql://?";
  append(out, "host", options.host);
  append(out, "port", std::to_string(options.port));
  append(out, "user", options.user);
  append(out, "password", options.password.reveal());
  append(out, "dbname", options.dbname);
  append(out, "sslmode", options.sslmode);
  append(out, "sslrootcert", options.sslrootcert);
  append(out, "sslcert", options.sslcert);
  append(out, "sslkey", options.sslkey);
  append(out, "application_name", options.application_name);
  // The library rounds 1 up to 2 and takes 0 as "for ever".
  const auto timeout = std::chrono::ceil<seconds>(options.connect_timeout).count();
  append(out, "connect_timeout", std::to_string(std::max<std::int64_t>(timeout, 2)));
  out += kFixedParameters;
  return Private{std::move(out)};
}

std::optional<StoreSqlError> check_options(const StoreSqlOptions& options) {
  if (options.pool_size < 1 || options.pool_size > kPoolSizeMax) return bad("the pool has to have 1 to 64 sessions");
  if (options.acquire_timeout <= milliseconds{0} || options.statement_timeout <= milliseconds{0} ||
      options.migration_timeout <= milliseconds{0}) {
    return bad("a time limit of the store has to be greater than 0");
  }
  if (const auto* sqlite = std::get_if<SqliteOptions>(&options.database)) {
    if (sqlite->path.empty()) return bad("the SQLite path is empty");
    if (sqlite->path.find('"') != std::string::npos || sqlite->path.find('\0') != std::string::npos) {
      return bad("the SQLite path holds a double quote or a NUL byte");
    }
    return std::nullopt;
  }
  return check_postgres(std::get<PostgresOptions>(options.database));
}

Result<PostgresOptions, StoreSqlError> parse_database_url(const Private<std::string>& url) {
  std::string_view rest = url.reveal();
  if (rest.starts_with("postgres://")) {
    rest.remove_prefix(std::string_view{"postgres://"}.size());
  } else if (rest.starts_with("postgresql://")) {
    rest.remove_prefix(std::string_view{"postgresql://"}.size());
  } else {
    return fail(bad_url("has to begin with postgres:// or postgresql://"));
  }
  PostgresOptions options;
  std::string_view parameters = rest;
  std::string_view path = take_until(parameters, '?');
  std::string_view authority = take_until(path, '/');
  // An '@' behind the host means that a password was cut in two, and messages below would show its second half.
  if (path.find('@') != std::string_view::npos || parameters.find('@') != std::string_view::npos) {
    return fail(bad_url("'/', '?' and '@' in a user or password are written %2F, %3F and %40"));
  }
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (auto error = read_credentials(authority.substr(0, at), options)) return fail(std::move(*error));
    authority.remove_prefix(at + 1);
  }
  if (authority.empty()) {
    options.host.clear();
  } else if (auto error = read_host(authority, options)) {
    return fail(std::move(*error));
  }
  const auto dbname = percent_decoded(path);
  if (!dbname) return fail(bad_url("a malformed %-escape in the database name"));
  options.dbname = *dbname;
  while (!parameters.empty()) {
    std::string_view value = take_until(parameters, '&');
    const std::string_view key = take_until(value, '=');
    const auto decoded = percent_decoded(value);
    if (!decoded) return fail(bad_url("a malformed %-escape in a parameter"));
    if (auto error = read_parameter(key, *decoded, options)) return fail(std::move(*error));
  }
  if (auto error = check_postgres(options)) return fail(bad_url(error->message));
  return options;
}

}  // namespace zvonok::store_sql
