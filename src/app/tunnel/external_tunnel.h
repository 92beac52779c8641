// The settings of an external tunnel server, made into its provider.
#pragma once
#include <memory>
#include <string>

#include "adapter/tunnel_xray/xray_provider.h"
#include "app/config/config.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/result.h"
#include "net/loop.h"

namespace zvonok::app {

struct ExternalTunnel {
  std::unique_ptr<tunnel_xray::XrayProvider> provider;  // null: the settings name none
  std::string certificate;                              // PEM, for clients; empty: a publicly trusted one
};

/// `node` tells servers apart that share one tunnel server. The error names the setting.
[[nodiscard]] Result<ExternalTunnel, std::string> make_external_tunnel(const Config& config, const std::string& node,
                                                                       net::Loop& loop, Entropy& entropy, Logger& log);

/// How the settings say to reach the API, for the provider and for checks.
[[nodiscard]] tunnel_xray::Flavour xray_flavour(const Config& config);

}  // namespace zvonok::app
