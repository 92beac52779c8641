// The browser's side of phone calls: what is offered to it, what it answered, and the telephone's line that is heard
// there. `MediaLegs` (media_legs.h) has them on the media threads. Belongs to the control thread.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/id.h"
#include "call/phone_words.h"
#include "port/phone_audio.h"

namespace zvonok::app {

class BrowserLegs {
 public:
  virtual ~BrowserLegs() = default;

  /// What legs tell of themselves, later than the calls below and never from within them.
  struct Events {
    /// The browser was connected, or was to be, and is gone for good unless it answers once more.
    std::function<void(const CallId&)> on_lost;
    /// A digit that was pressed at the telephone.
    std::function<void(const CallId&, char digit)> on_digit;
  };
  /// Before any leg.
  virtual void on_event(Events tell) = 0;

  /// The offer for a new call, as SDP.
  [[nodiscard]] virtual std::string open(const CallId& call) = 0;
  /// "" when there is none.
  [[nodiscard]] virtual std::string offer_of(const CallId& call) const = 0;
  /// The browser's answer, checked before (rest::decode_browser_answer). A later one takes the place of an earlier one:
  /// with another ufrag the browser has restarted ICE, with another fingerprint it is another browser.
  virtual void take_answer(const CallId& call, const std::string& sdp) = 0;
  /// A new offer, with other ICE credentials; the old ones are good until the browser uses the new ones.
  virtual std::string restart_ice(const CallId& call) = 0;
  /// The telephone's end of the call, to be heard from now on. Null: nothing is.
  virtual void attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line) = 0;
  /// The telephone hears silence.
  virtual void set_mute(const CallId& call, call::phone::Switch to) = 0;
  /// Both hear silence.
  virtual void set_hold(const CallId& call, call::phone::Switch to) = 0;
  /// Exactly one for each `open`; harmless for others.
  virtual void close(const CallId& call) = 0;
};

}  // namespace zvonok::app
