#include "app/cli/cli.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include <CLI/CLI.hpp>

#include "app/cli/call.h"
#include "app/cli/commands.h"
#include "app/cli/loadtest.h"
#include "app/config/config.h"
#include "app/log_sink.h"

namespace zvonok::app {
namespace {

constexpr int kUsageError = 2;

constexpr const char* kFooter =
    "Settings come from flags, the environment, the file .env of the working folder, and defaults, in this order.\n"
    "`zvonok config` prints all of them with what is in force. The least that runs is `zvonok serve`.\n"
    "\n"
    "Examples:\n"
    "  SERVER_PORT=9000 DATA_DIR=/var/lib/zvonok zvonok serve\n"
    "  zvonok serve --tls-cert fullchain.pem --tls-key privkey.pem --server-port 443\n"
    "  DATABASE_URL=postgres://zvonok:secret@db/zvonok zvonok migrate --status\n"
    "  echo 'a long password' | zvonok user add anna@example.org --name 'Anna'\n"
    "  zvonok number add +4930123456 anna@example.org\n"
    "  zvonok token issue --user 42 --ttl 1h\n"
    "  zvonok xray-config --vpn-provider xray --vpn-port 443 --xray-media 203.0.113.7:3478 > config.json\n"
    "  zvonok call --url https://calls.example.org --token-file token --to bob --play hello.wav --record answer.wav\n"
    "  zvonok doctor\n";

/// Every setting as an option of a command; values are read by load_config, so that one rule holds for all sources.
class SettingFlags {
 public:
  void add_to(CLI::App& command) {
    for (const Setting& setting : settings()) {
      command
          .add_option(flag_name(setting.name), values_[std::string{setting.name}],
                      std::string{setting.help} + " [" + std::string{setting.name} + "]")
          ->group(std::string{setting.section} + " settings")
          ->type_name("")
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  [[nodiscard]] std::vector<NamedValue> given(const CLI::App& command) const {
    std::vector<NamedValue> found;
    for (const auto& [name, value] : values_) {
      const CLI::Option* option = command.get_option_no_throw(flag_name(name));
      if (option != nullptr && option->count() > 0) found.push_back({name, value});
    }
    return found;
  }

 private:
  std::map<std::string, std::string> values_;
};

Result<ConfigReport, std::string> read_config(std::vector<NamedValue> flags) {
  ConfigSources sources;
  sources.flags = std::move(flags);
  sources.environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
  };
  if (std::ifstream file{".env", std::ios::binary}) {
    auto values = parse_dotenv(std::string{std::istreambuf_iterator<char>{file}, {}});
    if (!values) return fail(std::move(values.error()));
    sources.dotenv = std::move(*values);
  }
  return load_config(sources);
}

struct Commands {
  CLI::App* serve;
  CLI::App* config;
  CLI::App* migrate;
  CLI::App* user_add;
  CLI::App* user_list;
  CLI::App* user_disable;
  CLI::App* user_enable;
  CLI::App* number_add;
  CLI::App* number_list;
  CLI::App* number_remove;
  CLI::App* token_issue;
  CLI::App* doctor;
  CLI::App* xray_config;
  CLI::App* version;
};

struct Arguments {
  bool migrate_status = false;
  UserAddRequest user_add;
  std::string user_search;
  std::string user;
  std::string number;
  TokenRequest token;
  std::string token_lifetime = "1h";
  XrayConfigRequest xray;
};

Commands declare(CLI::App& app, Arguments& arguments) {
  Commands c{};
  c.serve = app.add_subcommand("serve", "Run the server until SIGTERM; SIGHUP reads certificates and web app again");
  c.config = app.add_subcommand("config", "Print every setting that is in force and where it comes from");
  c.migrate = app.add_subcommand("migrate", "Bring the database's schema up to date (serve does it, too)");
  c.migrate->add_flag("--status", arguments.migrate_status, "Only say what is applied and what is pending");
  CLI::App* user = app.add_subcommand("user", "Add, list, disable and enable users")->require_subcommand(1);
  c.user_add = user->add_subcommand("add", "Add a user; the password is read from standard input");
  c.user_add->add_option("email", arguments.user_add.email, "Email address, the login")->required();
  c.user_add->add_option("--name", arguments.user_add.display_name, "Display name (default: the address's local part)");
  c.user_add->add_option("--password-file", arguments.user_add.password_file, "Read the password from this file");
  c.user_list = user->add_subcommand("list", "List users");
  c.user_list->add_option("--search", arguments.user_search, "Part of a name or email");
  c.user_disable = user->add_subcommand("disable", "Forbid a user to come in, and end the logins there are");
  c.user_disable->add_option("user", arguments.user, "User id or email")->required();
  c.user_enable = user->add_subcommand("enable", "Undo disable");
  c.user_enable->add_option("user", arguments.user, "User id or email")->required();
  CLI::App* number =
      app.add_subcommand("number", "Say who is rung when a telephone number is called")->require_subcommand(1);
  c.number_add = number->add_subcommand("add", "Give a number to a user; a running server needs no restart");
  c.number_add->add_option("number", arguments.number, "E.164, what a trunk calls it, or * for all others")->required();
  c.number_add->add_option("user", arguments.user, "User id or email")->required();
  c.number_list = number->add_subcommand("list", "List numbers and their users");
  c.number_remove = number->add_subcommand("remove", "Take a number from its user");
  c.number_remove->add_option("number", arguments.number, "As it was added")->required();
  CLI::App* token = app.add_subcommand("token", "Make tokens")->require_subcommand(1);
  c.token_issue = token->add_subcommand("issue", "Print an access token for a user, as a messenger's backend would");
  c.token_issue->add_option("--user", arguments.token.user, "User id (`sub`)")->required();
  c.token_issue->add_option("--name", arguments.token.name, "Display name for AUTH_PROVISION=jit");
  c.token_issue->add_option("--ttl", arguments.token_lifetime, "Life of the token")->capture_default_str();
  c.doctor = app.add_subcommand("doctor", "Check settings, folders, ports, TLS and the database, and say what to mend");
  c.xray_config = app.add_subcommand("xray-config", "Print a safe configuration for the external Xray or v2ray");
  c.xray_config->add_option("--cert", arguments.xray.certificate_file, "PEM file with its certificate chain, there")
      ->capture_default_str();
  c.xray_config->add_option("--key", arguments.xray.key_file, "PEM file with its private key, there")
      ->capture_default_str();
  c.version = app.add_subcommand("version", "Print the version");
  return c;
}

int run_command(const Commands& c, Arguments& arguments, const ConfigReport& report) {
  const Config& config = report.config;
  const auto log = make_logger(config.log_level, config.log_format);
  for (const std::string& warning : report.warnings) log->warn(warning);
  if (c.serve->parsed()) return serve(report, *log);
  if (c.config->parsed()) return show_config(report);
  if (c.migrate->parsed()) {
    return migrate(config, arguments.migrate_status ? MigrateMode::Status : MigrateMode::Apply);
  }
  if (c.user_add->parsed()) return user_add(config, arguments.user_add, *log);
  if (c.user_list->parsed()) return user_list(config, arguments.user_search);
  if (c.user_disable->parsed()) return user_set_disabled(config, arguments.user, true);
  if (c.user_enable->parsed()) return user_set_disabled(config, arguments.user, false);
  if (c.number_add->parsed()) return number_add(config, arguments.number, arguments.user);
  if (c.number_list->parsed()) return number_list(config);
  if (c.number_remove->parsed()) return number_remove(config, arguments.number);
  if (c.xray_config->parsed()) return xray_config(config, arguments.xray);
  if (c.token_issue->parsed()) {
    const auto lifetime = parse_duration(arguments.token_lifetime);
    if (!lifetime) {
      std::cerr << "zvonok: --ttl " << arguments.token_lifetime << " is not a duration such as 1h\n";
      return kUsageError;
    }
    arguments.token.lifetime = *lifetime;
    return token_issue(config, arguments.token, *log);
  }
  return doctor(report, *log);
}

}  // namespace

int run_cli(int argc, char** argv) {
  CLI::App app{"Zvonok: a calls server. Two-person and group calls for any messenger, in one program.", "zvonok"};
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", "zvonok " ZVONOK_VERSION);
  Arguments arguments;
  SettingFlags flags;
  const Commands commands = declare(app, arguments);
  const LoadtestCommand loadtest = add_loadtest(app);
  const CallCommand call = add_call(app);
  const std::vector<CLI::App*> configured{
      commands.serve,        commands.config,      commands.migrate,    commands.user_add,    commands.user_list,
      commands.user_disable, commands.user_enable, commands.number_add, commands.number_list, commands.number_remove,
      commands.token_issue,  commands.doctor,      commands.xray_config};
  for (CLI::App* command : configured) flags.add_to(*command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  if (commands.version->parsed()) {
    std::cout << "zvonok " ZVONOK_VERSION "\n";
    return 0;
  }
  if (loadtest.command->parsed()) return loadtest.run();
  if (call.command->parsed()) return call.run();
  std::vector<NamedValue> given;
  for (const CLI::App* command : configured) {
    if (command->parsed()) given = flags.given(*command);
  }
  const auto report = read_config(std::move(given));
  if (!report) {
    std::cerr << "zvonok: " << report.error() << "\n";
    return kUsageError;
  }
  return run_command(commands, arguments, *report);
}

}  // namespace zvonok::app
