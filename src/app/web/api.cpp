#include "app/web/api.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "app/blocking.h"
#include "base/overloaded.h"
#include "identity/account_rules.h"
#include "net/clock.h"
#include "rest/auth_api.h"
#include "rest/call_filter.h"
#include "rest/calls_api.h"
#include "rest/chats_api.h"
#include "rest/groups_api.h"
#include "rest/paging.h"
#include "rest/rooms_api.h"
#include "rest/users_api.h"

namespace zvonok::app {
namespace {

using identity::IdentityResult;
using identity::Login;
using identity::LoginOutcome;

/// Who waited this long for a hash is about to be told 503 by the edge: hashing would only hold up the others.
constexpr Duration kPasswordPatience = seconds{25};

bool waited_too_long(const Now& asked) {
  return net::read_clocks().mono - asked.mono > kPasswordPatience;
}

identity::IdentityError too_late() {
  return {.kind = identity::IdentityErrorKind::Unavailable, .revoked_session = {}, .detail = "too many logins wait"};
}

/// A page of records with the names of the other sides, where the store knows them.
port::StoreResult<port::Page<rest::CallRow>> with_names(port::Store& store, const UserId& viewer,
                                                        port::Page<call::CallRecord> page) {
  port::Page<rest::CallRow> rows;
  rows.next = std::move(page.next);
  std::unordered_map<UserId, std::optional<std::string>> names;
  for (call::CallRecord& record : page.items) {
    const UserId& peer = rest::peer_of(record, viewer);
    if (!names.contains(peer)) {
      auto user = store.find_user(peer);
      if (!user) return fail(user.error());
      names[peer] = *user ? std::optional{(*user)->display_name} : std::nullopt;
    }
    auto name = names[peer];
    rows.items.push_back({std::move(record), std::move(name)});
  }
  return rows;
}

/// The chat, for one of its two members only.
port::StoreResult<std::optional<port::PrivateChat>> own_chat(port::Store& store, const ChatId& id, const UserId& user) {
  auto chat = store.find_private_chat(id);
  if (chat && *chat && (*chat)->first != user && (*chat)->second != user) return std::nullopt;
  return chat;
}

port::StoreResult<std::string> name_of(port::Store& store, const UserId& user) {
  const auto found = store.find_user(user);
  if (!found) return fail(found.error());
  return *found ? (*found)->display_name : std::string{};
}

port::StoreResult<std::optional<rest::ChatMembers>> own_chat_members(port::Store& store, const ChatId& id,
                                                                     const UserId& user) {
  const auto chat = own_chat(store, id, user);
  if (!chat) return fail(chat.error());
  if (!*chat) return std::nullopt;
  auto first = name_of(store, (*chat)->first);
  if (!first) return fail(first.error());
  auto second = name_of(store, (*chat)->second);
  if (!second) return fail(second.error());
  return rest::ChatMembers{.chat = **chat, .first_name = std::move(*first), .second_name = std::move(*second)};
}

/// How a change ended, and what there is after it; nothing when somebody else's change came between.
template <class Seen>
struct GroupChange {
  port::GroupOutcome outcome = port::GroupOutcome::Unchanged;
  std::optional<Seen> seen;
};
using GroupSeen = GroupChange<port::Membership>;
using MemberSeen = GroupChange<port::GroupMember>;

port::StoreResult<GroupSeen> with_group(port::Store& store, const port::StoreResult<port::GroupOutcome>& outcome,
                                        const port::GroupId& id, const UserId& user) {
  if (!outcome) return fail(outcome.error());
  if (rest::problem_of(*outcome)) return GroupSeen{.outcome = *outcome, .seen = std::nullopt};
  auto seen = store.find_membership(id, user);
  if (!seen) return fail(seen.error());
  return GroupSeen{.outcome = *outcome, .seen = std::move(*seen)};
}

void reply_group(Exchange& e, const port::StoreResult<GroupSeen>& result) {
  if (!result) {
    e.reply(rest::problem_of(result.error()));
  } else if (const auto problem = rest::problem_of(result->outcome)) {
    e.reply(*problem);
  } else if (!result->seen) {
    e.reply(rest::no_such_group());
  } else {
    e.reply(rest::encode_group(*result->seen, result->outcome));
  }
}

call::RoomKey room_of(const port::GroupId& group) {
  return {.kind = call::RoomKind::Group, .id = ChatId{group.value()}};
}

bool is_gone(const port::StoreResult<port::GroupOutcome>& result) {
  return result && *result == port::GroupOutcome::Changed;
}

void reply_gone(Exchange& e, const port::StoreResult<port::GroupOutcome>& result) {
  if (!result) {
    e.reply(rest::problem_of(result.error()));
  } else if (const auto problem = rest::problem_of(*result)) {
    e.reply(*problem);
  } else {
    e.reply(rest::encode_gone());
  }
}

}  // namespace

rest::Problem problem_of(const AccessDenied& denied) {
  return std::visit(Overloaded{[](const identity::AuthError& e) { return rest::unauthorized(e.failure); },
                               [](AccessUnavailable) { return rest::unavailable(); }},
                    denied);
}

Api::Api(Parts parts, const Config& config)
    : parts_{parts},
      registration_{config.registration},
      directory_{config.directory},
      group_ids_{config.group_ids},
      room_members_{config.room_authorizer_url.empty() ? MembersOf::GroupsKeptHere : MembersOf::Messenger},
      ice_servers_{.stun_urls = config.stun_urls,
                   .turn_urls = config.turn_urls,
                   .turn_secret = config.turn_secret,
                   .credential_lifetime = config.turn_credential_ttl} {}

template <class Work, class Reply>
void Api::run(WorkerPool& pool, Exchange exchange, Work work, Reply reply) {
  // Two owners: the task on the pool, and this call, which has to answer when the pool takes nothing.
  const auto shared = std::make_shared<Exchange>(std::move(exchange));
  const bool accepted =
      run_blocking(pool, parts_.loop, std::move(work),
                   [shared, reply = std::move(reply)](auto result) { reply(*shared, std::move(result)); });
  if (!accepted) shared->reply(rest::unavailable());
}

void Api::handle(const rest::Match& match, Exchange exchange) {
  if (match.route->access == rest::Access::Public) {
    dispatch(match, std::move(exchange));
    return;
  }
  const std::string token = rest::token_of(exchange.request());
  parts_.access.check_token(
      token, [this, match, waiting = std::move(exchange)](Result<identity::Principal, AccessDenied> principal) mutable {
        if (!principal) {
          waiting.reply(problem_of(principal.error()));
          return;
        }
        waiting.principal = std::move(*principal);
        dispatch(match, std::move(waiting));
      });
}

void Api::dispatch(const rest::Match& match, Exchange exchange) {
  switch (match.route->id) {
    case rest::RouteId::Register: register_user(std::move(exchange)); return;
    case rest::RouteId::Login: login(std::move(exchange)); return;
    case rest::RouteId::Refresh: refresh(std::move(exchange)); return;
    case rest::RouteId::Logout: logout(std::move(exchange)); return;
    case rest::RouteId::ShowMe: show_me(std::move(exchange)); return;
    case rest::RouteId::UpdateMe: update_me(std::move(exchange)); return;
    case rest::RouteId::IssueWsTicket: issue_ticket(std::move(exchange)); return;
    case rest::RouteId::ListUsers: list_users(std::move(exchange)); return;
    case rest::RouteId::ListCalls: list_calls(std::move(exchange)); return;
    case rest::RouteId::InitiateCall:
    case rest::RouteId::TerminateCall:
    case rest::RouteId::WatchCalls:
    case rest::RouteId::ShowCall:
    case rest::RouteId::AcceptCall:
    case rest::RouteId::RejectCall:
    case rest::RouteId::AnswerCall:
    case rest::RouteId::RestartCallIce:
    case rest::RouteId::WatchCall:
    case rest::RouteId::SendDtmf:
    case rest::RouteId::HoldCall:
    case rest::RouteId::MuteCall:
    case rest::RouteId::InvitePhoneToChatRoom:
    case rest::RouteId::InvitePhoneToGroupRoom:
    case rest::RouteId::DropPhoneFromChatRoom:
    case rest::RouteId::DropPhoneFromGroupRoom: parts_.phone.handle(match, std::move(exchange)); return;
    case rest::RouteId::CreateChat: create_chat(std::move(exchange)); return;
    case rest::RouteId::ListChats: list_chats(std::move(exchange)); return;
    case rest::RouteId::ShowChat: show_chat(match, std::move(exchange)); return;
    case rest::RouteId::ListChatMembers: list_chat_members(match, std::move(exchange)); return;
    case rest::RouteId::CreateGroup: create_group(std::move(exchange)); return;
    case rest::RouteId::ListGroups: list_groups(std::move(exchange)); return;
    case rest::RouteId::ShowGroup: show_group(match, std::move(exchange)); return;
    case rest::RouteId::RenameGroup: rename_group(match, std::move(exchange)); return;
    case rest::RouteId::DeleteGroup: delete_group(match, std::move(exchange)); return;
    case rest::RouteId::ListGroupMembers: list_group_members(match, std::move(exchange)); return;
    case rest::RouteId::PutGroupMember: put_group_member(match, std::move(exchange)); return;
    case rest::RouteId::RemoveGroupMember: remove_group_member(match, std::move(exchange)); return;
    case rest::RouteId::ShowChatRoom: show_room(call::RoomKind::Chat, match, std::move(exchange)); return;
    case rest::RouteId::ShowGroupRoom: show_room(call::RoomKind::Group, match, std::move(exchange)); return;
    case rest::RouteId::RemoveFromChatRoom: remove_from_room(call::RoomKind::Chat, match, std::move(exchange)); return;
    case rest::RouteId::RemoveFromGroupRoom:
      remove_from_room(call::RoomKind::Group, match, std::move(exchange));
      return;
    case rest::RouteId::ListIceServers:
      exchange.reply(rest::encode_ice_servers(ice_servers_, exchange.principal->user, parts_.loop.now().wall));
      return;
    case rest::RouteId::Health:
    case rest::RouteId::Ready:
    case rest::RouteId::Metrics:
    case rest::RouteId::OpenApi: break;  // the front answers these
  }
  exchange.reply(rest::internal_error());
}

// ---- accounts ------------------------------------------------------------------------------------------------------

void Api::register_user(Exchange exchange) {
  if (registration_ == Registration::Closed) {
    exchange.reply(rest::forbidden("registration is closed on this server"));
    return;
  }
  auto body = rest::decode_register(exchange.request());
  if (!body) {
    exchange.reply(body.error());
    return;
  }
  const Now now = parts_.loop.now();
  if (const auto wait = parts_.throttle.take_registration(exchange.request().remote_address, now.mono)) {
    exchange.reply(rest::too_many_requests(*wait));
    return;
  }
  run(
      parts_.passwords, std::move(exchange),
      [&service = parts_.service, registration = std::move(*body), now]() -> IdentityResult<Login> {
        if (waited_too_long(now)) return fail(too_late());
        return service.register_user(registration, now.wall);
      },
      [](Exchange& e, IdentityResult<Login> result) {
        if (result) {
          e.reply(rest::encode_registered(*result));
        } else {
          e.reply(rest::problem_of(result.error()));
        }
      });
}

void Api::login(Exchange exchange) {
  auto body = rest::decode_login(exchange.request());
  if (!body) {
    exchange.reply(body.error());
    return;
  }
  const Now now = parts_.loop.now();
  const std::string email = identity::normalize_email(body->email).value_or(body->email);
  const std::string address = exchange.request().remote_address;
  if (const auto wait = parts_.throttle.begin_login({email, address}, now.mono)) {
    exchange.reply(rest::too_many_requests(*wait));
    return;
  }
  const auto shared = std::make_shared<Exchange>(std::move(exchange));  // owners: the pool's task, and this call
  const bool accepted = run_blocking(
      parts_.passwords, parts_.loop,
      [&service = parts_.service, credentials = std::move(*body), now]() -> IdentityResult<Login> {
        if (waited_too_long(now)) return fail(too_late());
        return service.login(credentials, now.wall);
      },
      [this, shared, email, address](IdentityResult<Login> result) {
        const bool wrong = !result && result.error().kind == identity::IdentityErrorKind::WrongCredentials;
        const LoginOutcome outcome =
            result ? LoginOutcome::Succeeded : (wrong ? LoginOutcome::Failed : LoginOutcome::Undecided);
        parts_.throttle.end_login({email, address}, outcome, parts_.loop.now().mono);
        if (result) {
          shared->reply(rest::encode_login(*result));
        } else {
          shared->reply(rest::problem_of(result.error()));
        }
      });
  if (accepted) return;
  parts_.throttle.end_login({email, address}, LoginOutcome::Undecided, now.mono);
  shared->reply(rest::unavailable());
}

void Api::end_session(const std::string& session_id) {
  if (session_id.empty()) return;
  parts_.revocations.revoke(session_id, parts_.loop.now().wall);
  parts_.control.close_session(session_id);
  parts_.tunnels.close_session(session_id);
  parts_.phone.close_session(session_id);
  parts_.rooms.close_session(session_id);
}

void Api::refresh(Exchange exchange) {
  auto token = rest::decode_refresh(exchange.request());
  if (!token) {
    exchange.reply(token.error());
    return;
  }
  run(
      parts_.storage, std::move(exchange),
      [&service = parts_.service, refresh_token = std::move(*token), wall = parts_.loop.now().wall] {
        return service.refresh(refresh_token, wall);
      },
      [this](Exchange& e, IdentityResult<Login> result) {
        if (result) {
          e.reply(rest::encode_login(*result));
          return;
        }
        if (!result.error().revoked_session.empty()) {
          parts_.log.warn("a refresh token was used twice; its session has ended",
                          {{"session", result.error().revoked_session}, {"request", e.request().request_id}});
        }
        end_session(result.error().revoked_session);
        e.reply(rest::problem_of(result.error()));
      });
}

void Api::logout(Exchange exchange) {
  auto token = rest::decode_logout(exchange.request());
  if (!token) {
    exchange.reply(token.error());
    return;
  }
  const auto finish = [this](Exchange e, identity::LogoutRequest request) {
    run(
        parts_.storage, std::move(e),
        [&service = parts_.service, request = std::move(request), wall = parts_.loop.now().wall] {
          return service.logout(request, wall);
        },
        [this](Exchange& answered, IdentityResult<std::string> session) {
          if (!session) {
            answered.reply(rest::problem_of(session.error()));
            return;
          }
          end_session(*session);
          answered.reply(rest::encode_logged_out());
        });
  };
  if (!token->reveal().empty()) {
    finish(std::move(exchange), {.refresh_token = std::move(*token), .session_id = {}});
    return;
  }
  const std::string access_token = rest::token_of(exchange.request());
  parts_.access.check_token(access_token, [waiting = std::move(exchange),
                                           finish](Result<identity::Principal, AccessDenied> principal) mutable {
    if (!principal) {
      waiting.reply(problem_of(principal.error()));
    } else if (principal->session_id.empty()) {
      waiting.reply(rest::encode_logged_out());  // a messenger's token has no session here
    } else {
      finish(std::move(waiting), {.refresh_token = {}, .session_id = principal->session_id});
    }
  });
}

void Api::show_me(Exchange exchange) {
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange), [&service = parts_.service, user] { return service.find(user); },
      [](Exchange& e, IdentityResult<port::User> result) {
        if (result) {
          e.reply(rest::encode_me(*result));
        } else {
          e.reply(rest::problem_of(result.error()));
        }
      });
}

