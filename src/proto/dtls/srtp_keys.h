// What DTLS-SRTP agrees on: a protection profile and two master keys (RFC 5764 section 4.2).
#pragma once
#include "proto/srtp/keys.h"

namespace zvonok::dtls {

using SrtpProfile = srtp::Profile;

struct SrtpKeys {
  SrtpProfile profile{};
  srtp::MasterKey local;   // for what we send
  srtp::MasterKey remote;  // for what we receive
  friend bool operator==(const SrtpKeys&, const SrtpKeys&) = default;
};

}  // namespace zvonok::dtls
