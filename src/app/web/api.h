// The REST API: what each route does, and on which thread. Decoding and encoding are rest/'s. Belongs to the loop's
// thread; blocking steps run on pools.
#pragma once
#include <functional>

#include "app/access.h"
#include "app/call_journal.h"
#include "app/config/config.h"
#include "app/control.h"
#include "app/phone/phone_service.h"
#include "app/rooms/room_access.h"
#include "app/rooms/room_control.h"
#include "app/tunnel/tunnel_control.h"
#include "app/web/exchange.h"
#include "app/worker_pool.h"
#include "identity/login_throttle.h"
#include "identity/revocations.h"
#include "identity/service.h"
#include "identity/tickets.h"
#include "port/store.h"
#include "rest/ice_servers_api.h"
#include "rest/router.h"

namespace zvonok::app {

/// The answer to a request whose token was refused.
[[nodiscard]] rest::Problem problem_of(const AccessDenied& denied);

/// Whose members may enter a group's room: a group kept here says nothing of rooms when the messenger is asked.
enum class MembersOf { GroupsKeptHere, Messenger };

class Api {
 public:
  struct Parts {
    net::Loop& loop;
    WorkerPool& storage;
    WorkerPool& passwords;
    port::Store& store;
    CallJournal& journal;
    identity::IdentityService& service;
    identity::LoginThrottle& throttle;
    identity::Revocations& revocations;
    identity::KnownUsers& known_users;
    identity::Tickets& tickets;
    Access& access;
    Control& control;
    TunnelControl& tunnels;
    PhoneService& phone;
    RoomControl& rooms;
    RoomAccess& room_access;
    Entropy& entropy;
    Logger& log;
  };
  Api(Parts parts, const Config& config);

  /// Our own STUN, told to clients before those of the settings. Before any request.
  void add_stun_urls(const std::vector<std::string>& urls) {
    ice_servers_.stun_urls.insert(ice_servers_.stun_urls.begin(), urls.begin(), urls.end());
  }
  /// RTCIceServers for that user, as a JSON array.
  [[nodiscard]] std::string ice_servers_of(const UserId& user) const {
    return rest::ice_server_list(ice_servers_, user, parts_.loop.now().wall);
  }
  /// For every route but probes and documents. Checks the token where the route needs one.
  void handle(const rest::Match& match, Exchange exchange);

 private:
  void dispatch(const rest::Match& match, Exchange exchange);
  void register_user(Exchange exchange);
  void login(Exchange exchange);
  void refresh(Exchange exchange);
  void logout(Exchange exchange);
  void show_me(Exchange exchange);
  void update_me(Exchange exchange);
  void issue_ticket(Exchange exchange);
  void list_users(Exchange exchange);
  void list_calls(Exchange exchange);
  void create_chat(Exchange exchange);
  void list_chats(Exchange exchange);
  void show_chat(const rest::Match& match, Exchange exchange);
  void list_chat_members(const rest::Match& match, Exchange exchange);
  void create_group(Exchange exchange);
  void list_groups(Exchange exchange);
  void show_group(const rest::Match& match, Exchange exchange);
  void rename_group(const rest::Match& match, Exchange exchange);
  void delete_group(const rest::Match& match, Exchange exchange);
  void list_group_members(const rest::Match& match, Exchange exchange);
  void put_group_member(const rest::Match& match, Exchange exchange);
  void remove_group_member(const rest::Match& match, Exchange exchange);
  void show_room(call::RoomKind kind, const rest::Match& match, Exchange exchange);
  void remove_from_room(call::RoomKind kind, const rest::Match& match, Exchange exchange);

  void end_session(const std::string& session_id);
  /// `work()` on `pool`, then `reply(exchange, result)` on the loop; 503 when the pool is full.
  template <class Work, class Reply>
  void run(WorkerPool& pool, Exchange exchange, Work work, Reply reply);

  Parts parts_;
  const Registration registration_;
  const Directory directory_;
  const GroupIds group_ids_;
  const MembersOf room_members_;
  rest::IceServers ice_servers_;
};

}  // namespace zvonok::app
