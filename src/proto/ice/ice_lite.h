// The ICE agent of one transport: lite and controlled (RFC 8445 section 2.5). It answers the checks of a full agent
// and never sends its own; the addresses of the other side come out as peer-reflexive, from checks that carry the
// password. Only such a check makes a path valid, and only a check with USE-CANDIDATE moves the sending to another
// path: media and DTLS never do, so a stranger who guesses addresses gets nothing and changes nothing.
// Consent (RFC 7675) is asked by the other side; here it ends when the selected path was silent for too long.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "proto/ice/credentials.h"
#include "proto/ice/path.h"
#include "proto/stun/integrity.h"
#include "proto/stun/message.h"

namespace zvonok::ice {

inline constexpr std::size_t kResponseBytesMax = 160;

struct Options {
  std::size_t tuples_max = 8;                  // valid paths kept; at least 2
  Duration suspect_after = seconds{8};         // of silence on the selected path
  Duration disconnected_after = seconds{15};   // and no more sending
  Duration failed_after = seconds{30};         // and no way back but a restart
  Duration first_check_timeout = seconds{30};  // from set_remote() to a valid check
  /// Of valid paths together; and as much again of all others together, so that strangers can't use up what the peer
  /// needs to be heard.
  TokenBucketOptions checks{.burst = 100, .per_second = 50};
};

enum class State : std::uint8_t {
  New,           // the other side's credentials are not known
  Checking,      // waiting for a valid check
  Connected,     // there is a selected path
  Suspect,       // it has been silent for a while
  Disconnected,  // it has been silent for long, or was closed: nothing is sent
  Failed,        // ended; restart() begins anew
};
[[nodiscard]] std::string_view to_text(State state);

/// What became of a request. The first three were answered; all others are dropped without an answer, so that nobody
/// can make the server speak who does not know the password.
enum class Verdict : std::uint8_t {
  Accepted,
  RoleConflict,       // ICE-CONTROLLED: answered with 487
  UnknownAttributes,  // answered with 420
  Malformed,          // not STUN, or a known attribute with an impossible value
  NotBindingRequest,
  BadFingerprint,  // or none
  NoUsername,      // or one without a colon
  UnknownUfrag,
  WrongRemoteUfrag,
  RateLimited,
  BadIntegrity,  // or none
  Failed,        // of an agent that has failed
};
inline constexpr std::size_t kVerdicts = 12;
/// snake_case, for counters.
[[nodiscard]] std::string_view to_text(Verdict verdict);

enum class Selection : std::uint8_t { Same, Changed };

struct Outcome {
  Verdict verdict = Verdict::Malformed;
  std::size_t response_bytes = 0;  // to be sent back on the same path; 0: nothing
  Selection selection = Selection::Same;
};

// Events tell how things stand now, compared with the last poll: what came and went in between is not told.
struct StateChanged {
  State state = State::New;
  friend bool operator==(const StateChanged&, const StateChanged&) = default;
};
/// Nothing when there is no path to send on any more.
struct PathSelected {
  std::optional<Path> path;
  friend bool operator==(const PathSelected&, const PathSelected&) = default;
};
/// To be routed to this agent by its addresses from now on.
struct PathAdded {
  Path path;
  friend bool operator==(const PathAdded&, const PathAdded&) = default;
};
struct PathRemoved {
  Path path;
  friend bool operator==(const PathRemoved&, const PathRemoved&) = default;
};
/// A local ufrag that is not accepted any more.
struct UfragRetired {
  std::string ufrag;
  friend bool operator==(const UfragRetired&, const UfragRetired&) = default;
};
using Event = std::variant<UfragRetired, PathRemoved, PathAdded, PathSelected, StateChanged>;

/// One thread at a time. `now` never goes back. Poll events and ask next_timeout() after every call that takes `now`.
class IceLite {
 public:
  IceLite(TimePoint now, Credentials local, Options options = {});

