// X-Twilio-Signature: how a request of Twilio's is told from anybody else's. HMAC-SHA1 under the account's token of the
// URL as Twilio was told it, and of the form's fields sorted by name; of a JSON body the URL holds the hash
// (docs/protocol/twilio.md). Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "adapter/voip_twilio/form.h"
#include "base/private.h"
#include "proto/http_message.h"

namespace zvonok::voip_twilio {

/// What Twilio would sign that with, in base64.
[[nodiscard]] std::string sign(const Private<std::string>& token, std::string_view url, const Form& fields);

/// The ways in which Twilio may have spelled the URL that it signed: as given, with its port and without; for a
/// WebSocket as ws or http, with a slash at the end and without. `base` is scheme and host, and a path perhaps; no
/// slash at its end.
[[nodiscard]] std::vector<std::string> spellings(std::string_view base, std::string_view target, bool is_websocket);

/// Whether the request holds a good signature of itself at one of these URLs. Takes the same time however much of the
/// signature is right. `fields`: of its body, when that is a form.
[[nodiscard]] bool is_signed(const Private<std::string>& token, const HttpRequest& request,
                             const std::vector<std::string>& urls, const Form& fields);

}  // namespace zvonok::voip_twilio
