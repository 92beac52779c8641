// The counters of every part, as Prometheus text. Nothing is labelled by user, call or address: the number of series is
// fixed. Belongs to the loop's thread.
#pragma once
#include <string>

#include "app/call_journal.h"
#include "app/control.h"
#include "app/media/media_shards.h"
#include "app/media/stun_server.h"
#include "app/phone/phone_service.h"
#include "app/rooms/room_access.h"
#include "app/rooms/room_control.h"
#include "app/tunnel/tunnel_service.h"
#include "app/worker_pool.h"
#include "identity/login_throttle.h"
#include "identity/tickets.h"
#include "net/loop.h"
#include "net/server.h"

namespace zvonok::app {

class Metrics {
 public:
  struct Parts {
    net::Loop& loop;
    const WorkerPool& storage;
    const WorkerPool& passwords;
    const CallJournal& journal;
    const Control& control;
    const TunnelService& tunnels;
    const PhoneService& phone;
    const identity::LoginThrottle& throttle;
    const identity::Tickets& tickets;
    const RoomControl& rooms;
    const RoomAccess& room_access;
    const WorkerPool* messenger = nullptr;  // none when members are kept here
  };
  explicit Metrics(Parts parts) : parts_{parts} {}
  void attach(net::Server& server) { server_ = &server; }
  void attach(const MediaShards& media) { media_ = &media; }
  void attach(const StunServer& stun) { stun_ = &stun; }

  [[nodiscard]] std::string render();

 private:
  Parts parts_;
  net::Server* server_ = nullptr;
  const MediaShards* media_ = nullptr;
  const StunServer* stun_ = nullptr;
};

}  // namespace zvonok::app
