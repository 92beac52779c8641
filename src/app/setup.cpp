#include "app/setup.h"

#include <array>
#include <fstream>
#include <iterator>

#include <unistd.h>

#include "app/data_dir.h"
#include "proto/jwt/jwks.h"

namespace zvonok::app {
namespace {

constexpr std::string_view kIssuer = "zvonok";

bool uses_postgres(const Config& config) {
  return !config.database_url.reveal().empty() || !config.postgres_host.empty();
}

std::string sqlite_path(const Config& config) {
  return config.data_dir + "/zvonok.db";
}

Result<store_sql::PostgresOptions, std::string> postgres_options(const Config& config) {
  if (!config.database_url.reveal().empty()) {
    auto parsed = store_sql::parse_database_url(config.database_url);
    if (!parsed) return fail("DATABASE_URL is not accepted: " + parsed.error().message);
    return std::move(*parsed);
  }
  store_sql::PostgresOptions options;
  options.host = config.postgres_host;
  options.port = config.postgres_port;
  options.user = config.postgres_user;
  options.password = config.postgres_password;
  options.dbname = config.postgres_db;
  options.sslmode = config.postgres_sslmode;
  return options;
}

}  // namespace

Result<Private<std::string>, std::string> signing_secret(const Config& config, Entropy& entropy, Logger& log) {
  if (!config.jwt_secret.reveal().empty()) return config.jwt_secret;
  auto kept = keep_jwt_secret(config.data_dir, entropy);
  if (!kept) return fail(std::move(kept.error()));
  log.warn("JWT_SECRET is not set: using the secret kept in the data folder",
           {{"file", kept->path}, {"made_now", kept->origin == SecretOrigin::Made ? "yes" : "no"}});
  return std::move(kept->value);
}

Result<jwt::KeySet, std::string> verifying_keys(const Config& config, const Private<std::string>& secret, Logger& log) {
  jwt::KeySet keys;
  auto own = jwt::Key::hs256(secret.reveal());
  if (!own) return fail("JWT_SECRET: " + std::string{jwt::to_text(own.error())});
  if (!keys.add(std::move(*own))) return fail(std::string{"JWT_SECRET cannot be used"});
  if (config.jwt_jwks_file.empty()) return keys;
  std::ifstream file{config.jwt_jwks_file, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file) return fail("JWT_JWKS_FILE: cannot read " + config.jwt_jwks_file);
  auto jwks = jwt::parse_jwks(text);
  if (!jwks) return fail("JWT_JWKS_FILE: " + config.jwt_jwks_file + ": " + jwks.error());
  for (const std::string& line : jwks->skipped) log.warn("a key of JWT_JWKS_FILE is not used", {{"key", line}});
  for (jwt::Key& key : jwks->keys) {
    const std::string kid = key.kid();
    if (!keys.add(std::move(key))) return fail("JWT_JWKS_FILE: too many keys, or key \"" + kid + "\" comes twice");
  }
  return keys;
}

jwt::VerifyOptions verify_options(const Config& config) {
  jwt::VerifyOptions options;
  options.user_claims = config.jwt_user_claims;
  options.expiry = config.jwt_require_exp ? jwt::Expiry::Required : jwt::Expiry::Optional;
  if (!config.jwt_issuer.empty()) options.issuers = {std::string{kIssuer}, config.jwt_issuer};
  options.audience = config.jwt_audience;
  return options;
}

Result<store_sql::StoreSqlOptions, std::string> store_options(const Config& config) {
  store_sql::StoreSqlOptions options;
  options.pool_size = config.database_pool_size;
  if (uses_postgres(config)) {
    auto postgres = postgres_options(config);
    if (!postgres) return fail(std::move(postgres.error()));
    options.database = std::move(*postgres);
  } else {
    options.database = store_sql::SqliteOptions{.path = sqlite_path(config)};
  }
  return options;
}

Result<identity::PasswordHasher, std::string> password_hasher(const Config& config) {
  auto hasher = identity::PasswordHasher::create(
      {.passes = static_cast<unsigned>(config.password_passes), .memory_bytes = config.password_memory_kib * 1024});
  if (hasher) return std::move(*hasher);
  switch (hasher.error()) {
    case identity::PasswordSetupError::OptionsOutOfRange:
      return fail(std::string{"PASSWORD_PASSES must be 1 to 16, PASSWORD_MEMORY_KIB 8 to 1048576"});
    case identity::PasswordSetupError::Unusable:
      return fail(std::string{"PASSWORD_MEMORY_KIB: that much memory cannot be had"});
  }
  return fail(std::string{"passwords cannot be hashed"});
}

identity::IdentityOptions identity_options(const Config& config) {
  identity::IdentityOptions options;
  options.access_token_ttl = std::chrono::duration_cast<seconds>(config.access_token_ttl);
  options.refresh_token_ttl = std::chrono::duration_cast<seconds>(config.refresh_token_ttl);
  options.issuer = std::string{kIssuer};
  options.audience = config.jwt_audience;
  return options;
}

std::string node_name(const Config& config) {
  if (!config.node_name.empty()) return config.node_name;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return "node:" + std::to_string(config.server_port);
  return std::string{host.data()} + ":" + std::to_string(config.server_port);
}

std::string describe_database(const Config& config) {
  if (!uses_postgres(config)) return "SQLite at " + sqlite_path(config);
  const auto options = postgres_options(config);
  if (!options) return "PostgreSQL";
  return "PostgreSQL at " + options->host + ":" + std::to_string(options->port) + "/" + options->dbname;
}

}  // namespace zvonok::app