void Api::update_me(Exchange exchange) {
  auto name = rest::decode_update_me(exchange.request());
  if (!name) {
    exchange.reply(name.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&service = parts_.service, user, name = std::move(*name)] { return service.rename(user, name); },
      [](Exchange& e, IdentityResult<port::User> result) {
        if (result) {
          e.reply(rest::encode_me(*result));
        } else {
          e.reply(rest::problem_of(result.error()));
        }
      });
}

void Api::issue_ticket(Exchange exchange) {
  const std::string ticket = parts_.tickets.issue(*exchange.principal, parts_.entropy, parts_.loop.now().mono);
  exchange.reply(rest::encode_ticket(ticket, parts_.tickets.lifetime()));
}

// ---- people, calls, chats ------------------------------------------------------------------------------------------

void Api::list_users(Exchange exchange) {
  if (directory_ == Directory::Off) {
    exchange.reply(rest::forbidden("the directory is off on this server"));
    return;
  }
  auto request = rest::decode_list_users(exchange.request());
  if (!request) {
    exchange.reply(request.error());
    return;
  }
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, request = std::move(*request)] { return store.list_users(request); },
      [this](Exchange& e, port::StoreResult<port::Page<port::User>> result) {
        if (!result) {
          e.reply(rest::problem_of(result.error()));
          return;
        }
        port::Page<rest::UserRow> page;
        page.next = std::move(result->next);
        for (port::User& user : result->items) {
          const auto online = parts_.control.is_online(user.id) ? rest::Online::Yes : rest::Online::No;
          page.items.push_back({std::move(user), online});
        }
        e.reply(rest::encode_users(page, e.principal->user));
      });
}

