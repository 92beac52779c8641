// Structured logging as a port: the core states an event and its fields, the edge decides where and how it is written.
// One event is one line. Field values are escaped by the sink; secrets are wrapped in Private<T> or masked before.
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/private.h"

namespace zvonok {

enum class LogLevel { Trace, Debug, Info, Warn, Error };

/// One key with its value, already text.
struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view k, std::string_view v) : key{k}, value{v} {}
  LogField(std::string_view k, const char* v) : key{k}, value{v} {}
  LogField(std::string_view k, const std::string& v) : key{k}, value{v} {}
  LogField(std::string_view k, std::integral auto v) : key{k}, value{std::to_string(v)} {}
  template <class Tag>
  LogField(std::string_view k, const TextId<Tag>& v) : key{k}, value{v.value()} {}
  template <class Tag, class Rep>
  LogField(std::string_view k, NumberId<Tag, Rep> v) : key{k}, value{std::to_string(v.value())} {}
  template <class T>
  LogField(std::string_view k, const Private<T>&) : key{k}, value{"***"} {}
};

/// Thread-safe in every implementation.
class Logger {
 public:
  virtual ~Logger() = default;
  [[nodiscard]] virtual bool enabled(LogLevel level) const = 0;
  virtual void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) = 0;

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::Error, message, fields);
  }

 private:
  void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    if (enabled(level)) write(level, message, fields);
  }
};

/// Swallows everything; for tests and tools.
class NullLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace zvonok
