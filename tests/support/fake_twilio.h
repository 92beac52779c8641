// A Twilio of our own for tests, on a thread of its own: the Calls resource, signed webhooks, TwiML as far as it is
// needed, and Media Streams. Its telephones do what they are told, and who answers says again what he hears. Shares
// with the server what carries bytes, and neither signatures nor messages.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zvonok::test {

class FakeTwilio {
 public:
  enum class Rule {
    Answers,
    AnswersAndLeaves,  // half a second later
    RingsForever,
    Busy,
    NoAnswer,
    Fails,          // as the network says
    NoSuchNumber,   // the API refuses it with 21211
    Unauthorized,   // 401
    RateLimited,    // 429
    Breaks,         // 500
    Slow,           // the API answers after a second and a half
    NeverAnswers,   // the API does not
    DropsStream,    // and goes on with the TwiML behind it, once
    RefusesStream,  // it can't reach the WebSocket, ever
    CallsNobody,    // takes the call and is silent: no callback ever comes
    PlacedTwice,    // somebody between repeated the request: two calls by one name, and one answer
  };
  enum class Callbacks {
    InOrder,
    Twice,
    Backwards,  // held until the end of the call, the last first
    Lost,       // no status callback comes, and TwiML is fetched all the same
    Forged,     // signed with another token
  };
  struct Options {
    std::string account_sid = "AC0123456789abcdef0123456789abcdef";
    std::string auth_token = "a token of the account";
    std::uint16_t port = 0;
  };

  FakeTwilio() : FakeTwilio(Options{}) {}
  explicit FakeTwilio(Options options);
  ~FakeTwilio();
  FakeTwilio(const FakeTwilio&) = delete;
  FakeTwilio& operator=(const FakeTwilio&) = delete;

  [[nodiscard]] const Options& options() const;
  /// VOIP_API_BASE.
  [[nodiscard]] std::string base() const;

  // All of these from any thread.
  /// For calls from now on.
  void set(Rule rule);
  void set(Callbacks callbacks);
  /// The telephones of all answered calls press a key.
  void press(char digit);
  /// The telephones of all calls hang up.
  void hang_up_all();
  /// The streams of now are not read for that long, as when the connection stalls.
  void stall(std::chrono::milliseconds time);
  /// From now on nothing comes from here any more, neither webhooks nor sound, and requests after calls are answered by
  /// that status.
  void vanish(int status);
  enum class Caller {
    Talks,
    Leaves,   // half a second after the answer
    GivesUp,  // half a second after the call
  };
  /// A telephone calls the number that is ours: the webhook of the number is asked.
  void call_in(const std::string& webhook, const std::string& from, const std::string& to,
               Caller caller = Caller::Talks);

  struct Seen {
    std::size_t placed = 0;             // requests to place a call
    std::size_t under_way = 0;          // calls
    std::size_t answered = 0;           // calls, ever
    std::size_t canceled = 0;           // calls that ended so
    std::size_t completed = 0;          // likewise
    std::size_t streams = 0;            // that were opened, ever
    std::size_t forbidden = 0;          // webhooks that were answered with 403
    std::size_t clears = 0;             // messages
    std::size_t marks = 0;              // that were sent back
    std::size_t waiting_ms = 0;         // sound that a telephone is still to hear, of the stream that played last
    std::string digits;                 // tones that telephones heard, in order
    std::string last_end;               // the status of the call that ended last
    std::vector<std::string> rejected;  // <Reject>: the reasons
  };
  [[nodiscard]] Seen seen() const;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace zvonok::test
