// The WebSockets on which Twilio brings the sound of calls and fetches ours, one for each call. Belongs to the control
// thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "adapter/voip_twilio/playout.h"
#include "adapter/voip_twilio/sound_wire.h"
#include "adapter/voip_twilio/stream_words.h"
#include "base/entropy.h"
#include "base/id.h"
#include "call/phone_words.h"
#include "net/responder.h"
#include "net/server.h"

namespace zvonok::voip_twilio {

struct StreamCounters {
  std::uint64_t started = 0;
  std::uint64_t refused = 0;       // by their token, or by what they said of themselves
  std::uint64_t bad_messages = 0;  // that are none of Media Streams'
  std::uint64_t sounds_in = 0;
  std::uint64_t sounds_out = 0;
  std::uint64_t left_out = 0;   // sound to the telephone: too much of it waited there
  std::uint64_t dropped = 0;    // at full lanes, of calls that are over
  std::uint64_t too_early = 0;  // sound to the telephone before there was a stream
};

class TwilioStreams final : public net::WsHandler {
 public:
  struct Hooks {
    /// Whether the stream's SIDs are those of the call.
    std::function<bool(const CallId&, const StreamStarts&)> is_of_call;
    std::function<void(const CallId&)> on_started;
    std::function<void(const CallId&)> on_heard;
    std::function<void(const CallId&)> on_ended;  // by Twilio
  };
  TwilioStreams(net::Loop& loop, Entropy& entropy, Hooks hooks);
  ~TwilioStreams() override;
  TwilioStreams(const TwilioStreams&) = delete;
  TwilioStreams& operator=(const TwilioStreams&) = delete;

  /// Before any call. The server outlives its use here.
  void attach(net::Server& server) { server_ = &server; }

  void open_call(const CallId& call);
  /// Null when there is no such call, or when its line was taken.
  [[nodiscard]] std::unique_ptr<port::PhoneLine> take_line(const CallId& call);
  void close_call(const CallId& call);
  /// Lets one stream of that call in, once. The one before it is forgotten.
  [[nodiscard]] std::string new_token(const CallId& call);
  /// nullopt: a token that nobody has, or that was used.
  [[nodiscard]] std::optional<CallId> use_token(std::string_view token);
  /// The WebSocket of a call is open.
  void opened(ConnectionId id, const CallId& call);
  [[nodiscard]] bool has_stream(const CallId& call) const;

  void send_digits(const CallId& call, std::string_view digits);
  void set_hold(const CallId& call, call::phone::Switch to);
  void set_mute(const CallId& call, call::phone::Switch to);

  void on_ws_message(ConnectionId id, std::string_view text) override;
  void on_ws_close(ConnectionId id) override;

  /// Of now.
  [[nodiscard]] StreamCounters counters() const;
  [[nodiscard]] std::size_t streams() const { return sockets_.size(); }

 private:
  struct Stream {
    std::shared_ptr<SoundWire> wire;  // owners: this, the line, and what is on its way between their threads
    bool line_taken = false;
    std::string token;
    std::optional<ConnectionId> socket;
    std::string stream_sid;  // empty: it has not started
    std::string digits;      // that wait for it
    unsigned bad_messages = 0;
    bool on_hold = false;
    bool muted = false;
    Playout playout;
    StreamClock clock;
  };
  void on(const CallId& call, Stream& stream, ConnectionId id, const StreamStarts& start);
  void on(const CallId& call, Stream& stream, ConnectionId id, const StreamSound& sound);
  void on(const CallId& call, Stream& stream, ConnectionId id, const StreamDigit& digit);
  void on(const CallId& call, Stream& stream, ConnectionId id, const StreamMark& mark);
  void on(const CallId&, Stream&, ConnectionId, const StreamStops&) {}  // the WebSocket's end follows
  void on(const CallId&, Stream&, ConnectionId, const StreamOther&) {}
  void on_bad_message(Stream& stream, ConnectionId id);
  void speak(const CallId& call, const port::PhoneSound& sound);
  void play(const CallId& call, Bytes ulaw);
  void mark(Stream& stream);
  void let_go(Stream& stream, std::string_view why);

  net::Loop& loop_;
  Entropy& entropy_;
  const Hooks hooks_;
  net::Server* server_ = nullptr;
  std::unordered_map<CallId, Stream> calls_;
  std::unordered_map<std::string, CallId> tokens_;
  std::unordered_map<ConnectionId, CallId> sockets_;
  StreamCounters counters_;
  std::string text_;                 // of the message that is written
  std::vector<std::uint8_t> sound_;  // of the message that is read
};

}  // namespace zvonok::voip_twilio
