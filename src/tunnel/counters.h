// What a tunnel counts. Nothing is dropped, refused or closed without a reason here.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zvonok::tunnel {

/// Why a stream did not become anybody's.
enum class Refusal : std::uint8_t {
  Version,
  Addons,
  Command,
  AddressKind,
  UnknownUser,
  Name,     // it asked for a domain name
  Foreign,  // it asked for an address that is not its call's
  Silence,  // no whole request in time
};
inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::Silence) + 1;
/// snake_case, for counters. So are the others below.
[[nodiscard]] std::string_view to_text(Refusal reason);

/// Why a stream ended.
enum class StreamEnd : std::uint8_t {
  ByPeer,       // its client or its connection
  NotAdmitted,  // its time without a good request was over; `refused` says why there was none
  TooMuch,      // ... or it had sent too much by then
  GaveWay,      // ... or too many of that kind were there
  Idle,
  CallEnded,
  Superseded,     // its user opened more streams than allowed, and this one was silent for the longest
  Malformed,      // what followed the request
  PartnerGone,    // the other end of a joined TCP connection
  MediaReleased,  // the media plane wanted it no more
  Overrun,        // more waited to be sent than allowed
};
inline constexpr std::size_t kStreamEnds = static_cast<std::size_t>(StreamEnd::Overrun) + 1;
[[nodiscard]] std::string_view to_text(StreamEnd reason);

/// Why a datagram went nowhere, or a Mux session was not opened or not kept.
enum class Drop : std::uint8_t {
  Foreign,         // for an address that is not its call's
  Name,            // for a domain name
  NoTarget,        // of a session whose target was refused
  Bandwidth,       // beyond the user's share
  NoListener,      // too many for one who has not spoken yet
  EarlyStale,      // one who has not spoken yet spoke too late
  QueueFull,       // an older one gave way on a stream that takes nothing
  QueueStale,      // it waited too long on such a stream
  TooLong,         // for the media plane
  UnknownSession,  // of a Mux session that is not there
  UnknownPath,     // from the media plane, for a path that has gone
  Gone,            // it waited on a stream that ended
  SessionForeign,  // a new TCP session to an address that is not its call's
  SessionLimit,    // a new session beyond the user's number
  SessionOverrun,  // a TCP session that said too much before there was another end
};
inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::SessionOverrun) + 1;
[[nodiscard]] std::string_view to_text(Drop reason);

/// One way. Bytes are the payload's: of datagrams and of TCP connections; packets are datagrams.
struct Traffic {
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};
/// `up` is what a user sent and was let through; `down` what is on its way to it.
struct Usage {
  Traffic up;
  Traffic down;
  friend bool operator==(const Usage&, const Usage&) = default;
};

struct Counters {
  std::uint64_t opened = 0;
  std::uint64_t turned_away = 0;  // not opened: too many streams
  std::uint64_t admitted = 0;     // became somebody's
  std::uint64_t sessions = 0;     // of Mux, opened
  std::uint64_t joined = 0;       // pairs of TCP connections
  std::uint64_t paused = 0;       // times that reading of a stream was stopped
  std::uint64_t expired_users = 0;
  Usage traffic;  // of all users that there ever were
  std::array<std::uint64_t, kRefusals> refused{};
  std::array<std::uint64_t, kStreamEnds> ended{};
  std::array<std::uint64_t, kDrops> dropped{};

  [[nodiscard]] std::uint64_t of(Refusal reason) const { return refused[static_cast<std::size_t>(reason)]; }
  [[nodiscard]] std::uint64_t of(StreamEnd reason) const { return ended[static_cast<std::size_t>(reason)]; }
  [[nodiscard]] std::uint64_t of(Drop reason) const { return dropped[static_cast<std::size_t>(reason)]; }
  void count(Refusal reason) { ++refused[static_cast<std::size_t>(reason)]; }
  void count(StreamEnd reason) { ++ended[static_cast<std::size_t>(reason)]; }
  void count(Drop reason, std::uint64_t times = 1) { dropped[static_cast<std::size_t>(reason)] += times; }
};

}  // namespace zvonok::tunnel
