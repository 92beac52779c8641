#include "tunnel/counters.h"

namespace zvonok::tunnel {

std::string_view to_text(Refusal reason) {
  switch (reason) {
    case Refusal::Version: return "version";
    case Refusal::Addons: return "addons";
    case Refusal::Command: return "command";
    case Refusal::AddressKind: return "address_kind";
    case Refusal::UnknownUser: return "unknown_user";
    case Refusal::Name: return "name";
    case Refusal::Foreign: return "foreign";
    case Refusal::Silence: return "silence";
  }
  return "unknown";
}

std::string_view to_text(StreamEnd reason) {
  switch (reason) {
    case StreamEnd::ByPeer: return "by_peer";
    case StreamEnd::NotAdmitted: return "not_admitted";
    case StreamEnd::TooMuch: return "too_much";
    case StreamEnd::GaveWay: return "gave_way";
    case StreamEnd::Idle: return "idle";
    case StreamEnd::CallEnded: return "call_ended";
    case StreamEnd::Superseded: return "superseded";
    case StreamEnd::Malformed: return "malformed";
    case StreamEnd::PartnerGone: return "partner_gone";
    case StreamEnd::MediaReleased: return "media_released";
    case StreamEnd::Overrun: return "overrun";
  }
  return "unknown";
}

std::string_view to_text(Drop reason) {
  switch (reason) {
    case Drop::Foreign: return "foreign";
    case Drop::Name: return "name";
    case Drop::NoTarget: return "no_target";
    case Drop::Bandwidth: return "bandwidth";
    case Drop::NoListener: return "no_listener";
    case Drop::EarlyStale: return "early_stale";
    case Drop::QueueFull: return "queue_full";
    case Drop::QueueStale: return "queue_stale";
    case Drop::TooLong: return "too_long";
    case Drop::UnknownSession: return "unknown_session";
    case Drop::UnknownPath: return "unknown_path";
    case Drop::Gone: return "gone";
    case Drop::SessionForeign: return "session_foreign";
    case Drop::SessionLimit: return "session_limit";
    case Drop::SessionOverrun: return "session_overrun";
  }
  return "unknown";
}

}  // namespace zvonok::tunnel