  /// The other side's credentials of the newest generation, from its session description; only the ufrag is used. Until
  /// then checks are taken from any ufrag, and the paths of those that turn out not to be this one are forgotten. The
  /// same credentials again change nothing.
  void set_remote(TimePoint now, const Credentials& remote);
  /// ICE restart: a new generation of credentials. Checks of the old one are good and its path stays selected until
  /// the first good check of the new one. An agent that has failed, and one whose restart is still unused, forgets the
  /// generation before.
  void restart(TimePoint now, Credentials local);

  /// `response_buffer` holds at least kResponseBytesMax.
  [[nodiscard]] Outcome handle_request(TimePoint now, const Path& path, Bytes packet, MutableBytes response_buffer);
  /// SRTP or DTLS that proved authentic came by this path: a sign of life.
  void note_media(TimePoint now, const Path& path);
  /// A TCP connection closed. If it was selected, the valid path last heard of is selected in its place.
  void remove_path(TimePoint now, const Path& path);
  void handle_timeout(TimePoint now);
  /// When to call handle_timeout(). Signs of life move it further, never nearer, so a timer set for an earlier answer
  /// may stay.
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;
  [[nodiscard]] std::optional<Event> poll_event();

  /// Whether a check of the other side came by this path: the gate for DTLS and SRTP.
  [[nodiscard]] bool is_valid(const Path& path) const { return find(path) != kNone; }
  [[nodiscard]] std::optional<Path> selected() const;
  /// The selected path while there is consent to send on it.
  [[nodiscard]] std::optional<Path> send_path() const;
  [[nodiscard]] State state() const { return state_; }
  /// Of the newest generation.
  [[nodiscard]] const Credentials& local() const { return pending_ ? pending_->local : current_.local; }
  [[nodiscard]] std::size_t valid_paths() const { return tuples_.size(); }

 private:
  struct Generation {
    explicit Generation(Credentials credentials, std::uint64_t its_number);
    Credentials local;
    stun::IntegrityKey key;
    std::optional<std::string> remote_ufrag;
    std::uint64_t number;
  };
  /// A valid path.
  struct Tuple {
    Path path;
    TimePoint heard{};  // the last authentic packet
    std::uint64_t generation = 0;
    std::string remote_ufrag = {};  // as the check said
    bool reported = false;          // PathAdded was polled
  };
  struct Check {
    stun::Message message;
    Generation* generation = nullptr;
    std::string_view remote_ufrag;
  };
  static constexpr std::size_t kNone = SIZE_MAX;

  /// Everything that is checked of a request before it is believed; Accepted when it is.
  Verdict authenticate(TimePoint now, const Path& path, Bytes packet, Check& check);
  Outcome refuse(const Check& check, Verdict verdict, MutableBytes response_buffer);
  void accept(TimePoint now, const Path& path, const Check& check);
  void promote_pending();
  std::size_t add_tuple(const Path& path);
  void erase_tuple(std::size_t index);
  void select_best_left();
  void update_state(TimePoint now);
  void fail_now();
  [[nodiscard]] State state_at(TimePoint now) const;
  [[nodiscard]] TimePoint fails_at() const;
  [[nodiscard]] std::size_t find(const Path& path) const;
  Generation& newest() { return pending_ ? *pending_ : current_; }

  Options options_;
  Generation current_;
  std::optional<Generation> pending_;  // of a restart, until its first good check
  TokenBucket checks_of_valid_;
  TokenBucket checks_of_others_;

  std::vector<Tuple> tuples_;
  std::size_t selected_ = kNone;
  /// When the path that was selected last was heard; nothing before the first.
  std::optional<TimePoint> last_heard_;
  /// Since when checks of the newest generation are expected.
  std::optional<TimePoint> waiting_since_;
  State state_ = State::New;

  State polled_state_ = State::New;
  std::optional<Path> polled_path_;
  std::vector<Path> removed_;         // of those that were polled as added: at most tuples_max
  std::vector<std::string> retired_;  // at most one for each restart() since the last poll
};

}  // namespace zvonok::ice
