// Whoever dials telephones, as a port: events on the control thread. The sound is apart from them: port/phone_audio.h.
// Implementations: adapter/voip_mock, adapter/voip_sip, adapter/voip_twilio.
//
// Threads: everything on the control thread. Events come later than the call that caused them, never from within it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/id.h"
#include "call/phone_words.h"
#include "port/phone_audio.h"

namespace zvonok::port {

class PhoneProvider {
 public:
  using OnEvent = std::function<void(const call::phone::ProviderEvent&)>;

  virtual ~PhoneProvider() = default;
  /// As VOIP_PROVIDER has it.
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Before anything else, once.
  virtual void on_event(OnEvent tell) = 0;
  /// A telephone calls: told once for each such call, and never from within a call of this port. What it returns is the
  /// call's id from then on. Events of it: Answered (after `accept`, once there is sound) and Over, which may come at
  /// any time, also before anything is decided.
  using OnIncoming = std::function<CallId(const call::phone::IncomingCall&)>;
  /// Before anything else, once. A provider that can't be called does nothing with it.
  virtual void on_incoming(OnIncoming tell) = 0;

  /// Every dial is answered by events, an Over as the last one: a failure to dial is one, too.
  virtual void dial(const CallId& call, const call::phone::PhoneNumber& number) = 0;
  /// Of a call that came in: its user is rung. Let the caller hear that.
  virtual void ring(const CallId& call) = 0;
  /// Of a call that came in: take it. Answered by events, like a dial.
  virtual void accept(const CallId& call) = 0;
  /// Of a call that came in and was not accepted: nothing is told of it after this.
  virtual void reject(const CallId& call, call::phone::Rejection why) = 0;
  /// The call's sound: once for each call, right after `dial` or `accept`. It may outlive the call, and then says
  /// nothing. Null: this provider has no sound.
  [[nodiscard]] virtual std::unique_ptr<PhoneLine> take_line(const CallId& call) = 0;
  /// The rest is for calls that were dialed or accepted and whose Over was not told; harmless for others. After this
  /// nothing is told of the call but its Over, and that may be left out.
  virtual void hang_up(const CallId& call) = 0;
  /// `digits`: of 0-9 * # A-D, and `,` for half a second of silence.
  virtual void send_dtmf(const CallId& call, std::string_view digits) = 0;
  virtual void set_hold(const CallId& call, call::phone::Switch to) = 0;
  virtual void set_mute(const CallId& call, call::phone::Switch to) = 0;
};

}  // namespace zvonok::port
