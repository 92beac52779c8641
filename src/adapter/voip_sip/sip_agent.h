// SIP dialogs with trunks (RFC 3261), behind plain values: the library that speaks SIP (Sofia-SIP, docs/adr) is seen by
// agent_core.*, agent_events.cpp and agent_survivors.cpp alone. It does transactions, digest authentication,
// registrations, reliable provisional responses (RFC 3262) and session timers (RFC 4028); what descriptions say is not
// its business.
//
// Threads: `create`, the commands and the destructor on the thread of the given loop, where events are told, too, later
// than the call that caused them. The library has a thread of its own.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "adapter/voip_sip/trunk.h"
#include "base/address.h"
#include "base/id.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "net/loop.h"

namespace zvonok::voip_sip {

/// One attempt to call, or one call that came in. Never reused.
using DialogId = NumberId<struct DialogIdTag, std::uint64_t>;

struct AgentOptions {
  IpAddress bind;              // 0.0.0.0: every address of IPv4
  std::uint16_t port = 5060;   // of UDP and TCP; TLS is at the next. 0: any
  std::string advertised;      // address by which trunks reach us; empty: that of the way to them
  std::string certificates;    // folder with agent.pem and cafile.pem, for TLS; empty: none
  std::string dialogs_folder;  // answered calls are kept there, for a server that dies; empty: they are not
  std::vector<Trunk> trunks;   // not empty
  std::size_t dialogs_max = 2000;
  Duration session_expires = seconds{300};  // RFC 4028; 0: not asked for
  Duration session_least = seconds{90};
  Duration transaction_timeout = seconds{32};  // RFC 3261's timers B, F and H
  Duration keep_alive = seconds{30};           // between OPTIONS to each trunk; 0: none
  Duration register_expires = seconds{300};
  Duration register_retry = seconds{30};
  Duration shutdown_patience = seconds{1};  // of the destructor, for ends that are not heard yet
};

// ---- events --------------------------------------------------------------------------------------------------------

/// Where a message came from: what a trunk behind a NAT looks like from here.
using Source = std::optional<IpAddress>;

/// A provisional response; `sdp` may be empty.
struct Progress {
  DialogId dialog;
  int status = 0;
  std::string sdp;
  Source from{};
};
/// They answered; or, of a call that came in, they know that we did.
struct Accepted {
  DialogId dialog;
  std::string sdp;
  Source from{};
};
/// The call did not come about. Nothing more is told of it.
struct Refused {
  DialogId dialog;
  int status = 0;
  bool by_peer = false;      // else: nobody answered, or nobody could be reached
  std::optional<int> cause;  // Q.850, of the Reason header (RFC 3326)
};
/// The other side offers new media; `sdp` is empty when it wants our offer. To be answered by `answer` or `refuse`.
struct Offered {
  DialogId dialog;
  std::string sdp;
  Source from{};
};
/// What became of our `offer`, or the answer to the offer in our `answer`.
struct OfferAnswered {
  DialogId dialog;
  std::string sdp;
  Source from{};
};
struct OfferRefused {
  DialogId dialog;
  int status = 0;
};
/// The call is over, whoever ended it, and the other side knows or can't be told. Nothing more is told of it.
struct Ended {
  DialogId dialog;
};
/// A call that comes in. To be answered by `answer` or `refuse`.
struct IncomingCall {
  DialogId dialog;
  std::size_t trunk = 0;
  std::string from;  // the user part, as it came
  std::string to;
  std::string sdp;
  Source source{};
};
struct TrunkNews {
  std::size_t trunk = 0;
  enum class What : std::uint8_t { Registered, NotRegistered, Reachable, Unreachable } what = What::Reachable;
  int status = 0;  // of the response; of the library where there was none
};
using AgentEvent =
    std::variant<Progress, Accepted, Refused, Offered, OfferAnswered, OfferRefused, Ended, IncomingCall, TrunkNews>;

class SipAgent {
 public:
  using OnEvent = std::function<void(const AgentEvent&)>;

  /// The error is one line for the operator.
  [[nodiscard]] static Result<std::unique_ptr<SipAgent>, std::string> create(AgentOptions options, net::Loop& loop,
                                                                             Logger& log, OnEvent tell);
  SipAgent(const SipAgent&) = delete;
  SipAgent& operator=(const SipAgent&) = delete;
  /// Ends every dialog and registration, for as long as its patience lasts, and tells nothing more.
  ~SipAgent();

  /// By which trunks reach us.
  [[nodiscard]] std::uint16_t port() const;

  struct Invite {
    DialogId dialog;  // new
    std::size_t trunk = 0;
    std::string number;  // the user part of the address
    std::string sdp;
  };
  void invite(Invite invite);
  /// Whatever is right by now: CANCEL, BYE, 480, or nothing. An Accepted that comes after all is acknowledged, ended
  /// and not told. Ended follows in each case.
  void end(DialogId dialog);
  void offer(DialogId dialog, std::string sdp);
  /// `ringing`: of a call that comes in; 180.
  void ring(DialogId dialog);
  void answer(DialogId dialog, std::string sdp);
  /// An offer, or a call that comes in, by this status: 4xx, 6xx.
  void refuse(DialogId dialog, int status);

 private:
  class Core;
  struct Inbox;
  SipAgent() = default;
  std::unique_ptr<Inbox> inbox_;
};

}  // namespace zvonok::voip_sip
