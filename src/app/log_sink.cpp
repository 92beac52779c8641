#include "app/log_sink.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "proto/websocket/frame.h"

namespace zvonok::app {
namespace {

constexpr std::size_t kValueBytesMax = 1024;

/// UTF-8 of the characters that reorder or hide what follows them (U+202A to U+202E, U+2066 to U+2069, U+200E, U+200F).
bool is_bidi_control(std::string_view text, std::size_t i) {
  if (i + 3 > text.size() || static_cast<unsigned char>(text[i]) != 0xE2) return false;
  const auto second = static_cast<unsigned char>(text[i + 1]);
  const auto third = static_cast<unsigned char>(text[i + 2]);
  if (second == 0x80) return (third >= 0xAA && third <= 0xAE) || third == 0x8E || third == 0x8F;
  return second == 0x81 && third >= 0xA6 && third <= 0xA9;
}

/// The length of the well-formed UTF-8 character at `at`, 2 to 4; 0 when there is none (a line must stay JSON).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  for (std::size_t length = 2; length <= 4 && at + length <= text.size(); ++length) {
    if (websocket::is_valid_utf8(text.substr(at, length))) return length;
  }
  return 0;
}

void append_escaped(std::string& out, std::string_view value) {
  const std::string_view cut = value.substr(0, kValueBytesMax);
  for (std::size_t i = 0; i < cut.size(); ++i) {
    const auto c = static_cast<unsigned char>(cut[i]);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c < 0x20 || c == 0x7F) {
      std::array<char, 8> text{};
      std::snprintf(text.data(), text.size(), "\\u%04x", c);
      out += text.data();
    } else if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (const std::size_t length = utf8_length(cut, i); length == 0 || is_bidi_control(cut, i)) {
      out += "\\ufffd";
      i += length > 0 ? length - 1 : 0;
    } else {
      out += cut.substr(i, length);
      i += length - 1;
    }
  }
  if (cut.size() < value.size()) out += "...";
}

bool needs_quotes(std::string_view value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte <= 0x20 || byte >= 0x7F || c == '"' || c == '=' || c == '\\';
         });
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::Trace: return spdlog::level::trace;
    case LogLevel::Debug: return spdlog::level::debug;
    case LogLevel::Info: return spdlog::level::info;
    case LogLevel::Warn: return spdlog::level::warn;
    case LogLevel::Error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

class SpdlogLogger final : public Logger {
 public:
  SpdlogLogger(LogLevel level, LogFormat format) : level_{level}, format_{format} {
    logger_ = std::make_unique<spdlog::logger>("zvonok", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger_->set_level(to_spdlog(level));
    // Our part of the JSON line begins after the opening brace's first two members.
    logger_->set_pattern(format == LogFormat::Json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                                   : "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v",
                         spdlog::pattern_time_type::utc);
    logger_->flush_on(spdlog::level::trace);
  }
  [[nodiscard]] bool enabled(LogLevel level) const override { return level >= level_; }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    logger_->log(to_spdlog(level), spdlog::string_view_t{format_ == LogFormat::Json ? format_json(message, fields)
                                                                                    : format_text(message, fields)});
  }

 private:
  LogLevel level_;
  LogFormat format_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace

std::unique_ptr<Logger> make_logger(LogLevel level, LogFormat format) {
  return std::make_unique<SpdlogLogger>(level, format);
}

std::string format_text(std::string_view message, std::initializer_list<LogField> fields) {
  std::string out;
  append_escaped(out, message);
  for (const LogField& field : fields) {
    out.push_back(' ');
    out += field.key;
    out.push_back('=');
    const bool quoted = needs_quotes(field.value);
    if (quoted) out.push_back('"');
    append_escaped(out, field.value);
    if (quoted) out.push_back('"');
  }
  return out;
}

std::string format_json(std::string_view message, std::initializer_list<LogField> fields) {
  std::string out = "\"message\":\"";
  append_escaped(out, message);
  out.push_back('"');
  for (const LogField& field : fields) {
    out += ",\"";
    append_escaped(out, field.key);
    out += "\":\"";
    append_escaped(out, field.value);
    out.push_back('"');
  }
  return out;
}

}  // namespace zvonok::app
