#include "adapter/voip_sip/sip_provider.h"

#include <algorithm>
#include <utility>

#include <sys/socket.h>

#include "adapter/voip_sip/outcome.h"
#include "base/overloaded.h"
#include "net/sockaddr.h"

namespace zvonok::voip_sip {
namespace {

using call::phone::Answered;
using call::phone::Over;
using call::phone::ProviderEvent;
using call::phone::ProviderFault;
using call::phone::Rings;
using call::phone::Switch;
using call::phone::TookOn;

constexpr int kNotAcceptableHere = 488;

Over failed(ProviderFault fault) {
  return {.how = Over::How::Failed, .fault = fault};
}

/// The address that the system sends from towards `to`; nothing is sent.
std::optional<IpAddress> address_towards(const SocketAddress& to) {
  const net::Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in6 address = net::to_sockaddr(to);
  socklen_t size = sizeof address;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return std::nullopt;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  return net::to_address(address).ip;
}

}  // namespace

Result<std::unique_ptr<SipProvider>, std::string> SipProvider::create(SipOptions options, net::Loop& loop,
                                                                      Logger& log) {
  std::unique_ptr<SipProvider> provider{new SipProvider{std::move(options), loop, log}};
  SipProvider& self = *provider;
  auto agent =
      SipAgent::create(self.options_.agent, loop, log, [&self](const AgentEvent& event) { self.handle(event); });
  if (!agent) return fail(std::move(agent.error()));
  self.agent_ = std::move(*agent);
  return provider;
}

SipProvider::SipProvider(SipOptions options, net::Loop& loop, Logger& log)
    : options_{std::move(options)}, loop_{loop}, log_{log} {
  for (const Trunk& trunk : options_.agent.trunks) {
    trunks_.push_back({.name = trunk.name, .registers = trunk.registers});
  }
}

SipProvider::~SipProvider() {
  for (const auto& [id, call] : calls_) {
    stop_timer(*call);
    call->link->on_silence(loop_, nullptr);
  }
}

// ---- commands ------------------------------------------------------------------------------------------------------

SipProvider::Call* SipProvider::find(const CallId& id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

/// Those that are known to work first, in the order of the settings; the others may have come back since.
std::vector<std::size_t> SipProvider::trunks_for_a_call() const {
  std::vector<std::size_t> order;
  for (const bool good : {true, false}) {
    for (std::size_t i = 0; i < trunks_.size(); ++i) {
      const TrunkState& trunk = trunks_[i];
      if (trunk.calls >= options_.agent.trunks[i].calls_max) continue;
      if (good == (trunk.reachable && (trunk.registered || !trunk.registers))) order.push_back(i);
    }
  }
  return order;
}

Result<IpAddress, std::string> SipProvider::media_address(std::size_t trunk) {
  if (!options_.media_address.is_unspecified()) return options_.media_address;
  if (!options_.agent.bind.is_unspecified()) return options_.agent.bind;
  std::string host = options_.agent.trunks[trunk].host;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  // A name is on the internet: any address there shows the way, and no DNS is waited for here.
  const IpAddress to = IpAddress::parse(host).value_or(IpAddress::v4(0xC0000201));
  if (const auto ip = address_towards({.ip = to, .port = 9})) return *ip;
  return fail(std::string{"there is no way to the trunk"});
}

void SipProvider::dial(const CallId& id, const call::phone::PhoneNumber& number) {
  if (calls_.contains(id)) return;
  ++counters_.dialed;
  auto owned = std::make_unique<Call>();
  Call& call = *owned;
  calls_.emplace(id, std::move(owned));
  call.id = id;
  call.number = number;
  call.link = std::make_shared<LineLink>();
  call.trunks_left = trunks_for_a_call();
  auto ports = RtpPorts::open(options_.agent.bind, options_.rtp_ports, entropy_);
  if (!ports) {
    ++counters_.no_ports;
    log_.error("no port for the sound of a phone call", {{"call", id}, {"error", ports.error()}});
    return give_up(call, failed(ProviderFault::Other));
  }
  call.port = ports->port();
  call.ports = std::move(*ports);
  if (!try_next_trunk(call)) give_up(call, failed(ProviderFault::Unreachable));
}

void SipProvider::end_dialog(DialogId dialog) {
  ending_.insert(dialog);
  agent_->end(dialog);
}

/// Told later: events never come from within `dial`.
void SipProvider::give_up(Call& call, Over how) {
  call.timer = loop_.schedule(loop_.now().mono, [this, id = call.id, how] {
    if (Call* const found = find(id)) {
      found->timer.reset();
      finish(*found, how);
    }
  });
}

bool SipProvider::try_next_trunk(Call& call) {
  while (!call.trunks_left.empty()) {
    call.trunk = call.trunks_left.front();
    call.trunks_left.erase(call.trunks_left.begin());
    const Trunk& trunk = options_.agent.trunks[call.trunk];
    const auto address = media_address(call.trunk);
    if (!address) {
      log_.warn("a trunk can't be reached", {{"trunk", trunk.name}, {"error", address.error()}});
      continue;
    }
    call.media.emplace(
        MediaNegotiation::Local{.address = *address, .port = call.port, .sealing = trunk.sealing, .laws = trunk.laws},
        entropy_);
    call.dialog = DialogId{next_dialog_++};
    call.heard_of = false;
    call.agreed = false;
    by_dialog_[call.dialog] = &call;
    ++trunks_[call.trunk].calls;
    const std::string& number = call.number.value();
    agent_->invite({.dialog = call.dialog,
                    .trunk = call.trunk,
                    .number = trunk.plus ? number : number.substr(1),
                    .sdp = call.media->offer(false)});
    start_timer(call, options_.trunk_timeout, &SipProvider::on_trunk_silent);
    return true;
  }
  return false;
}

void SipProvider::on_trunk_silent(Call& call) {
  log_.warn("a trunk says nothing", {{"trunk", trunks_[call.trunk].name}, {"call", call.id}});
  end_dialog(call.dialog);
  on(call, Refused{.dialog = call.dialog, .status = 408, .by_peer = false, .cause = std::nullopt});
}

std::unique_ptr<port::PhoneLine> SipProvider::take_line(const CallId& id) {
  Call* const call = find(id);
  if (call == nullptr || !call->ports) return nullptr;
  RtpPorts ports = std::move(*std::exchange(call->ports, std::nullopt));
  return std::make_unique<RtpLine>(std::move(ports),
                                   RtpSession::Start{.ssrc = rtp::Ssrc{random_u32(entropy_)},
                                                     .sequence = static_cast<std::uint16_t>(random_u32(entropy_)),
                                                     .timestamp = random_u32(entropy_),
                                                     .cname = make_secret(entropy_, 9)},
                                   call->link, totals_);
}

void SipProvider::hang_up(const CallId& id) {
  Call* const call = find(id);
  if (call == nullptr) return;
  end_dialog(call->dialog);
  forget(*call);
}

void SipProvider::send_dtmf(const CallId& id, std::string_view digits) {
  Call* const call = find(id);
  if (call == nullptr || !call->answered) return;
  call->link->post(
      [digits = std::string{digits}](RtpSession& session, const Now& now) { session.add_digits(now.mono, digits); },
      call->link);
}

void SipProvider::set_hold(const CallId& id, Switch to) {
  Call* const call = find(id);
  if (call == nullptr || call->hold == (to == Switch::On)) return;
  call->hold = to == Switch::On;
  call->link->post([hold = call->hold](RtpSession& session, const Now& now) { session.set_hold(now.mono, hold); },
                   call->link);
  if (call->answered) offer_again(*call);
}

void SipProvider::set_mute(const CallId& id, Switch to) {
  Call* const call = find(id);
  if (call == nullptr) return;
  call->link->post([mute = to == Switch::On](RtpSession& session, const Now&) { session.set_mute(mute); }, call->link);
}

/// One offer at a time (RFC 3261 section 14.1); what has changed meanwhile is offered when it is through.
void SipProvider::offer_again(Call& call) {
  if (std::exchange(call.offered, true)) {
    call.renew_offer = true;
    return;
  }
  agent_->offer(call.dialog, call.media->offer(call.hold));
}

// ---- events of the agent -------------------------------------------------------------------------------------------

void SipProvider::handle(const AgentEvent& event) {
  std::visit(
      [this](const auto& which) {
        using Which = std::decay_t<decltype(which)>;
        if constexpr (requires { which.dialog; } && !std::is_same_v<Which, IncomingCall>) {
          if constexpr (std::is_same_v<Which, Ended> || std::is_same_v<Which, Refused>) ending_.erase(which.dialog);
          const auto call = by_dialog_.find(which.dialog);
          if (call != by_dialog_.end()) on(*call->second, which);
        } else {
          on(which);
        }
      },
      event);
}

void SipProvider::on(Call& call, const Progress& event) {
  if (call.answered) return;
  if (!std::exchange(call.heard_of, true)) start_timer(call, options_.took_on_after, &SipProvider::on_took_on_late);
  if (!event.sdp.empty()) {
    // Early media: an answer to our offer as good as the one of 200 (RFC 3261 section 13.2.1).
    if (const auto agreed = call.media->take_answer(event.sdp)) {
      agree(call, *agreed, event.from);
    } else {
      ++counters_.bad_descriptions;
    }
  }
  if (event.status == 180 || event.status == 183) {
    if (!tell_took_on(call)) return;
    if (!std::exchange(call.rings, true)) (void)tell(call, Rings{});
  }
}

void SipProvider::on(Call& call, const Accepted& event) {
  stop_timer(call);
  call.trunks_left.clear();
  if (call.is_incoming) {
    // Our offer may have been acknowledged without an answer.
    if (!call.agreed) return on_no_sound(call, "no description");
    on_answered(call);
    (void)tell(call, Answered{});
    return;
  }
  if (!event.sdp.empty()) {
    const auto agreed = call.media->take_answer(event.sdp);
    if (!agreed) return on_no_sound(call, to_text(agreed.error()));
    agree(call, *agreed, event.from);
  }
  // The description may have come with a 183, and need not come again (RFC 3261 section 13.2.1).
  if (!call.agreed) return on_no_sound(call, "no description");
  on_answered(call);
  if (tell_took_on(call)) (void)tell(call, Answered{});
}

void SipProvider::on_answered(Call& call) {
  call.answered = true;
  if (call.hold) offer_again(call);
  if (options_.silence_max <= Duration::zero()) return;
  call.link->on_silence(loop_, [this, id = call.id] { on_silence(id); });
  call.link->post([most = options_.silence_max](RtpSession& session, const Now& now) { session.watch(now.mono, most); },
                  call.link);
}

void SipProvider::on_no_sound(Call& call, std::string_view error) {
  ++counters_.bad_descriptions;
  log_.warn("a telephone answered with no sound that we speak",
            {{"call", call.id}, {"trunk", trunks_[call.trunk].name}, {"error", error}});
  end_dialog(call.dialog);
  if (!call.is_incoming && !tell_took_on(call)) return;
  finish(call, failed(ProviderFault::Other));
}

void SipProvider::on_silence(const CallId& id) {
  Call* const call = find(id);
  if (call == nullptr) return;
  ++counters_.silent;
  log_.warn("nothing comes from a telephone any more: its call is ended",
            {{"call", id}, {"trunk", trunks_[call->trunk].name}});
  end_dialog(call->dialog);
  finish(*call, Over{.how = Over::How::Hangup});
}

void SipProvider::on(Call& call, const Refused& event) {
  stop_timer(call);
  const Verdict verdict = verdict_of(event, call.rings);
  log_.info("a trunk refused a phone call",
            {{"call", call.id}, {"trunk", trunks_[call.trunk].name}, {"status", event.status}});
  by_dialog_.erase(call.dialog);
  --trunks_[call.trunk].calls;
  call.dialog = {};
  if (verdict.another_trunk && !call.rings && try_next_trunk(call)) {
    ++counters_.failovers;
    return;
  }
  // Busy is what the telephone is: the provider had the call. A failure is the provider's.
  if (verdict.over.how != Over::How::Failed && !tell_took_on(call)) return;
  finish(call, verdict.over);
}

void SipProvider::on(Call& call, const Offered& event) {
  if (event.sdp.empty()) return agent_->answer(call.dialog, call.media->offer(call.hold));
  const auto answer = call.media->answer(event.sdp, call.hold);
  if (!answer) {
    ++counters_.bad_descriptions;
    return agent_->refuse(call.dialog, kNotAcceptableHere);
  }
  agent_->answer(call.dialog, answer->sdp);
  agree(call, answer->agreed, event.from);
}

void SipProvider::on(Call& call, const OfferAnswered& event) {
  call.offered = false;
  if (const auto agreed = call.media->take_answer(event.sdp)) {
    agree(call, *agreed, event.from);
  } else {
    ++counters_.bad_descriptions;
  }
  if (std::exchange(call.renew_offer, false)) offer_again(call);
}

void SipProvider::on(Call& call, const OfferRefused& event) {
  call.offered = false;
  // The line holds its sound back all the same: the other side only does not know why.
  log_.info("hold was refused", {{"call", call.id}, {"status", event.status}});
  // Both offered at once (RFC 3261 section 14.1): again after a while of chance.
  constexpr int kRequestPending = 491;
  if (event.status == kRequestPending || std::exchange(call.renew_offer, false)) {
    start_timer(call, milliseconds{2100 + random_u32(entropy_) % 1900}, &SipProvider::offer_again);
  }
}

void SipProvider::on(Call& call, const Ended& /*event*/) {
  const bool good = call.answered || call.is_incoming;  // a caller may give up before we answer
  finish(call, good ? Over{.how = Over::How::Hangup} : failed(ProviderFault::Other));
}

void SipProvider::on(const TrunkNews& event) {
  TrunkState& trunk = trunks_[event.trunk];
  const bool is_registration =
      event.what == TrunkNews::What::Registered || event.what == TrunkNews::What::NotRegistered;
  bool& state = is_registration ? trunk.registered : trunk.reachable;
  const bool good = event.what == TrunkNews::What::Registered || event.what == TrunkNews::What::Reachable;
  if (!good && (state || is_registration)) {
    log_.warn(is_registration ? "registration at a trunk failed" : "a trunk is out of reach",
              {{"trunk", trunk.name}, {"status", event.status}});
  } else if (good && !state) {
    log_.info(is_registration ? "registered at a trunk" : "a trunk is in reach again", {{"trunk", trunk.name}});
  }
  state = good;
}

// ---- calls ---------------------------------------------------------------------------------------------------------

void SipProvider::agree(Call& call, AgreedMedia agreed, const Source& from) {
  call.agreed = true;
  if (options_.agent.trunks[call.trunk].nat) agreed.also_from = from;
  call.link->post(
      [agreed = std::move(agreed)](RtpSession& session, const Now& now) { session.agree(now.mono, agreed); },
      call.link);
}

bool SipProvider::tell_took_on(Call& call) {
  return std::exchange(call.took_on, true) || tell(call, TookOn{});
}

void SipProvider::on_took_on_late(Call& call) {
  (void)tell_took_on(call);
}

/// Whoever is told may hang up at once: false when the call is gone.
template <class What>
bool SipProvider::tell(Call& call, What what) {
  const CallId id = call.id;
  if (tell_) tell_(ProviderEvent{.call = id, .sequence = ++call.sequence, .what = std::move(what)});
  return find(id) == &call;
}

void SipProvider::finish(Call& call, Over how) {
  const ProviderEvent event{.call = call.id, .sequence = ++call.sequence, .what = how};
  forget(call);
  if (tell_) tell_(event);
}

void SipProvider::forget(Call& call) {
  stop_timer(call);
  call.link->on_silence(loop_, nullptr);
  call.link->post([](RtpSession& session, const Now& now) { session.end(now); }, call.link);
  if (by_dialog_.erase(call.dialog) > 0) --trunks_[call.trunk].calls;
  calls_.erase(CallId{call.id});
}

void SipProvider::start_timer(Call& call, Duration after, void (SipProvider::*what)(Call&)) {
  stop_timer(call);
  call.timer = loop_.schedule(loop_.now().mono + after, [this, id = call.id, what] {
    if (Call* const found = find(id)) {
      found->timer.reset();
      (this->*what)(*found);
    }
  });
}

void SipProvider::stop_timer(Call& call) {
  if (call.timer) loop_.cancel(*std::exchange(call.timer, std::nullopt));
}

}  // namespace zvonok::voip_sip
