// The log on standard error: one line an event, text or JSON, by spdlog.
#pragma once
#include <memory>

#include "app/config/config.h"
#include "base/log.h"

namespace zvonok::app {

[[nodiscard]] std::unique_ptr<Logger> make_logger(LogLevel level, LogFormat format);

/// The form of one event, without time and level; for the sink and its tests. Control characters and bidirectional
/// overrides in values are escaped, long values are cut.
[[nodiscard]] std::string format_text(std::string_view message, std::initializer_list<LogField> fields);
[[nodiscard]] std::string format_json(std::string_view message, std::initializer_list<LogField> fields);

}  // namespace zvonok::app
