#include "support/server_process.h"

#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/tcp_client.h"

namespace zvonok::test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

ServerProcess::ServerProcess(const ProcessOptions& options) {
  std::vector<std::string> arguments{ZVONOK_BINARY};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment{"PATH=/usr/bin:/bin"};
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error{"pipe failed"};
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(out[1], STDERR_FILENO);
    if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  if (::write(in[1], options.input.data(), options.input.size()) < 0) throw std::runtime_error{"write failed"};
  ::close(in[1]);
  reader_ = std::thread{[this, fd = out[0]] { read_output(fd); }};
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  reader_.join();
}

void ServerProcess::read_output(int fd) {
  char chunk[4096];
  for (ssize_t got = 0; (got = ::read(fd, chunk, sizeof chunk)) > 0;) {
    const std::lock_guard lock{mutex_};
    output_.append(chunk, static_cast<std::size_t>(got));
    changed_.notify_all();
  }
  ::close(fd);
  const std::lock_guard lock{mutex_};
  ended_ = true;
  changed_.notify_all();
}

void ServerProcess::await_output(const std::string& text) {
  std::unique_lock lock{mutex_};
  const auto found = [&] { return output_.find(text) != std::string::npos; };
  changed_.wait_for(lock, kPatience, [&] { return ended_ || found(); });
  if (!found()) throw std::runtime_error{"never said \"" + text + "\", but:\n" + output_};
}

std::string ServerProcess::output() const {
  const std::lock_guard lock{mutex_};
  return output_;
}

void ServerProcess::signal(int number) const {
  ::kill(pid_, number);
}

int ServerProcess::wait() {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd wanted{.fd = handle, .events = POLLIN, .revents = 0};
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count();
  const int ready = ::poll(&wanted, 1, static_cast<int>(patience));
  ::close(handle);
  if (ready <= 0) throw std::runtime_error{"the process does not end:\n" + output()};
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, kPatience, [this] { return ended_; });
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace zvonok::test
