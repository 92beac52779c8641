// Decides who a token or ticket belongs to and whether that user may come in: cryptography here, the user's row from
// the store when it is not remembered. Belongs to the loop's thread.
#pragma once
#include <functional>
#include <string>
#include <variant>

#include "app/config/config.h"
#include "app/worker_pool.h"
#include "base/entropy.h"
#include "base/result.h"
#include "identity/authenticator.h"
#include "identity/known_users.h"
#include "identity/principal.h"
#include "identity/service.h"
#include "identity/tickets.h"
#include "net/loop.h"

namespace zvonok::app {

/// The store could not be asked; trying again may help.
struct AccessUnavailable {};
using AccessDenied = std::variant<identity::AuthError, AccessUnavailable>;

class Access {
 public:
  using Done = std::move_only_function<void(Result<identity::Principal, AccessDenied>)>;
  struct Parts {
    net::Loop& loop;
    WorkerPool& storage;
    identity::IdentityService& service;
    const identity::Authenticator& authenticator;
    identity::KnownUsers& known_users;
    identity::Tickets& tickets;
    Provision provision = Provision::Builtin;
  };
  explicit Access(Parts parts) : parts_{std::move(parts)} {}

  /// `done` runs on the loop's thread, often before this returns.
  void check_token(const std::string& token, Done done);
  void check_ticket(const std::string& ticket, Done done);

 private:
  void check_user(identity::Principal principal, Done done);
  void ask_store(identity::Principal principal, Done done);

  Parts parts_;
};

}  // namespace zvonok::app
