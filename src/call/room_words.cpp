#include "call/room_words.h"

#include <array>

#include "base/check.h"

namespace zvonok::call {
namespace {

[[noreturn]] void not_a_value() {
  check_failed("a value of the enum", __FILE__, __LINE__);
}

template <class Enum, std::size_t N>
std::optional<Enum> find_by_text(const std::array<Enum, N>& all, std::string_view text) {
  for (const Enum value : all) {
    if (to_text(value) == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(RoomKind kind) {
  switch (kind) {
    case RoomKind::Chat: return "chat";
    case RoomKind::Group: return "group";
  }
  not_a_value();
}

std::string_view to_text(RoomRole role) {
  switch (role) {
    case RoomRole::Member: return "member";
    case RoomRole::Moderator: return "moderator";
    case RoomRole::Host: return "host";
  }
  not_a_value();
}

std::string_view to_text(ConnectionState state) {
  switch (state) {
    case ConnectionState::New: return "new";
    case ConnectionState::Connecting: return "connecting";
    case ConnectionState::Connected: return "connected";
    case ConnectionState::Disconnected: return "disconnected";
    case ConnectionState::Failed: return "failed";
    case ConnectionState::Closed: return "closed";
  }
  not_a_value();
}

std::string_view to_text(TrackKind kind) {
  switch (kind) {
    case TrackKind::Audio: return "audio";
    case TrackKind::Video: return "video";
  }
  not_a_value();
}

std::string_view to_text(TrackSource source) {
  switch (source) {
    case TrackSource::Microphone: return "microphone";
    case TrackSource::Camera: return "camera";
    case TrackSource::Screen: return "screen";
    case TrackSource::ScreenAudio: return "screen-audio";
  }
  not_a_value();
}

std::string_view to_text(TrackState state) {
  switch (state) {
    case TrackState::Published: return "published";
    case TrackState::Updated: return "updated";
    case TrackState::Ended: return "ended";
  }
  not_a_value();
}

std::string_view to_text(LeaveReason reason) {
  switch (reason) {
    case LeaveReason::Left: return "left";
    case LeaveReason::Kicked: return "kicked";
    case LeaveReason::Removed: return "removed";
    case LeaveReason::Timeout: return "timeout";
    case LeaveReason::Failed: return "failed";
    case LeaveReason::Replaced: return "replaced";
    case LeaveReason::ServerShutdown: return "server-shutdown";
    case LeaveReason::Busy: return "busy";
    case LeaveReason::NoAnswer: return "no-answer";
    case LeaveReason::HungUp: return "hung-up";
  }
  not_a_value();
}

std::string_view to_text(RoomErrorCode code) {
  switch (code) {
    case RoomErrorCode::BadMessage: return "bad-message";
    case RoomErrorCode::NotJoined: return "not-joined";
    case RoomErrorCode::SessionTaken: return "session-taken";
    case RoomErrorCode::Locked: return "locked";
    case RoomErrorCode::RoomFull: return "room-full";
    case RoomErrorCode::TooManyRooms: return "too-many-rooms";
    case RoomErrorCode::Forbidden: return "forbidden";
    case RoomErrorCode::NotFound: return "not-found";
    case RoomErrorCode::BadSdp: return "bad-sdp";
    case RoomErrorCode::Failed: return "failed";
    case RoomErrorCode::Unavailable: return "unavailable";
    case RoomErrorCode::Encrypted: return "encrypted";
    case RoomErrorCode::NotEncrypted: return "not-encrypted";
    case RoomErrorCode::TooManyMessages: return "too-many-messages";
    case RoomErrorCode::BadNumber: return "bad-number";
    case RoomErrorCode::NumberNotAllowed: return "number-not-allowed";
    case RoomErrorCode::InAnotherCall: return "in-another-call";
    case RoomErrorCode::DailyLimit: return "daily-limit";
    case RoomErrorCode::SpendLimit: return "spend-limit";
    case RoomErrorCode::TooManyRequests: return "too-many-requests";
  }
  not_a_value();
}

std::string_view to_text(RoomSignal signal) {
  switch (signal) {
    case RoomSignal::Offer: return "offer";
    case RoomSignal::Answer: return "answer";
    case RoomSignal::Ice: return "ice";
    case RoomSignal::Restart: return "restart";
  }
  not_a_value();
}

std::string_view to_text(DescriptionKind kind) {
  switch (kind) {
    case DescriptionKind::Offer: return "offer";
    case DescriptionKind::Answer: return "answer";
  }
  not_a_value();
}

std::string_view to_text(RoomCloseReason reason) {
  switch (reason) {
    case RoomCloseReason::Removed: return "removed";
    case RoomCloseReason::Silent: return "silent";
    case RoomCloseReason::Replaced: return "replaced";
  }
  not_a_value();
}

std::optional<JoinEncryption> join_encryption_from(std::string_view text) {
  if (text == "supported") return JoinEncryption::Supported;
  if (text == "required") return JoinEncryption::Required;
  return std::nullopt;
}

std::optional<RoomKind> room_kind_from(std::string_view text) {
  return find_by_text(std::array{RoomKind::Chat, RoomKind::Group}, text);
}

std::optional<RoomRole> room_role_from(std::string_view text) {
  return find_by_text(std::array{RoomRole::Member, RoomRole::Moderator, RoomRole::Host}, text);
}

std::optional<TrackKind> track_kind_from(std::string_view text) {
  return find_by_text(std::array{TrackKind::Audio, TrackKind::Video}, text);
}

std::optional<TrackSource> track_source_from(std::string_view text) {
  return find_by_text(
      std::array{TrackSource::Microphone, TrackSource::Camera, TrackSource::Screen, TrackSource::ScreenAudio}, text);
}

TrackKind kind_of(TrackSource source) {
  switch (source) {
    case TrackSource::Microphone:
    case TrackSource::ScreenAudio: return TrackKind::Audio;
    case TrackSource::Camera:
    case TrackSource::Screen: return TrackKind::Video;
  }
  not_a_value();
}

}  // namespace zvonok::call
