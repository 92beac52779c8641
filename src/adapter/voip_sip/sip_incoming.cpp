// Calls that come in: from a trunk's INVITE to our answer or refusal.
#include <algorithm>
#include <utility>

#include "adapter/voip_sip/incoming.h"
#include "adapter/voip_sip/sip_provider.h"

namespace zvonok::voip_sip {
namespace {

constexpr int kTemporarilyUnavailable = 480;
constexpr int kNotAcceptableHere = 488;
constexpr int kServiceUnavailable = 503;

}  // namespace

void SipProvider::on(const IncomingCall& event) {
  const Trunk& trunk = options_.agent.trunks[event.trunk];
  const auto refuse = [&](int status, std::string_view why) {
    ++counters_.incoming_refused;
    log_.warn("a call that came in was refused", {{"trunk", trunk.name}, {"status", status}, {"why", why}});
    agent_->refuse(event.dialog, status);
  };
  if (!tell_incoming_) return refuse(kTemporarilyUnavailable, "nobody takes calls");
  if (trunks_[event.trunk].calls >= trunk.calls_max) return refuse(kServiceUnavailable, "too many calls of the trunk");
  auto owned = std::make_unique<Call>();
  Call& call = *owned;
  const auto address = media_address(event.trunk);
  auto ports = RtpPorts::open(options_.agent.bind, options_.rtp_ports, entropy_);
  if (!ports || !address) {
    ++counters_.no_ports;
    return refuse(kServiceUnavailable, ports ? address.error() : ports.error());
  }
  call.is_incoming = true;
  call.dialog = event.dialog;
  call.source = event.source;
  call.trunk = event.trunk;
  call.link = std::make_shared<LineLink>();
  call.port = ports->port();
  call.ports = std::move(*ports);
  call.media.emplace(
      MediaNegotiation::Local{.address = *address, .port = call.port, .sealing = trunk.sealing, .laws = trunk.laws},
      entropy_);
  if (!event.sdp.empty()) {
    auto answer = call.media->answer(event.sdp, false);
    if (!answer) {
      ++counters_.bad_descriptions;
      return refuse(kNotAcceptableHere, to_text(answer.error()));
    }
    call.answer = std::move(*answer);
  }
  ++trunks_[event.trunk].calls;
  by_dialog_[call.dialog] = &call;
  ++counters_.incoming;
  call.id = tell_incoming_({.from = number_from(event.from, trunk), .to = number_from(event.to, trunk)});
  calls_.emplace(call.id, std::move(owned));
}

void SipProvider::ring(const CallId& id) {
  if (const Call* const call = find(id)) agent_->ring(call->dialog);
}

void SipProvider::accept(const CallId& id) {
  Call* const call = find(id);
  if (call == nullptr || !call->is_incoming || std::exchange(call->accepted, true)) return;
  if (!call->answer) return agent_->answer(call->dialog, call->media->offer(false));  // the offer is ours to make
  agent_->answer(call->dialog, call->answer->sdp);
  agree(*call, call->answer->agreed, call->source);
}

void SipProvider::reject(const CallId& id, call::phone::Rejection why) {
  Call* const call = find(id);
  if (call == nullptr || !call->is_incoming || call->accepted) return;
  ending_.insert(call->dialog);
  agent_->refuse(call->dialog, status_of(why));
  forget(*call);
}

}  // namespace zvonok::voip_sip
