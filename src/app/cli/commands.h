// What each command of the command line does. All return the process's exit status.
#pragma once
#include <string>

#include "app/config/config.h"
#include "base/log.h"

namespace zvonok::app {

int serve(const ConfigReport& report, Logger& log);
int show_config(const ConfigReport& report);

enum class MigrateMode { Apply, Status };
int migrate(const Config& config, MigrateMode mode);

struct UserAddRequest {
  std::string email;
  std::string display_name;
  std::string password_file;  // "-" or empty: standard input
};
int user_add(const Config& config, const UserAddRequest& request, Logger& log);
int user_list(const Config& config, const std::string& search);
/// `who` is a user id or an email.
int user_set_disabled(const Config& config, const std::string& who, bool disabled);

/// Whose telephone numbers: who is rung when one is called. `number`: E.164, what a trunk calls it, or `*`.
int number_add(const Config& config, const std::string& number, const std::string& who);
int number_remove(const Config& config, const std::string& number);
int number_list(const Config& config);

struct TokenRequest {
  std::string user;
  std::string name;
  Duration lifetime = hours{1};
};
int token_issue(const Config& config, const TokenRequest& request, Logger& log);

struct XrayConfigRequest {
  std::string certificate_file = "/etc/ssl/zvonok/fullchain.pem";
  std::string key_file = "/etc/ssl/zvonok/privkey.pem";
};
int xray_config(const Config& config, const XrayConfigRequest& request);

/// Checks what usually goes wrong and says what to do about it. 0: all well (warnings allowed), 1: something fails.
int doctor(const ConfigReport& report, Logger& log);

}  // namespace zvonok::app