/// A page is a query in the lane in which phone calls are written and dialed: nobody may fill it.
void Api::list_calls(Exchange exchange) {
  PhoneApi& phone = parts_.phone.api();
  const UserId user = exchange.principal->user;
  const rest::RateLimit::Verdict rate = phone.count_request(user);
  const auto reply = [rate](Exchange& e, HttpResponse response) {
    rest::add_rate_limit(response, rate);
    e.reply(std::move(response));
  };
  const auto refuse = [reply](Exchange& e, const rest::Problem& problem) {
    reply(e, rest::to_response(problem, e.request().request_id));
  };
  if (!rate.allowed) return refuse(exchange, rest::too_many_requests(rate.reset));
  auto page = rest::decode_page(exchange.request());
  auto filter = rest::decode_call_filter(exchange.request());
  if (!page || !filter) return refuse(exchange, !page ? page.error() : filter.error());
  if (!phone.begin_read(user)) return refuse(exchange, rest::too_many_requests(seconds{1}));
  // Two owners: the journal's task, and this call, which has to answer when the journal takes nothing.
  const auto shared = std::make_shared<Exchange>(std::move(exchange));
  const bool accepted = parts_.journal.query([this, user, shared, reply, refuse, page = std::move(*page),
                                              filter = std::move(*filter)](port::CallStore* store) {
    using Rows = port::StoreResult<port::Page<rest::CallRow>>;
    auto found = store == nullptr ? port::StoreResult<CallJournal::HistoryPage>{fail(CallJournal::database_is_down())}
                                  : store->search_calls(user, filter, page);
    Rows rows = found ? with_names(parts_.store, user, std::move(*found)) : Rows{fail(found.error())};
    parts_.loop.post([this, shared, user, reply, refuse, rows = std::move(rows)] {
      parts_.phone.api().end_read(user);
      if (rows) {
        reply(*shared, rest::encode_calls(*rows, user));
      } else {
        refuse(*shared, rest::problem_of(rows.error()));
      }
    });
  });
  if (accepted) return;
  phone.end_read(user);
  refuse(*shared, rest::unavailable());
}

