// Trunks and ports of SIP as the settings say.
#pragma once
#include <string>

#include "adapter/voip_sip/sip_provider.h"
#include "app/config/config.h"
#include "base/result.h"

namespace zvonok::app {

/// Reads the file of trunks, and where a trunk wants TLS makes a folder for it in DATA_DIR. The error is one line for
/// the operator that names the setting.
[[nodiscard]] Result<voip_sip::SipOptions, std::string> sip_options(const Config& config);

}  // namespace zvonok::app
