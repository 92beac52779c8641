// The data folder: made with mode 0700; keeps the generated JWT secret (0600), the SQLite file and the sign of life.
#pragma once
#include <optional>
#include <string>

#include "base/entropy.h"
#include "base/private.h"
#include "base/result.h"
#include "base/time.h"

namespace zvonok::app {

enum class SecretOrigin { Made, Found };

struct KeptSecret {
  Private<std::string> value;
  SecretOrigin origin = SecretOrigin::Found;
  std::string path;
};

/// Makes the folder unless it is there. The error is one line that names it.
[[nodiscard]] Result<void, std::string> make_data_dir(const std::string& path);

/// When the server last ran, by a file that it writes every few seconds; nullopt: not known.
[[nodiscard]] std::optional<WallTime> last_sign_of_life(const std::string& folder);
/// False: it could not be written, which does no harm but that a crash can't be dated.
bool give_sign_of_life(const std::string& folder, WallTime now);

/// The secret in `folder`/jwt_secret, made at first use. Safe when two processes start at once: one of them makes it.
/// The error names the file; a file that others may read is refused.
[[nodiscard]] Result<KeptSecret, std::string> keep_jwt_secret(const std::string& folder, Entropy& entropy);

}  // namespace zvonok::app