void Api::create_chat(Exchange exchange) {
  auto other = rest::decode_create_chat(exchange.request());
  if (!other) {
    exchange.reply(other.error());
    return;
  }
  const UserId& self = exchange.principal->user;
  const auto [first, second] = std::minmax(self, *other);
  const port::PrivateChat chat{
      .id = ChatId{make_uuid(parts_.entropy)}, .first = first, .second = second, .created_at = parts_.loop.now().wall};
  run(
      parts_.storage, std::move(exchange), [&store = parts_.store, chat] { return store.ensure_private_chat(chat); },
      [id = chat.id](Exchange& e, port::StoreResult<port::PrivateChat> result) {
        if (result) {
          e.reply(rest::encode_chat(*result, result->id == id ? rest::ChatOrigin::Made : rest::ChatOrigin::Found));
        } else {
          e.reply(rest::problem_of_create_chat(result.error()));
        }
      });
}

void Api::list_chats(Exchange exchange) {
  auto page = rest::decode_page(exchange.request());
  if (!page) {
    exchange.reply(page.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, user, page = std::move(*page)] { return store.list_private_chats(user, page); },
      [](Exchange& e, port::StoreResult<port::Page<port::PrivateChat>> result) {
        if (result) {
          e.reply(rest::encode_chats(*result));
        } else {
          e.reply(rest::problem_of(result.error()));
        }
      });
}

