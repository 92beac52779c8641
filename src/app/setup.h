// From settings to the parts that more than one command needs: keys, storage options, TLS files.
#pragma once
#include <string>

#include "adapter/store_sql/store_sql.h"
#include "app/config/config.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/result.h"
#include "identity/service.h"
#include "proto/jwt/jwt.h"

namespace zvonok::app {

/// The HS256 secret in force: JWT_SECRET, or the one kept in DATA_DIR (made, with a warning, at first).
[[nodiscard]] Result<Private<std::string>, std::string> signing_secret(const Config& config, Entropy& entropy,
                                                                       Logger& log);
/// Every key that verifies tokens: the secret, and JWT_JWKS_FILE's.
[[nodiscard]] Result<jwt::KeySet, std::string> verifying_keys(const Config& config, const Private<std::string>& secret,
                                                              Logger& log);
[[nodiscard]] jwt::VerifyOptions verify_options(const Config& config);
[[nodiscard]] Result<store_sql::StoreSqlOptions, std::string> store_options(const Config& config);
[[nodiscard]] Result<identity::PasswordHasher, std::string> password_hasher(const Config& config);
[[nodiscard]] identity::IdentityOptions identity_options(const Config& config);
/// NODE_NAME, or host name and port: several nodes may run on one host.
[[nodiscard]] std::string node_name(const Config& config);
/// "PostgreSQL at host:port/name" or "SQLite at path", for logs.
[[nodiscard]] std::string describe_database(const Config& config);

}  // namespace zvonok::app
