// Phone calls as one part of the node: provider, browser legs, control, events and routes, made in order.
#pragma once
#include <memory>
#include <string>

#include "app/config/config.h"
#include "app/phone/media_legs.h"
#include "app/phone/phone_api.h"
#include "app/phone/phone_control.h"
#include "app/phone/phone_events.h"
#include "app/phone/providers.h"
#include "base/result.h"
#include "port/phone_provider.h"

namespace zvonok::app {

class PhoneService {
 public:
  struct Parts {
    net::Loop& loop;
    CallJournal& journal;
    call::Presence& presence;
    Entropy& entropy;
    Logger& log;
    MadeProvider provider;
  };
  PhoneService(Parts parts, const Config& config);

  /// Before any request.
  void attach(net::Server& server) {
    events_.attach(server);
    if (door_) door_->attach(server);
  }
  /// Before any call.
  void attach(MediaShards& shards, sdp::Fingerprint fingerprint, std::vector<std::vector<std::string>> candidates) {
    legs_.attach(shards, std::move(fingerprint), std::move(candidates));
  }
  [[nodiscard]] MediaLegs& legs() { return legs_; }
  [[nodiscard]] const MediaLegs& legs() const { return legs_; }
  /// What today has cost before this start.
  [[nodiscard]] Result<void, std::string> restore(port::CallStore& store, WallTime now);

  void handle(const rest::Match& match, Exchange exchange) { api_.handle(match, std::move(exchange)); }
  void close_session(const std::string& session_id) { events_.close_session(session_id); }
  /// Before any request about a room.
  void attach(RoomDoor& rooms) { api_.on_rooms(rooms); }
  [[nodiscard]] PhoneApi& api() { return api_; }
  [[nodiscard]] PhoneControl& control() { return control_; }
  [[nodiscard]] const PhoneControl& control() const { return control_; }
  [[nodiscard]] const PhoneEvents& events() const { return events_; }
  /// Calls of which the provider has still to hear that they are over.
  [[nodiscard]] std::size_t pending() const { return provider_->pending(); }
  /// Null when nobody comes in for the provider.
  [[nodiscard]] PhoneDoor* door() const { return door_.get(); }
  /// Null when the provider counts nothing.
  [[nodiscard]] const PhoneFigures* figures() const { return figures_.get(); }

 private:
  std::unique_ptr<port::PhoneProvider> provider_;
  std::unique_ptr<PhoneDoor> door_;
  std::unique_ptr<PhoneFigures> figures_;
  MediaLegs legs_;
  PhoneControl control_;
  PhoneEvents events_;
  PhoneApi api_;
};

}  // namespace zvonok::app
