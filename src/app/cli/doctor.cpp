#include <filesystem>
#include <iostream>

#include <sys/resource.h>

#include "app/cli/commands.h"
#include "app/cli/doctor_report.h"
#include "app/data_dir.h"
#include "app/setup.h"
#include "net/clock.h"
#include "net/listen.h"
#include "net/system_entropy.h"
#include "net/tls.h"

namespace zvonok::app {
namespace {

void check_data_dir(DoctorReport& report, const Config& config) {
  if (const auto made = make_data_dir(config.data_dir); !made) {
    report.bad(made.error(), "set DATA_DIR to a folder that this user may write");
    return;
  }
  const auto space = std::filesystem::space(config.data_dir);
  constexpr std::uintmax_t kSpaceMin = 200UL * 1024 * 1024;
  if (space.available < kSpaceMin) {
    report.warn("the data folder " + config.data_dir + " has less than 200 MiB free", "make room, or move DATA_DIR");
  } else {
    report.good("data folder " + config.data_dir + " can be written");
  }
}

void check_secret(DoctorReport& report, const Config& config, Logger& log) {
  net::SystemEntropy entropy;
  const auto secret = signing_secret(config, entropy, log);
  if (!secret) {
    report.bad(secret.error(), "mend the file, or set JWT_SECRET (openssl rand -base64 48)");
    return;
  }
  if (config.jwt_secret.reveal() == "your-secret-key-change-in-production") {
    report.bad("JWT_SECRET is the example of the manual", "make your own: openssl rand -base64 48");
  } else if (config.jwt_secret.reveal().empty()) {
    report.warn("JWT_SECRET is not set; the one in the data folder is used",
                "set it when several nodes, or a messenger's backend, have to share it");
  } else {
    report.good("JWT_SECRET is set");
  }
  if (config.jwt_jwks_file.empty()) return;
  if (const auto keys = verifying_keys(config, *secret, log)) {
    report.good("JWT_JWKS_FILE gives " + std::to_string(keys->size() - 1) + " keys");
  } else {
    report.bad(keys.error(), "check the file: {\"keys\": [...]} with RSA, EC P-256 or Ed25519 public keys");
  }
}

void check_port(DoctorReport& report, const Config& config) {
  const auto listening = net::listen_tcp({.address = config.bind_address, .port = config.server_port});
  if (listening) {
    report.good("port " + std::to_string(config.server_port) + " is free");
  } else {
    report.warn(listening.error(),
                "if that is a running Zvonok, all is well; else choose another SERVER_PORT, and "
                "for ports under 1024 run as root or with CAP_NET_BIND_SERVICE");
  }
}

void check_tls(DoctorReport& report, const Config& config) {
  if (config.tls_cert.empty()) {
    report.warn("TLS is off",
                "browsers give camera and microphone to https pages only (and localhost): set TLS_CERT "
                "and TLS_KEY, or put a proxy in front and name it in TRUSTED_PROXIES");
    return;
  }
  const auto context = net::TlsContext::load({.certificate_chain = config.tls_cert, .private_key = config.tls_key});
  if (!context) {
    report.bad(context.error(), "name PEM files: the chain with the leaf first, and its private key");
    return;
  }
  const std::int64_t days = (context->expires_at() - unix_seconds(net::read_clocks().wall)) / 86400;
  if (days < 0) {
    report.bad("the TLS certificate has expired", "renew it, then send SIGHUP to the server");
  } else if (days < 14) {
    report.warn("the TLS certificate expires in " + std::to_string(days) + " days",
                "renew it, then send SIGHUP to the server");
  } else {
    report.good("TLS certificate is good for " + std::to_string(days) + " days");
  }
}

void check_database(DoctorReport& report, const Config& config) {
  const auto options = store_options(config);
  if (!options) {
    report.bad(options.error(), "check DATABASE_URL or the POSTGRES_ settings");
    return;
  }
  const auto status = store_sql::migration_status(*options);
  if (!status) {
    report.bad(describe_database(config) + ": " + status.error().message,
               "check that it runs, and host, port, user, password and name");
    return;
  }
  std::size_t pending = 0;
  std::size_t wrong = 0;
  for (const auto& migration : *status) {
    if (migration.state == store_sql::MigrationState::Pending) ++pending;
    if (migration.state == store_sql::MigrationState::Edited || migration.state == store_sql::MigrationState::Unknown) {
      ++wrong;
    }
  }
  if (wrong > 0) {
    report.bad(describe_database(config) + ": the schema does not belong to this version (" + std::to_string(wrong) +
                   " migrations differ)",
               "see `zvonok migrate --status`; use the binary that made it, or restore a backup");
  } else if (pending > 0) {
    report.warn(describe_database(config) + ": " + std::to_string(pending) + " migrations are pending",
                "`zvonok serve` or `zvonok migrate` applies them");
  } else {
    report.good(describe_database(config) + " is reached, its schema is current");
  }
}

void check_descriptors(DoctorReport& report, const Config& config) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < config.connections_max) {
    report.warn("the limit on open files is " + std::to_string(limit.rlim_max) + ", CONNECTIONS_MAX is " +
                    std::to_string(config.connections_max),
                "raise it: LimitNOFILE= in the systemd unit, or ulimit -n");
  } else {
    report.good("open files: enough for " + std::to_string(config.connections_max) + " connections");
  }
}

}  // namespace

void DoctorReport::good(const std::string& text) {
  std::cout << "ok    " << text << "\n";
}

void DoctorReport::warn(const std::string& text, const std::string& advice) {
  std::cout << "warn  " << text << "\n      -> " << advice << "\n";
}

void DoctorReport::bad(const std::string& text, const std::string& advice) {
  ++failures_;
  std::cout << "FAIL  " << text << "\n      -> " << advice << "\n";
}

int doctor(const ConfigReport& report, Logger& log) {
  DoctorReport out;
  check_data_dir(out, report.config);
  check_secret(out, report.config, log);
  check_port(out, report.config);
  check_tls(out, report.config);
  check_database(out, report.config);
  check_descriptors(out, report.config);
  check_media(out, report.config);
  check_messenger(out, report.config);
  check_tunnel(out, report.config);
  check_phone(out, report.config);
  if (out.failures() == 0) return 0;
  std::cout << "\n" << out.failures() << " of the checks failed\n";
  return 1;
}

}  // namespace zvonok::app
