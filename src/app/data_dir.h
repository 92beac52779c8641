// The data folder: made with mode 0700; keeps the generated JWT secret (0600) and the SQLite file.
#pragma once
#include <string>

#include "base/entropy.h"
#include "base/private.h"
#include "base/result.h"

namespace zvonok::app {

enum class SecretOrigin { Made, Found };

struct KeptSecret {
  Private<std::string> value;
  SecretOrigin origin = SecretOrigin::Found;
  std::string path;
};

/// Makes the folder unless it is there. The error is one line that names it.
[[nodiscard]] Result<void, std::string> make_data_dir(const std::string& path);

/// The secret in `folder`/jwt_secret, made at first use. Safe when two processes start at once: one of them makes it.
/// The error names the file; a file that others may read is refused.
[[nodiscard]] Result<KeptSecret, std::string> keep_jwt_secret(const std::string& folder, Entropy& entropy);

}  // namespace zvonok::app
