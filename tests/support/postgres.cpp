// See postgres.h.
#include "support/postgres.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/free_port.h"

namespace zvonok::test {
namespace {

[[noreturn]] void give_up(const std::string& message) {
  std::fprintf(stderr, "PostgreSQL for tests: %s\n", message.c_str());
  std::abort();
}

/// The newest version installed, by number.
std::string find_programs() {
  glob_t found{};
  std::string best;
  double best_version = 0;
  if (::glob("/usr/lib/postgresql/*/bin/initdb", 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      const std::filesystem::path folder = std::filesystem::path{found.gl_pathv[i]}.parent_path();
      const double version = std::atof(folder.parent_path().filename().c_str());
      if (version > best_version) {
        best_version = version;
        best = folder.string();
      }
    }
  }
  ::globfree(&found);
  if (best.empty()) give_up("no /usr/lib/postgresql/*/bin/initdb; install the package postgresql");
  return best;
}

/// PostgreSQL refuses to run as root.
std::optional<passwd> unprivileged_user() {
  if (::geteuid() != 0) return std::nullopt;
  const passwd* entry = ::getpwnam("postgres");
  if (entry == nullptr) give_up("there is no user 'postgres' to run it as");
  return *entry;
}

/// Starts a program whose stdout and stderr go to `output`; it does not outlive the calling thread.
pid_t spawn(const std::vector<std::string>& words, int output, int death_signal) {
  const auto user = unprivileged_user();
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) give_up("fork failed");
  if (pid > 0) return pid;
  // Only async-signal-safe calls from here on.
  if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, death_signal);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (::chdir("/") != 0) ::_exit(126);
  ::execv(arguments.front(), arguments.data());
  ::_exit(127);
}

void wait_for_end(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Postgres& Postgres::shared() {
  static Postgres instance;
  return instance;
}

Postgres::Postgres() : programs_{find_programs()} {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string{base != nullptr && *base == '/' ? base : "/tmp"} + "/zvonok-pg-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) give_up("no temporary folder");
  folder_ = pattern;
  initialise();
  port_ = free_port();
  start();
}

Postgres::~Postgres() {
  stop();
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

void Postgres::initialise() {
  const std::string password_file = folder_ + "/password";
  std::ofstream{password_file} << password() << "\n";
  if (const auto user = unprivileged_user()) {
    if (::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0 ||
        ::chown(password_file.c_str(), user->pw_uid, user->pw_gid) != 0) {
      give_up("chown of the temporary folder failed");
    }
  }
  const std::string log_path = folder_ + "/initdb.log";
  const int log = ::open(log_path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  // A collation that is not byte order, as most installations have.
  const pid_t pid = spawn({programs_ + "/initdb", "--pgdata=" + folder_ + "/data", "--username=" + user(),
                           "--pwfile=" + password_file, "--auth-local=trust", "--auth-host=scram-sha-256",
                           "--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"},
                          log, SIGTERM);
  ::close(log);
  wait_for_end(pid);
  if (!std::filesystem::exists(folder_ + "/data/PG_VERSION")) {
    std::ifstream in{log_path};
    give_up("initdb failed: " + std::string{std::istreambuf_iterator<char>{in}, {}});
  }
}

void Postgres::start() {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) give_up("no pipe");
  {
    const std::lock_guard lock{mutex_};
    log_.clear();
    ready_ = false;
    ended_ = false;
  }
  pid_ = spawn({programs_ + "/postgres", "-D", folder_ + "/data", "-k", folder_, "-p", std::to_string(port_), "-c",
                "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "autovacuum=off", "-c", "max_connections=100",
                "-c", "lc_messages=C", "-c", "logging_collector=off"},
               pipe[1], SIGQUIT);
  ::close(pipe[1]);
  log_reader_ = std::thread{[this, fd = pipe[0]] { read_log(fd); }};
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, std::chrono::seconds{60}, [this] { return ready_ || ended_; }) || !ready_) {
    give_up("the server did not start: " + log_);
  }
}

void Postgres::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGQUIT);
  wait_for_end(pid_);
  pid_ = -1;
  log_reader_.join();
}

/// The log tells when the server accepts connections, and has to be read for the server not to block on it.
void Postgres::read_log(int fd) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = ::read(fd, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    const std::lock_guard lock{mutex_};
    if (size <= 0) break;
    log_.append(buffer, static_cast<std::size_t>(size));
    if (log_.find("database system is ready to accept connections") != std::string::npos) ready_ = true;
    if (log_.size() > 65536) log_.erase(0, log_.size() - 32768);
    changed_.notify_all();
  }
  ::close(fd);
  const std::lock_guard lock{mutex_};
  ended_ = true;
  changed_.notify_all();
}

std::vector<std::string> Postgres::sql(const std::string& dbname, const std::string& text) {
  const std::string info =
      "host='" + folder_ + "' port=" + std::to_string(port_) + " user=" + user() + " dbname=" + dbname;
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection{PQconnectdb(info.c_str()), &PQfinish};
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(connection.get(), text.c_str()), &PQclear};
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) give_up(text + ": " + PQerrorMessage(connection.get()));
  std::vector<std::string> out;
  for (int row = 0; row < PQntuples(result.get()); ++row) out.emplace_back(PQgetvalue(result.get(), row, 0));
  return out;
}

std::string Postgres::create_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  sql("postgres", "CREATE DATABASE " + name);
  return name;
}

void Postgres::drop_database(const std::string& name) {
  sql("postgres", "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
}

}  // namespace zvonok::test
