// Telephone calls by SIP trunks: which trunk takes a call, and the next one when it can't; what the two sides offer and
// answer; hold, digits and calls that come in. SIP itself is SipAgent's, sound is RtpLine's.
//
// Threads: as port/phone_provider.h says.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "adapter/voip_sip/media_description.h"
#include "adapter/voip_sip/rtp_line.h"
#include "adapter/voip_sip/sip_agent.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/system_entropy.h"
#include "port/phone_provider.h"

namespace zvonok::voip_sip {

struct SipOptions {
  AgentOptions agent;
  IpAddress media_address;  // as trunks reach our sound; unspecified: the address of the way to each trunk
  PortRange rtp_ports;
  /// For a trunk to say anything at all, before the next one is tried: less than RFC 3261's 32 s (timer B), because
  /// somebody waits.
  Duration trunk_timeout = seconds{4};
  /// For how long an answered call may bring neither sound nor reports before it is ended (see RtpSession::watch). 0:
  /// for ever.
  Duration silence_max = seconds{60};
  /// How long 100 Trying is not told: a quick refusal is one of the request, then.
  Duration took_on_after = milliseconds{500};
};

struct SipCounters {
  std::uint64_t dialed = 0;
  std::uint64_t failovers = 0;
  std::uint64_t incoming = 0;
  std::uint64_t incoming_refused = 0;
  std::uint64_t bad_descriptions = 0;
  std::uint64_t no_ports = 0;
  std::uint64_t silent = 0;  // calls that were ended because nothing came any more
};
struct TrunkState {
  std::string name;
  bool registers = false;
  bool registered = false;
  bool reachable = true;  // until something says otherwise
  std::size_t calls = 0;
};

class SipProvider final : public port::PhoneProvider {
 public:
  /// The error is one line for the operator.
  [[nodiscard]] static Result<std::unique_ptr<SipProvider>, std::string> create(SipOptions options, net::Loop& loop,
                                                                                Logger& log);
  ~SipProvider() override;
  SipProvider(const SipProvider&) = delete;
  SipProvider& operator=(const SipProvider&) = delete;

  [[nodiscard]] std::string_view name() const override { return "sip"; }
  void on_event(OnEvent tell) override { tell_ = std::move(tell); }
  void on_incoming(OnIncoming tell) override { tell_incoming_ = std::move(tell); }
  void dial(const CallId& call, const call::phone::PhoneNumber& number) override;
  void ring(const CallId& call) override;
  void accept(const CallId& call) override;
  void reject(const CallId& call, call::phone::Rejection why) override;
  [[nodiscard]] std::unique_ptr<port::PhoneLine> take_line(const CallId& call) override;
  void hang_up(const CallId& call) override;
  void send_dtmf(const CallId& call, std::string_view digits) override;
  void set_hold(const CallId& call, call::phone::Switch to) override;
  void set_mute(const CallId& call, call::phone::Switch to) override;
  [[nodiscard]] std::size_t pending() const override { return ending_.size(); }

  [[nodiscard]] const SipCounters& counters() const { return counters_; }
  [[nodiscard]] RtpCounters sound() const { return totals_->read(); }
  [[nodiscard]] const std::vector<TrunkState>& trunks() const { return trunks_; }
  /// By which trunks reach us.
  [[nodiscard]] std::uint16_t port() const { return agent_->port(); }

 private:
  struct Call {
    CallId id;
    call::phone::PhoneNumber number;
    DialogId dialog;
    std::size_t trunk = 0;
    std::vector<std::size_t> trunks_left;  // to try, the next one first
    std::optional<MediaNegotiation> media;
    std::optional<RtpPorts> ports;  // until the line is taken
    std::uint16_t port = 0;
    std::shared_ptr<LineLink> link;  // see rtp_line.h
    std::uint64_t sequence = 0;
    bool is_incoming = false;
    Source source;
    bool accepted = false;                           // by us
    std::optional<MediaNegotiation::Answer> answer;  // of one that came in with an offer
    bool heard_of = false;                           // the trunk has said something
    bool took_on = false;
    bool rings = false;
    bool agreed = false;  // on sound
    bool answered = false;
    bool hold = false;
    bool offered = false;      // a re-INVITE of ours is under way
    bool renew_offer = false;  // and another is due after it
    std::optional<net::Loop::TimerKey> timer;
  };

  SipProvider(SipOptions options, net::Loop& loop, Logger& log);

  void handle(const AgentEvent& event);
  void on(Call& call, const Progress& event);
  void on(Call& call, const Accepted& event);
  void on(Call& call, const Refused& event);
  void on(Call& call, const Offered& event);
  void on(Call& call, const OfferAnswered& event);
  void on(Call& call, const OfferRefused& event);
  void on(Call& call, const Ended& event);
  void on(const IncomingCall& event);
  void on(const TrunkNews& event);

  [[nodiscard]] Call* find(const CallId& id);
  [[nodiscard]] std::vector<std::size_t> trunks_for_a_call() const;
  /// False when no trunk is left.
  [[nodiscard]] bool try_next_trunk(Call& call);
  void give_up(Call& call, call::phone::Over how);
  void end_dialog(DialogId dialog);
  void agree(Call& call, AgreedMedia agreed, const Source& from);
  void offer_again(Call& call);
  // False when the call is gone by now.
  bool tell_took_on(Call& call);
  template <class What>
  bool tell(Call& call, What what);
  void on_took_on_late(Call& call);
  void finish(Call& call, call::phone::Over how);
  void forget(Call& call);
  void start_timer(Call& call, Duration after, void (SipProvider::*what)(Call&));
  void stop_timer(Call& call);
  void on_trunk_silent(Call& call);
  void on_answered(Call& call);
  void on_no_sound(Call& call, std::string_view error);
  void on_silence(const CallId& id);
  [[nodiscard]] Result<IpAddress, std::string> media_address(std::size_t trunk);

  SipOptions options_;
  net::Loop& loop_;
  Logger& log_;
  net::SystemEntropy entropy_;
  OnEvent tell_;
  OnIncoming tell_incoming_;
  std::unique_ptr<SipAgent> agent_;
  std::unordered_map<CallId, std::unique_ptr<Call>> calls_;
  std::unordered_map<DialogId, Call*> by_dialog_;
  std::unordered_set<DialogId> ending_;  // ended by us, and not heard of by the trunk yet
  std::vector<TrunkState> trunks_;
  std::uint64_t next_dialog_ = 1;
  std::shared_ptr<LineTotals> totals_ = std::make_shared<LineTotals>();  // see rtp_line.h
  SipCounters counters_;
};

}  // namespace zvonok::voip_sip
