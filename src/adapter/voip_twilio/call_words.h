// Twilio's words for calls, to and from ours: status callbacks, answers of the Calls resource, and TwiML. See
// docs/protocol/twilio.md. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "adapter/voip_twilio/form.h"
#include "base/result.h"
#include "base/time.h"
#include "call/phone_words.h"

namespace zvonok::voip_twilio {

/// 1 to 64 of letters, digits, `-` and `_`: fit to be a part of a path. Those of Twilio are two letters and 32 digits.
[[nodiscard]] bool is_harmless_sid(std::string_view text);
/// "AC" or "CA" and so on, then 32 hexadecimal digits.
[[nodiscard]] bool is_sid(std::string_view text, std::string_view kind);

// ---- what Twilio says of a call -------------------------------------------------------------------------------------

/// A value of CallStatus, with what goes with it.
using News = std::variant<call::phone::TookOn, call::phone::Rings, call::phone::Answered, call::phone::Over>;

/// nullopt: a status that is not known. `error_code`: Twilio's, or ""; `sip_code` likewise; `talked`: seconds, or "".
[[nodiscard]] std::optional<News> news_of(std::string_view status, std::string_view error_code,
                                          std::string_view sip_code, std::string_view talked);

/// One status callback.
struct Callback {
  std::string call_sid;
  std::string account_sid;
  std::uint64_t sequence = 0;  // from 1; 0: it says none
  News news;
};
/// nullopt when it lacks what it must have.
[[nodiscard]] std::optional<Callback> read_callback(const Form& form);

// ---- the Calls resource ---------------------------------------------------------------------------------------------

struct CreateCall {
  std::string to;
  std::string from;
  std::string voice_url;
  std::string status_url;
  seconds ring{60};
  seconds length_max{4 * 3600};
};
[[nodiscard]] Form create_form(const CreateCall& call);

/// A call as the resource has it.
struct CallResource {
  std::string sid;
  News news;
};
/// nullopt when the body is none.
[[nodiscard]] std::optional<CallResource> read_resource(std::string_view json);

/// An answer that is not 2xx.
struct Refusal {
  call::phone::ProviderFault fault = call::phone::ProviderFault::Other;
  std::uint64_t code = 0;  // Twilio's, or 0
  std::string message;     // Twilio's, for logs, without numbers of telephones; may be empty
};
[[nodiscard]] Refusal read_refusal(int status, std::string_view json);

// ---- TwiML ----------------------------------------------------------------------------------------------------------

/// Sound both ways over a WebSocket; when that ends while the call goes on, Twilio asks at `voice_url` again.
[[nodiscard]] std::string twiml_stream(std::string_view stream_url, std::string_view voice_url);
/// Not answered yet: asks at `voice_url` again in a second.
[[nodiscard]] std::string twiml_wait(std::string_view voice_url);
[[nodiscard]] std::string twiml_hangup();
/// Refuses a call before it is answered.
enum class Refuse { Busy, Rejected };
[[nodiscard]] std::string twiml_reject(Refuse why);

}  // namespace zvonok::voip_twilio
