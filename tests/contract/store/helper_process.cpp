// See helper_process.h. The job is a disabled test of this same program, started with the environment that names it.
#include "contract/store/helper_process.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace zvonok::test {
namespace {

constexpr const char* kReady = "helper is ready\n";

std::string job_name(HelperJob job) {
  switch (job) {
    case HelperJob::Migrate: return "migrate";
    case HelperJob::HoldLock: return "hold-lock";
    case HelperJob::ProbeLocks: return "probe-locks";
  }
  return "";
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::abort();
}

store_sql::StoreSqlOptions options_from_environment() {
  store_sql::StoreSqlOptions options;
  options.statement_timeout = seconds{60};
  const char* path = std::getenv("ZVONOK_HELPER_SQLITE");
  const char* url = std::getenv("ZVONOK_HELPER_POSTGRES");
  if (path != nullptr) {
    options.database = store_sql::SqliteOptions{.path = path, .busy_timeout = seconds{60}};
  } else if (url != nullptr) {
    auto postgres = store_sql::parse_database_url(Private<std::string>{url});
    if (!postgres) std::abort();
    options.database = std::move(*postgres);
  }
  return options;
}

void hold_lock(const store_sql::StoreSqlOptions& options) {
  const auto session = store_sql::Session::open(options, store_sql::SessionUse::Serve);
  session->command(session->engine() == store_sql::Engine::Sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
  session->command(
      "INSERT INTO users (id, display_name, name_key, password_hash, disabled, created_at) "
      "VALUES ('helper', '', '', '', 0, 0)");
  if (std::fputs(kReady, stdout) < 0 || std::fflush(stdout) != 0) std::abort();
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  session->command("ROLLBACK");
}

void probe_locks(const store_sql::StoreSqlOptions& options) {
  const int fd = ::open(std::get<store_sql::SqliteOptions>(options.database).path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  // The bytes that every reader of an SQLite file locks: SHARED_FIRST, 510 of them.
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = 0x40000002;
  lock.l_len = 510;
  ASSERT_EQ(::fcntl(fd, F_GETLK, &lock), 0);
  ASSERT_NE(lock.l_type, F_UNLCK);
  ::close(fd);
}

TEST(HelperProcessJob, DISABLED_Runs) {
  const char* job = std::getenv("ZVONOK_HELPER_JOB");
  if (job == nullptr) GTEST_SKIP() << "started by other tests only";
  const auto options = options_from_environment();
  if (job == job_name(HelperJob::Migrate)) {
    const auto report = store_sql::migrate(options);
    ASSERT_TRUE(report.has_value()) << report.error().message;
  } else if (job == job_name(HelperJob::HoldLock)) {
    hold_lock(options);
  } else {
    probe_locks(options);
  }
}

}  // namespace

HelperProcess::HelperProcess(HelperJob job, const TestDatabase& database) {
  std::vector<std::string> environment{"ZVONOK_HELPER_JOB=" + job_name(job)};
  switch (database.kind()) {
    case DatabaseKind::Sqlite: environment.push_back("ZVONOK_HELPER_SQLITE=" + database.sqlite_path()); break;
    case DatabaseKind::Postgres: environment.push_back("ZVONOK_HELPER_POSTGRES=" + database.postgres_url()); break;
  }
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  for (std::string& variable : environment) variables.push_back(variable.data());
  variables.push_back(nullptr);
  std::vector<std::string> words{"/proc/self/exe", "--gtest_filter=HelperProcessJob.*",
                                 "--gtest_also_run_disabled_tests"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) give_up("pipe2");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  if (::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments.data(), variables.data()) != 0) {
    give_up("posix_spawn");
  }
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  input_ = in[1];
  output_ = out[0];
}

HelperProcess::~HelperProcess() {
  kill();
  if (input_ >= 0) ::close(input_);
  ::close(output_);
}

bool HelperProcess::wait_until_ready() {
  std::string text;
  std::array<char, 512> buffer{};
  while (text.find(kReady) == std::string::npos) {
    const ssize_t size = ::read(output_, buffer.data(), buffer.size());
    if (size <= 0) {
      std::fputs(text.c_str(), stderr);
      return false;
    }
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return true;
}

int HelperProcess::finish() {
  ::close(input_);
  input_ = -1;
  std::string text;
  std::array<char, 512> buffer{};
  for (ssize_t size = 0; (size = ::read(output_, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code != 0) std::fputs(text.c_str(), stderr);
  return code;
}

void HelperProcess::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace zvonok::test
