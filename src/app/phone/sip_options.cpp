#include "app/phone/sip_options.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace zvonok::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemCa = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t kFileBytesMax = 256 * 1024;

Result<std::string, std::string> read_file(const std::string& path) {
  std::ifstream stream{path};
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream || text.str().size() > kFileBytesMax) return fail("VOIP_SIP_TRUNKS=" + path + " cannot be read");
  return text.str();
}

Result<std::vector<voip_sip::Trunk>, std::string> trunks_of(const Config& config) {
  if (!config.voip_sip_trunks.empty()) {
    const auto text = read_file(config.voip_sip_trunks);
    if (!text) return fail(text.error());
    auto trunks = voip_sip::parse_trunks(*text);
    if (!trunks) return fail("VOIP_SIP_TRUNKS=" + config.voip_sip_trunks + ": " + trunks.error());
    for (voip_sip::Trunk& trunk : *trunks) {
      if (trunk.from_number.empty()) trunk.from_number = config.voip_from_number;
    }
    return trunks;
  }
  if (config.voip_sip_server.empty()) {
    return fail(std::string{"VOIP_PROVIDER=sip needs VOIP_SIP_SERVER, or VOIP_SIP_TRUNKS for several trunks"});
  }
  voip_sip::Trunk trunk;
  if (auto read = voip_sip::read_server(config.voip_sip_server, trunk); !read) {
    return fail("VOIP_SIP_SERVER=" + config.voip_sip_server + ": " + read.error());
  }
  trunk.user = config.voip_sip_user;
  trunk.password = config.voip_sip_password;
  trunk.domain = config.voip_sip_domain;
  trunk.registers = config.voip_sip_register && !trunk.user.empty();
  trunk.from_number = config.voip_from_number;
  trunk.sealing = config.voip_sip_srtp ? voip_sip::Sealing::Required : voip_sip::Sealing::Off;
  if (auto checked = voip_sip::check_trunk(trunk); !checked) return fail("VOIP_SIP_*: " + checked.error());
  return std::vector{std::move(trunk)};
}

/// The library wants the CAs as a file of this name in a folder, and takes our own certificate from there, too.
Result<std::string, std::string> tls_folder(const Config& config) {
  const fs::path folder = fs::path{config.data_dir} / "sip";
  const std::string ca = config.voip_sip_ca.empty() ? kSystemCa : config.voip_sip_ca;
  std::error_code error;
  if (!fs::exists(ca, error)) return fail("VOIP_SIP_CA=" + ca + " is not there: TLS trunks can't be checked");
  fs::create_directories(folder, error);
  fs::remove(folder / "cafile.pem", error);
  error.clear();
  fs::create_symlink(fs::absolute(ca), folder / "cafile.pem", error);
  if (error) return fail("cannot write to " + folder.string() + ": " + error.message());
  return folder.string();
}

}  // namespace

Result<voip_sip::SipOptions, std::string> sip_options(const Config& config) {
  auto trunks = trunks_of(config);
  if (!trunks) return fail(std::move(trunks.error()));
  voip_sip::SipOptions options;
  voip_sip::AgentOptions& agent = options.agent;
  agent.trunks = std::move(*trunks);
  agent.port = config.voip_sip_port;
  agent.dialogs_max = std::min<std::size_t>(config.calls_max, agent.dialogs_max);
  agent.session_expires = config.voip_sip_session_expires;
  agent.keep_alive = config.voip_sip_keep_alive;
  options.silence_max = config.voip_sip_silence_max;
  if (const auto bind = IpAddress::parse(config.bind_address)) agent.bind = *bind;
  if (!config.voip_sip_address.empty()) {
    const auto ip = IpAddress::parse(config.voip_sip_address);
    if (!ip) return fail("VOIP_SIP_ADDRESS=" + config.voip_sip_address + " is not a numeric address");
    options.media_address = *ip;
    agent.advertised = ip->is_v4() ? ip->to_text() : "[" + ip->to_text() + "]";
  }
  options.rtp_ports = {.first = config.voip_rtp_ports.first, .last = config.voip_rtp_ports.last};
  const auto is_tls = [](const voip_sip::Trunk& trunk) { return trunk.transport == voip_sip::Transport::Tls; };
  if (std::ranges::any_of(agent.trunks, is_tls)) {
    auto folder = tls_folder(config);
    if (!folder) return fail(std::move(folder.error()));
    agent.certificates = std::move(*folder);
  }
  return options;
}

}  // namespace zvonok::app
