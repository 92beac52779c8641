// The telephone company that the settings name.
#pragma once
#include <memory>
#include <string>

#include "app/config/config.h"
#include "base/log.h"
#include "base/result.h"
#include "net/loop.h"
#include "port/phone_provider.h"

namespace zvonok::app {

struct ProviderParts {
  net::Loop& loop;  // of the control thread
  Logger& log;
};

/// The error is one line for the operator that names the setting.
[[nodiscard]] Result<std::unique_ptr<port::PhoneProvider>, std::string> make_provider(const Config& config,
                                                                                      ProviderParts parts);

}  // namespace zvonok::app
