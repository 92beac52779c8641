// The pair dialect, server to client: every Deliver* effect to the text of its message (docs/protocol/pair.md). Each
// function appends one whole message to `out`.
#pragma once
#include <string>
#include <string_view>

#include "base/id.h"
#include "call/pair_effect.h"

namespace zvonok::signal::pair {

void encode(std::string& out, const call::DeliverOffer& offer);
void encode(std::string& out, const call::DeliverAnswer& answer);
void encode(std::string& out, const call::DeliverIce& ice);
void encode(std::string& out, const call::DeliverHangup& hangup);
void encode(std::string& out, const call::DeliverError& error);
void encode(std::string& out, const call::DeliverServerHello& hello);
void encode(std::string& out, const call::DeliverCallStarted& started);
void encode(std::string& out, const call::DeliverRinging& ringing);
void encode(std::string& out, const call::DeliverAnswered& answered);
void encode(std::string& out, const call::DeliverPeerState& peer);
void encode(std::string& out, const call::DeliverPresence& presence);

/// `auth:ok`: the answer to a token in the first message.
void encode_auth_ok(std::string& out, const UserId& user);
/// `call:error` for what the engine never saw. `message` is English text for developers.
void encode_error(std::string& out, call::ErrorCode code, std::string_view message);

/// Appends the object `raw` (scanned before) with the member `key` set to the text `value`: members of that name are
/// left out, the new one comes last, every other byte stays. An empty `raw` stands for an empty object.
void append_with_member(std::string& out, std::string_view raw, std::string_view key, std::string_view value);

}  // namespace zvonok::signal::pair
