#include "load/process_meter.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace zvonok::load {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in{text};
  return {std::istream_iterator<std::string>{in}, {}};
}

double number(const std::string& text) {
  std::istringstream in{text};
  double value = 0;
  in >> value;
  return value;
}

fs::path process(int pid) {
  return fs::path{"/proc"} / std::to_string(pid);
}

double waited_seconds(int pid) {
  double nanoseconds = 0;
  std::error_code error;
  for (const auto& thread : fs::directory_iterator{process(pid) / "task", error}) {
    const auto fields = words(read_file(thread.path() / "schedstat"));
    if (fields.size() == 3) nanoseconds += number(fields[1]);
  }
  return nanoseconds / 1e9;
}

std::set<std::string> socket_inodes(int pid) {
  std::set<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{process(pid) / "fd", error}) {
    const std::string target = fs::read_symlink(entry.path(), error).string();
    constexpr std::string_view kPrefix = "socket:[";
    if (target.starts_with(kPrefix)) found.insert(target.substr(kPrefix.size(), target.size() - kPrefix.size() - 1));
  }
  return found;
}

}  // namespace

std::uint64_t socket_drops(int pid) {
  const auto inodes = socket_inodes(pid);
  std::uint64_t sum = 0;
  for (const char* table : {"/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream file{table};
    for (std::string line; std::getline(file, line);) {
      const auto fields = words(line);
      if (fields.size() < 13 || !inodes.contains(fields[9])) continue;
      sum += static_cast<std::uint64_t>(number(fields[12]));
    }
  }
  return sum;
}

std::optional<double> cpu_seconds(int pid) {
  const std::string text = read_file(process(pid) / "stat");
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  const auto fields = words(text.substr(end_of_name + 1));
  if (fields.size() < 13) return std::nullopt;
  return (number(fields[11]) + number(fields[12])) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<ProcessFigures> read_process(int pid) {
  const auto cpu = cpu_seconds(pid);
  if (!cpu) return std::nullopt;
  ProcessFigures out{.cpu_seconds = *cpu, .waited_seconds = waited_seconds(pid), .resident_bytes = 0};
  const auto memory = words(read_file(process(pid) / "statm"));
  if (memory.size() >= 2) {
    out.resident_bytes = static_cast<std::uint64_t>(number(memory[1])) * static_cast<std::uint64_t>(::getpagesize());
  }
  return out;
}

bool ProcessWatch::start(int pid) {
  const auto figures = read_process(pid);
  if (!figures) return false;
  pid_ = pid;
  before_ = at_begin_ = *figures;
  taken_ = figures->cpu_seconds;
  return true;
}

void ProcessWatch::prepare_window() {
  if (pid_ != 0) drops_before_ = socket_drops(pid_);
}

void ProcessWatch::begin_window() {
  if (pid_ != 0) at_begin_ = read_process(pid_).value_or(at_begin_);
}

ProcessWatch::Used ProcessWatch::end_window() const {
  const auto now = pid_ == 0 ? std::nullopt : read_process(pid_);
  if (!now) return {};
  const std::uint64_t drops = socket_drops(pid_);
  return {.cpu_seconds = now->cpu_seconds - at_begin_.cpu_seconds,
          .waited_seconds = now->waited_seconds - at_begin_.waited_seconds,
          .socket_drops = drops - std::min(drops, drops_before_),
          .resident_bytes = now->resident_bytes,
          .grown_bytes = now->resident_bytes - std::min(now->resident_bytes, before_.resident_bytes),
          .cpu_seconds_before = at_begin_.cpu_seconds - before_.cpu_seconds};
}

double ProcessWatch::take_cpu_seconds() {
  const double now = pid_ == 0 ? 0 : cpu_seconds(pid_).value_or(taken_);
  return now - std::exchange(taken_, now);
}

double ProcessWatch::cpu_seconds_since_start() const {
  return pid_ == 0 ? 0 : cpu_seconds(pid_).value_or(before_.cpu_seconds) - before_.cpu_seconds;
}

double load_average() {
  const auto fields = words(read_file("/proc/loadavg"));
  return fields.empty() ? 0 : number(fields[0]);
}

}  // namespace zvonok::load
