#include "app/data_dir.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/fd.h"

namespace zvonok::app {
namespace {

constexpr std::size_t kSecretBytes = 48;
constexpr std::size_t kSecretCharactersMin = 32;

Result<Private<std::string>, std::string> read_secret(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail("cannot read " + path + ": " + std::strerror(errno));
  if ((status.st_mode & 0077) != 0) {
    return fail(path + " can be read by others; run: chmod 600 " + path);
  }
  std::ifstream file{path};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.size() < kSecretCharactersMin) return fail(path + " holds no secret of at least 32 bytes; delete it");
  return Private<std::string>{std::move(text)};
}

/// Writes a temporary file and links it to its name, so that nobody ever sees half a secret.
bool write_secret(const std::string& path, std::string_view secret) {
  const std::string temporary = path + "." + std::to_string(::getpid());
  const net::Fd fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!fd.valid()) return false;
  const bool written =
      ::write(fd.get(), secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) && ::fsync(fd.get()) == 0;
  const bool linked = written && (::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST);
  ::unlink(temporary.c_str());
  return linked;
}

}  // namespace

Result<void, std::string> make_data_dir(const std::string& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  if (error) return fail("cannot make the data folder " + path + ": " + error.message());
  if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    return fail("cannot write to the data folder " + path + ": " + std::strerror(errno));
  }
  return {};
}

std::optional<WallTime> last_sign_of_life(const std::string& folder) {
  std::ifstream file{folder + "/alive"};
  std::int64_t at = 0;
  if (!(file >> at) || at <= 0) return std::nullopt;
  return wall_from_unix_milliseconds(at);
}

bool give_sign_of_life(const std::string& folder, WallTime now) {
  const std::string path = folder + "/alive";
  {
    std::ofstream file{path + ".new", std::ios::trunc};
    file << unix_milliseconds(now) << "\n";
    if (!file.flush()) return false;
  }
  using std::filesystem::perms;
  std::error_code error;
  std::filesystem::permissions(path + ".new", perms::owner_read | perms::owner_write, error);
  if (!error) std::filesystem::rename(path + ".new", path, error);
  return !error;
}

Result<KeptSecret, std::string> keep_jwt_secret(const std::string& folder, Entropy& entropy) {
  const std::string path = folder + "/jwt_secret";
  SecretOrigin origin = SecretOrigin::Found;
  if (!std::filesystem::exists(path)) {
    if (!write_secret(path, make_secret(entropy, kSecretBytes))) {
      return fail("cannot write " + path + ": " + std::strerror(errno));
    }
    origin = SecretOrigin::Made;
  }
  auto secret = read_secret(path);
  if (!secret) return fail(std::move(secret.error()));
  return KeptSecret{std::move(*secret), origin, path};
}

}  // namespace zvonok::app
