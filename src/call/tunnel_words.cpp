#include "call/tunnel_words.h"

#include "base/check.h"

namespace zvonok::call::tunnel {

std::string_view to_text(Error error) {
  switch (error) {
    case Error::CallYourself: return "Cannot call yourself";
    case Error::UserNotFound: return "User not found";
    case Error::UserOffline: return "User is offline";
    case Error::CallNotFound: return "Call not found";
    case Error::NotAuthorized: return "Not authorized for this call";
    case Error::NotAuthorizedToAccept: return "Not authorized to accept this call";
    case Error::UserBusy: return "User is busy";
    case Error::InAnotherCall: return "You are in another call";
    case Error::OtherKind: return "User is connected, but not for tunnelled calls";
    case Error::StillPlacing: return "Another call of yours is still being placed";
    case Error::AlreadyAccepted: return "Call was accepted already";
    case Error::NotAccepted: return "Call has not been accepted yet";
    case Error::TooManyWords: return "Too many messages about the key of this call";
    case Error::Unavailable: return "Calls are not possible at the moment, try again";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

std::string_view to_text(Over over) {
  switch (over) {
    case Over::Hangup: return "hangup";
    case Over::Declined: return "declined";
    case Over::Canceled: return "canceled";
    case Over::NoAnswer: return "no-answer";
    case Over::AnsweredElsewhere: return "answered-elsewhere";
    case Over::Disconnected: return "disconnected";
    case Over::SetupTimeout: return "vpn-setup-timeout";
    case Over::TunnelFailed: return "vpn-failed";
    case Over::TooLong: return "too-long";
    case Over::ServerShutdown: return "server-shutdown";
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace zvonok::call::tunnel
