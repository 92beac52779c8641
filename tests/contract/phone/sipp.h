// SIPp as a telephone: scenarios put together from steps, and the process that plays them.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "contract/phone/child.h"

namespace zvonok::test {

/// Steps of a scenario, as its XML. Each call of a scenario is told in its log: "begin" and "end" lines.
namespace sipp {

/// Waits for a request; notes its CSeq for INVITE. `attributes`: of the element.
[[nodiscard]] std::string recv(std::string_view request, std::string_view attributes = "");
/// The first INVITE, with more actions: what is assigned to `good` may be asked for by `test`.
[[nodiscard]] std::string recv_invite(std::string_view actions = "");
[[nodiscard]] std::string recv_response(int status, std::string_view attributes = "");
enum class Body { None, Sdp };
struct Response {
  std::string status;  // "180 Ringing"
  Body body = Body::None;
  std::string headers = {};  // whole lines
  bool to_invite = false;    // the first INVITE, when something else has come since
  std::string sdp = {};      // instead of the usual
  bool has_tag = false;      // To, by the request
};
[[nodiscard]] std::string respond(const Response& response);
/// A request of our own within the dialog. `more` are headers, `sdp` a body.
[[nodiscard]] std::string request(std::string_view method, int cseq, std::string_view more = "",
                                  std::string_view sdp = "");
[[nodiscard]] std::string pause(int milliseconds);
[[nodiscard]] std::string label(int number);
[[nodiscard]] std::string log(std::string_view text);
/// The usual description: PCMU, PCMA and telephone events at SIPp's media port, which echoes.
[[nodiscard]] std::string sdp(std::string_view direction = "sendrecv");
/// From an answered call to its end: re-INVITEs are answered, BYE ends it.
[[nodiscard]] std::string talk_until_bye();
/// From 180 on: answers after so long unless it is cancelled.
[[nodiscard]] std::string ring_and_answer(int milliseconds);
/// CANCEL is the next thing to come, or came: 200 to it, 487 to the INVITE.
[[nodiscard]] std::string cancelled();

// Of a call that SIPp makes to us, as a trunk does:
[[nodiscard]] std::string invite(std::string_view body);
/// 200 comes.
[[nodiscard]] std::string answered();
[[nodiscard]] std::string in_dialog(std::string_view method, int cseq, std::string_view body = "");
[[nodiscard]] std::string cancel();
/// To a final refusal; in the INVITE's transaction.
[[nodiscard]] std::string ack_refusal();

}  // namespace sipp

/// For an agent of SIP that goes: who is on loopback hears of the end at once, or is gone.
inline constexpr Duration kShutdownPatience = milliseconds{100};

class Sipp {
 public:
  struct Options {
    std::string transport = "u1";  // as SIPp names it: t1 is TCP
    std::string address = "127.0.0.1";
    std::string calls = {};  // "127.0.0.1:5060": makes one call there, instead of waiting for calls
  };
  /// Waits until it listens.
  explicit Sipp(const std::string& steps) : Sipp(steps, Options{}) {}
  Sipp(const std::string& steps, const Options& options);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string log() const { return folder_.read("log"); }
  /// How many lines of the log are that.
  [[nodiscard]] std::size_t count(std::string_view line) const;
  /// What went over the wire.
  [[nodiscard]] std::string messages() const { return folder_.read("messages"); }
  /// For the failure of a test.
  [[nodiscard]] std::string report() const;

 private:
  Folder folder_;
  std::uint16_t port_ = free_port();
  std::unique_ptr<Child> process_;
};

}  // namespace zvonok::test
