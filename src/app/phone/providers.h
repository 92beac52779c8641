// The telephone company that the settings name.
#pragma once
#include <memory>
#include <string>

#include "app/config/config.h"
#include "app/phone/phone_door.h"
#include "app/phone/phone_figures.h"
#include "base/log.h"
#include "base/result.h"
#include "net/loop.h"
#include "port/phone_provider.h"

namespace zvonok::app {

struct ProviderParts {
  net::Loop& loop;  // of the control thread
  Logger& log;
};

struct MadeProvider {
  std::unique_ptr<port::PhoneProvider> provider;
  std::unique_ptr<PhoneDoor> door;        // of that provider; null when nobody comes in for it
  std::unique_ptr<PhoneFigures> figures;  // likewise; null when it counts nothing
};

/// The error is one line for the operator that names the setting.
[[nodiscard]] Result<MadeProvider, std::string> make_provider(const Config& config, ProviderParts parts);

}  // namespace zvonok::app