void Api::show_chat(const rest::Match& match, Exchange exchange) {
  auto id = rest::chat_id_of(match.param("id"));
  if (!id) {
    exchange.reply(id.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, id = std::move(*id), user] { return own_chat(store, id, user); },
      [](Exchange& e, port::StoreResult<std::optional<port::PrivateChat>> chat) {
        if (!chat) {
          e.reply(rest::problem_of(chat.error()));
        } else if (!*chat) {
          e.reply(rest::no_such_chat());
        } else {
          e.reply(rest::encode_chat(**chat, rest::ChatOrigin::Found));
        }
      });
}

void Api::list_chat_members(const rest::Match& match, Exchange exchange) {
  auto id = rest::chat_id_of(match.param("id"));
  if (!id) {
    exchange.reply(id.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, id = std::move(*id), user] { return own_chat_members(store, id, user); },
      [](Exchange& e, port::StoreResult<std::optional<rest::ChatMembers>> members) {
        if (!members) {
          e.reply(rest::problem_of(members.error()));
        } else if (!*members) {
          e.reply(rest::no_such_chat());
        } else {
          e.reply(rest::encode_chat_members(**members));
        }
      });
}

// ---- groups --------------------------------------------------------------------------------------------------------

void Api::create_group(Exchange exchange) {
  auto body = rest::decode_create_group(exchange.request());
  if (!body) {
    exchange.reply(body.error());
    return;
  }
  if (body->id && group_ids_ == GroupIds::Generated) {
    exchange.reply(rest::forbidden("The ids of groups are made by this server"));
    return;
  }
  port::NewGroup group{.group = {.id = body->id ? *body->id : port::GroupId{make_uuid(parts_.entropy)},
                                 .title = std::move(body->title),
                                 .created_by = exchange.principal->user,
                                 .created_at = parts_.loop.now().wall},
                       .members = std::move(body->members)};
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, group = std::move(group)] {
        return with_group(store, store.create_group(group), group.group.id, group.group.created_by);
      },
      [](Exchange& e, port::StoreResult<GroupSeen> result) { reply_group(e, result); });
}

