#include "app/access.h"

#include <memory>

#include "app/blocking.h"

namespace zvonok::app {

using identity::AuthError;
using identity::AuthFailure;
using identity::IdentityErrorKind;
using identity::Principal;
using identity::UserStanding;

void Access::check_token(const std::string& token, Done done) {
  auto principal = parts_.authenticator.verify(token, parts_.loop.now().wall);
  if (!principal) {
    done(fail(AccessDenied{principal.error()}));
    return;
  }
  check_user(std::move(*principal), std::move(done));
}

void Access::check_ticket(const std::string& ticket, Done done) {
  const Now now = parts_.loop.now();
  auto principal = parts_.tickets.redeem(ticket, now.mono);
  if (!principal) {
    done(fail(AccessDenied{AuthError{AuthFailure::BadToken, std::nullopt}}));
    return;
  }
  if (auto good = parts_.authenticator.recheck(*principal, now.wall); !good) {
    done(fail(AccessDenied{good.error()}));
    return;
  }
  check_user(std::move(*principal), std::move(done));
}

void Access::check_user(Principal principal, Done done) {
  const auto standing = parts_.known_users.find(principal.user, parts_.loop.now().mono);
  if (!standing) {
    ask_store(std::move(principal), std::move(done));
    return;
  }
  switch (*standing) {
    case UserStanding::Active: done(std::move(principal)); return;
    case UserStanding::Disabled: done(fail(AccessDenied{AuthError{AuthFailure::Disabled, std::nullopt}})); return;
  }
}

void Access::ask_store(Principal principal, Done done) {
  // Two owners: the task on the pool, and this call, which has to refuse when the pool takes nothing.
  const auto shared_done = std::make_shared<Done>(std::move(done));
  const auto work = [&service = parts_.service, provision = parts_.provision, principal,
                     wall = parts_.loop.now().wall]() {
    return provision == Provision::Jit ? service.provision(principal, wall) : service.find(principal.user);
  };
  const auto finish = [this, principal, shared_done](identity::IdentityResult<port::User> user) {
    const TimePoint now = parts_.loop.now().mono;
    if (!user) {
      const bool unknown = user.error().kind == IdentityErrorKind::UnknownUser;
      (*shared_done)(fail(unknown ? AccessDenied{AuthError{AuthFailure::NoSuchUser, std::nullopt}}
                                  : AccessDenied{AccessUnavailable{}}));
      return;
    }
    const UserStanding standing = user->disabled ? UserStanding::Disabled : UserStanding::Active;
    parts_.known_users.remember(principal.user, standing, now);
    if (user->disabled) {
      (*shared_done)(fail(AccessDenied{AuthError{AuthFailure::Disabled, std::nullopt}}));
    } else {
      (*shared_done)(principal);
    }
  };
  if (!run_blocking(parts_.storage, parts_.loop, work, finish)) (*shared_done)(fail(AccessDenied{AccessUnavailable{}}));
}

}  // namespace zvonok::app
