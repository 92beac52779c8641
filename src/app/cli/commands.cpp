#include "app/cli/commands.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include <malloc.h>

#include "app/data_dir.h"
#include "app/node.h"
#include "app/phone/spending.h"
#include "app/setup.h"
#include "call/phone_words.h"
#include "identity/account_rules.h"
#include "net/clock.h"
#include "net/system_entropy.h"
#include "proto/json_scan.h"

namespace zvonok::app {
namespace {

int complain(const std::string& message) {
  std::cerr << "zvonok: " << message << "\n";
  return 1;
}

Result<std::unique_ptr<store_sql::StoreSql>, std::string> open_store(const Config& config) {
  if (auto made = make_data_dir(config.data_dir); !made) return fail(std::move(made.error()));
  auto options = store_options(config);
  if (!options) return fail(std::move(options.error()));
  auto store = store_sql::StoreSql::create(*options);
  if (!store) return fail(describe_database(config) + ": " + store.error().message);
  return std::move(*store);
}

std::string read_password(const std::string& file) {
  std::string password;
  if (file.empty() || file == "-") {
    if (file.empty()) std::cerr << "Password: " << std::flush;
    std::getline(std::cin, password);
  } else {
    std::ifstream stream{file};
    std::getline(stream, password);
  }
  return password;
}

port::StoreResult<std::optional<port::User>> find_user(port::Store& store, const std::string& who) {
  auto found = store.find_user(UserId{who});
  if (!found || *found) return found;
  return store.find_user_by_email(identity::normalize_email(who).value_or(who));
}

}  // namespace

int serve(const ConfigReport& report, Logger& log) {
  std::signal(SIGPIPE, SIG_IGN);
  // Large buffers go back to the system when they are freed; few arenas, since few threads allocate much.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  ::mallopt(M_ARENA_MAX, 2);
  auto node = Node::create(report.config, log, SignalUse::Handle);
  if (!node) return complain(node.error());
  (*node)->run();
  node->reset();
  log.info("stopped");
  return 0;
}

int show_config(const ConfigReport& report) {
  std::cout << print_config(report);
  return 0;
}

int migrate(const Config& config, MigrateMode mode) {
  if (auto made = make_data_dir(config.data_dir); !made) return complain(made.error());
  const auto options = store_options(config);
  if (!options) return complain(options.error());
  if (mode == MigrateMode::Apply) {
    const auto applied = store_sql::migrate(*options);
    if (!applied) return complain(applied.error().message);
    for (const auto& migration : applied->applied)
      std::cout << "applied " << migration.version << " " << migration.name << "\n";
    if (applied->applied.empty()) std::cout << "up to date\n";
    return 0;
  }
  const auto status = store_sql::migration_status(*options);
  if (!status) return complain(status.error().message);
  int result = 0;
  for (const auto& migration : *status) {
    std::cout << store_sql::to_text(migration.state) << "\t" << migration.version << "\t" << migration.name;
    if (migration.applied_at) std::cout << "\t" << format_rfc3339(*migration.applied_at);
    std::cout << "\n";
    if (migration.state == store_sql::MigrationState::Edited || migration.state == store_sql::MigrationState::Unknown) {
      result = 1;
    }
  }
  return result;
}

int user_add(const Config& config, const UserAddRequest& request, Logger& log) {
  auto store = open_store(config);
  if (!store) return complain(store.error());
  net::SystemEntropy entropy;
  const auto secret = signing_secret(config, entropy, log);
  if (!secret) return complain(secret.error());
  auto key = jwt::Key::hs256(secret->reveal());
  auto passwords = password_hasher(config);
  if (!key || !passwords) return complain(passwords ? "JWT_SECRET cannot be used" : passwords.error());
  identity::IdentityService service{{**store, entropy, std::move(*passwords), std::move(*key)},
                                    identity_options(config)};
  const auto added = service.register_user({.email = request.email,
                                            .password = Private<std::string>{read_password(request.password_file)},
                                            .display_name = request.display_name},
                                           net::read_clocks().wall);
  if (!added)
    return complain("cannot add " + request.email + ": " + std::string{identity::to_text(added.error().kind)});
  std::cout << added->user.id.value() << "\n";
  return 0;
}

int user_list(const Config& config, const std::string& search) {
  auto store = open_store(config);
  if (!store) return complain(store.error());
  port::UserStore::ListUsers request{.search = search, .include_disabled = true, .page = {.after = "", .limit = 200}};
  for (;;) {
    const auto page = (*store)->list_users(request);
    if (!page) return complain(page.error().detail);
    for (const port::User& user : page->items) {
      std::cout << user.id.value() << "\t" << user.email.value_or("-") << "\t" << user.display_name << "\t"
                << (user.disabled ? "disabled" : "active") << "\t" << format_rfc3339(user.created_at) << "\n";
    }
    if (page->next.empty()) return 0;
    request.page.after = page->next;
  }
}

int user_set_disabled(const Config& config, const std::string& who, bool disabled) {
  auto store = open_store(config);
  if (!store) return complain(store.error());
  const auto user = find_user(**store, who);
  if (!user) return complain(user.error().detail);
  if (!*user) return complain("there is no user " + who);
  if (const auto set = (*store)->set_user_disabled((*user)->id, disabled); !set) return complain(set.error().detail);
  if (disabled) {
    const auto revoked = (*store)->revoke_user_sessions((*user)->id, net::read_clocks().wall);
    if (!revoked) return complain(revoked.error().detail);
    std::cout << "disabled; " << revoked->size() << " logins ended; a running server notices within ten seconds\n";
  } else {
    std::cout << "enabled\n";
  }
  return 0;
}

int number_add(const Config& config, const std::string& number, const std::string& who) {
  const bool printable = std::ranges::all_of(number, [](char c) { return c > ' ' && c < '\x7f'; });
  if (number.empty() || number.size() > call::phone::kIncomingTextBytesMax || !printable) {
    return complain("a number is E.164 such as +4930123456, what a trunk calls it, or * for all that nobody has");
  }
  auto store = open_store(config);
  if (!store) return complain(store.error());
  const auto user = find_user(**store, who);
  if (!user) return complain(user.error().detail);
  // A user of a messenger may be known by tokens alone.
  if (!*user && (who.contains('@') || !jwt::is_user_id(who))) return complain("there is no user " + who);
  const UserId id = *user ? (*user)->id : UserId{who};
  const auto put = (*store)->put_phone_number({.number = number, .user = id, .since = net::read_clocks().wall});
  if (!put) return complain(put.error().detail);
  std::cout << number << "\t" << id.value() << (*user ? "" : "\tnot known here yet") << "\n";
  return 0;
}

int number_remove(const Config& config, const std::string& number) {
  auto store = open_store(config);
  if (!store) return complain(store.error());
  if (const auto removed = (*store)->remove_phone_number(number); !removed) return complain(removed.error().detail);
  return 0;
}

int number_list(const Config& config) {
  auto store = open_store(config);
  if (!store) return complain(store.error());
  port::PageRequest request{.after = "", .limit = port::kPageLimitMax};
  for (;;) {
    const auto page = (*store)->list_phone_numbers(std::nullopt, request);
    if (!page) return complain(page.error().detail);
    for (const port::PhoneNumberOwner& owner : page->items) {
      std::cout << owner.number << "\t" << owner.user.value() << "\t" << format_rfc3339(owner.since) << "\n";
    }
    if (page->next.empty()) return 0;
    request.after = page->next;
  }
}

int token_issue(const Config& config, const TokenRequest& request, Logger& log) {
  if (!jwt::is_user_id(request.user)) return complain("--user: 1 to 128 bytes without control characters");
  net::SystemEntropy entropy;
  if (auto made = make_data_dir(config.data_dir); !made) return complain(made.error());
  const auto secret = signing_secret(config, entropy, log);
  if (!secret) return complain(secret.error());
  const auto key = jwt::Key::hs256(secret->reveal());
  if (!key) return complain("JWT_SECRET: " + std::string{jwt::to_text(key.error())});
  const std::int64_t now = unix_seconds(net::read_clocks().wall);
  const std::int64_t lifetime = std::chrono::duration_cast<seconds>(request.lifetime).count();
  std::string claims = "{\"iss\":\"zvonok\",\"sub\":";
  json::append_string(claims, request.user);
  if (!request.name.empty()) {
    claims += ",\"name\":";
    json::append_string(claims, request.name);
  }
  claims += ",\"iat\":" + std::to_string(now) + ",\"exp\":" + std::to_string(now + lifetime) + "}";
  std::cout << jwt::sign_hs256(claims, *key) << "\n";
  return 0;
}

}  // namespace zvonok::app