void Api::list_groups(Exchange exchange) {
  auto page = rest::decode_page(exchange.request());
  if (!page) {
    exchange.reply(page.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, user, page = std::move(*page)] { return store.list_groups(user, page); },
      [](Exchange& e, port::StoreResult<port::Page<port::Membership>> result) {
        if (result) {
          e.reply(rest::encode_groups(*result));
        } else {
          e.reply(rest::problem_of(result.error()));
        }
      });
}

void Api::show_group(const rest::Match& match, Exchange exchange) {
  auto id = rest::group_id_of(match.param("id"));
  if (!id) {
    exchange.reply(id.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, id = std::move(*id), user] {
        return with_group(store, port::GroupOutcome::Unchanged, id, user);
      },
      [](Exchange& e, port::StoreResult<GroupSeen> result) { reply_group(e, result); });
}

void Api::rename_group(const rest::Match& match, Exchange exchange) {
  auto id = rest::group_id_of(match.param("id"));
  auto title = rest::decode_rename_group(exchange.request());
  if (!id || !title) {
    exchange.reply(!id ? id.error() : title.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, id = std::move(*id), title = std::move(*title), user] {
        return with_group(store, store.rename_group(id, title, user), id, user);
      },
      [](Exchange& e, port::StoreResult<GroupSeen> result) { reply_group(e, result); });
}

void Api::delete_group(const rest::Match& match, Exchange exchange) {
  auto id = rest::group_id_of(match.param("id"));
  if (!id) {
    exchange.reply(id.error());
    return;
  }
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, id = *id, user] { return store.delete_group(id, user); },
      [this, room = room_of(*id)](Exchange& e, port::StoreResult<port::GroupOutcome> result) {
        if (is_gone(result) && room_members_ == MembersOf::GroupsKeptHere) parts_.rooms.remove_everybody(room);
        reply_gone(e, result);
      });
}

void Api::list_group_members(const rest::Match& match, Exchange exchange) {
  auto id = rest::group_id_of(match.param("id"));
  auto page = rest::decode_page(exchange.request());
  if (!id || !page) {
    exchange.reply(!id ? id.error() : page.error());
    return;
  }
  using Members = std::optional<port::Page<port::GroupMember>>;
  const UserId user = exchange.principal->user;
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, id = std::move(*id), page = std::move(*page), user]() -> port::StoreResult<Members> {
        const auto own = store.find_membership(id, user);
        if (!own) return fail(own.error());
        if (!*own) return std::nullopt;
        auto members = store.list_members(id, page);
        if (!members) return fail(members.error());
        return std::move(*members);
      },
      [](Exchange& e, port::StoreResult<Members> members) {
        if (!members) {
          e.reply(rest::problem_of(members.error()));
        } else if (!*members) {
          e.reply(rest::no_such_group());
        } else {
          e.reply(rest::encode_members(**members));
        }
      });
}

void Api::put_group_member(const rest::Match& match, Exchange exchange) {
  auto id = rest::group_id_of(match.param("id"));
  auto member = rest::member_id_of(match.param("userId"));
  auto role = rest::decode_member_role(exchange.request());
  if (!id || !member || !role) {
    exchange.reply(!id ? id.error() : !member ? member.error() : role.error());
    return;
  }
  port::MemberChange change{.group = std::move(*id),
                            .user = std::move(*member),
                            .role = *role,
                            .now = parts_.loop.now().wall,
                            .by = exchange.principal->user};
  const call::RoomKey room = room_of(change.group);
  run(
      parts_.storage, std::move(exchange),
      [&store = parts_.store, change = std::move(change)]() -> port::StoreResult<MemberSeen> {
        const auto outcome = store.put_member(change);
        if (!outcome) return fail(outcome.error());
        if (rest::problem_of(*outcome)) return MemberSeen{.outcome = *outcome, .seen = std::nullopt};
        auto seen = store.find_member(change.group, change.user);
        if (!seen) return fail(seen.error());
        return MemberSeen{.outcome = *outcome, .seen = std::move(*seen)};
      },
      [this, room](Exchange& e, port::StoreResult<MemberSeen> result) {
        if (result && result->seen && result->outcome == port::GroupOutcome::Changed &&
            room_members_ == MembersOf::GroupsKeptHere) {
          parts_.rooms.change_role(room, result->seen->user, port::room_role_of(result->seen->role));
        }
        if (!result) {
          e.reply(rest::problem_of(result.error()));
        } else if (const auto problem = rest::problem_of(result->outcome)) {
          e.reply(*problem);
        } else if (!result->seen) {
          e.reply(rest::no_such_group());
        } else {
          e.reply(rest::encode_member(*result->seen, result->outcome));
        }
      });
}

void Api::remove_group_member(const rest::Match& match, Exchange exchange) {
  auto id = rest::group_id_of(match.param("id"));
  auto member = rest::member_id_of(match.param("userId"));
  if (!id || !member) {
    exchange.reply(!id ? id.error() : member.error());
    return;
  }
  port::MemberRemoval removal{.group = std::move(*id), .user = std::move(*member), .by = exchange.principal->user};
  run(
      parts_.storage, std::move(exchange), [&store = parts_.store, removal] { return store.remove_member(removal); },
      [this, room = room_of(removal.group), user = removal.user](Exchange& e,
                                                                 port::StoreResult<port::GroupOutcome> result) {
        if (is_gone(result) && room_members_ == MembersOf::GroupsKeptHere) parts_.rooms.remove_member(room, user);
        reply_gone(e, result);
      });
}

// ---- rooms ---------------------------------------------------------------------------------------------------------

void Api::show_room(call::RoomKind kind, const rest::Match& match, Exchange exchange) {
  auto room = rest::room_key_of(kind, match.param("id"));
  if (!room) {
    exchange.reply(room.error());
    return;
  }
  const identity::Principal principal = *exchange.principal;
  parts_.room_access.ask(*room, principal,
                         [this, waiting = std::move(exchange), room = *room](port::RoomAnswer answer) mutable {
                           if (std::holds_alternative<port::AuthorizerUnavailable>(answer)) {
                             waiting.reply(rest::unavailable());
                           } else if (std::holds_alternative<port::RoomDenied>(answer)) {
                             waiting.reply(rest::no_member_of_room());
                           } else {
                             waiting.reply(rest::encode_room(parts_.rooms.report(room), waiting.principal->user));
                           }
                         });
}

/// Also how a messenger that keeps the members itself says that somebody is none any more.
void Api::remove_from_room(call::RoomKind kind, const rest::Match& match, Exchange exchange) {
  auto room = rest::room_key_of(kind, match.param("id"));
  auto user = rest::member_id_of(match.param("userId"));
  if (!room || !user) {
    exchange.reply(!room ? room.error() : user.error());
    return;
  }
  const identity::Principal principal = *exchange.principal;
  parts_.room_access.ask(
      *room, principal,
      [this, waiting = std::move(exchange), room = *room, user = *user](port::RoomAnswer answer) mutable {
        if (std::holds_alternative<port::AuthorizerUnavailable>(answer)) {
          waiting.reply(rest::unavailable());
        } else if (std::holds_alternative<port::RoomDenied>(answer)) {
          waiting.reply(rest::no_member_of_room());
        } else if (!rest::may_remove(std::get<port::RoomAllowed>(answer), parts_.rooms.describe(room),
                                     waiting.principal->user)) {
          waiting.reply(rest::no_moderator_of_room());
        } else {
          parts_.room_access.forget(room, user);
          parts_.rooms.remove_member(room, user);
          waiting.reply(rest::encode_gone());
        }
      });
}

}  // namespace zvonok::app
