// One tunnelled call from the client's side (docs/protocol/tunnel.md): comes in over Socket.IO, calls or waits, starts
// the tunnel client with what the server sends, agrees a key with the other end, and carries sound until somebody hangs
// up. What it was asked for and what came of it are values.
//
// Threads: everything on the loop's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/entropy.h"
#include "base/private.h"
#include "caller/media_stream.h"
#include "caller/sound_source.h"
#include "caller/tunnel_path.h"
#include "caller/tunnel_process.h"
#include "caller/wav.h"
#include "load/ws_connection.h"
#include "net/loop.h"
#include "proto/e2e/agreement.h"
#include "proto/socketio/client.h"

namespace zvonok::caller {

struct CallRequest {
  SocketAddress server;
  std::string host;                           // as in the Host header
  std::string name;                           // of it, without the port
  std::shared_ptr<const net::TlsClient> tls;  // null: plain
  Private<std::string> token;
  std::string device = "cli";
  std::string to;  // whom to call; empty: wait for a call
  Duration wait_max = hours{24};
  Duration talk_max{};           // hang up after so much of it; zero: when the other side does, or the sound is over
  Duration grace = seconds{10};  // to come back after the connection to the server was lost
  bool hang_up_when_said = false;
  TunnelProgram program;
  std::optional<SocketAddress> proxy;  // there already: nothing is started
  MediaTransport transport = MediaTransport::Udp;
  Private<std::string> secret;  // of the two users, besides the server's `encryptionKey`
  std::string record_path;      // empty: nothing is recorded
  std::string config_path;      // the tunnel's configuration is written there, for whoever starts the client
};

enum class Outcome : std::uint8_t {
  Talked,       // there was a call, and the other end was heard
  Silent,       // there was a call, and nothing of the other end could be decoded
  NotAnswered,  // rejected, busy, away, nobody called
  Failed,
};
[[nodiscard]] std::string_view to_text(Outcome outcome);

struct CallReport {
  Outcome outcome = Outcome::Failed;
  std::string reason;  // why it is over: a word of the protocol, or a line
  std::string call_id;
  std::string self;
  std::string peer;
  std::string role;  // "caller", "callee"
  std::string code;  // the short authentication string
  MediaTransport transport = MediaTransport::Udp;
  Duration setup{};   // from the answer until both tunnels were up and the key was agreed
  Duration tunnel{};  // of that: until our own tunnel was up
  Duration talk{};
  StreamStats stream;
  PathStats path;
};
/// One line of JSON.
[[nodiscard]] std::string to_json(const CallReport& report);

class Session final : private load::WsHandler {
 public:
  /// `say`: a line for whoever looks on. `on_end`: once, the last call.
  struct Events {
    std::function<void(const std::string&)> say;
    std::function<void()> on_end;
  };
  Session(net::Loop& loop, Entropy& entropy, CallRequest request, SoundSource source, Events events);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override;

  /// The error is one line.
  [[nodiscard]] Result<void, std::string> start();
  /// Ends the call in order; later ends the session at once.
  void hang_up(std::string_view reason);
  [[nodiscard]] CallReport report() const;

 private:
  enum class Phase : std::uint8_t { Idle, Calling, Ringing, Accepting, Connecting, Talking, Over };

  // Signalling.
  void connect();
  void on_ws_open() override {}
  void on_ws_text(std::string_view text) override;
  void on_ws_end(std::string_view why) override;
  void pump();
  void handle(const socketio::Client::Happening& happening);
  void on_joined();
  void on_event(const std::string& name, std::string_view argument);
  void emit(std::string_view event, std::string_view members = {});
  void arm_silence();

  // The call.
  void on_initiated(std::string_view data);
  void on_incoming(std::string_view data);
  void on_config(std::string_view data);
  void on_words(std::string_view data);
  void on_error(std::string_view data);
  void read_parties(std::string_view data);

  // The tunnel.
  void start_client(std::string_view config);
  void open_path(const SocketAddress& proxy);
  void on_path_ready();
  void talk_if_ready();

  // Sound.
  void tick();
  void record(MediaStream::Take take);

  void finish(Outcome outcome, std::string reason);
  void fail_with(std::string why) { finish(Outcome::Failed, std::move(why)); }
  void put_down();
  template <class Callback>
  void after(std::optional<net::Loop::TimerKey>& timer, Duration delay, Callback callback);
  void cancel(std::optional<net::Loop::TimerKey>& timer);

  net::Loop& loop_;
  Entropy& entropy_;
  CallRequest request_;
  SoundSource source_;
  Events events_;

  std::unique_ptr<load::WsConnection> ws_;
  std::optional<socketio::Client> io_;
  TimePoint lost_at_{};
  bool ever_joined_ = false;
  std::optional<net::Loop::TimerKey> silence_timer_;
  std::optional<net::Loop::TimerKey> retry_timer_;
  std::optional<net::Loop::TimerKey> resume_timer_;
  std::optional<net::Loop::TimerKey> wait_timer_;

  Phase phase_ = Phase::Idle;
  CallReport report_;
  std::optional<SocketAddress> peer_endpoint_;
  std::optional<SocketAddress> sfu_endpoint_;
  std::unique_ptr<e2e::Agreement> agreement_;
  std::unique_ptr<TunnelProcess> process_;
  std::unique_ptr<TunnelPath> path_;
  bool ready_ = false;
  bool peer_ready_ = false;
  TimePoint answered_at_{};
  TimePoint talking_since_{};

  MediaStream stream_;
  std::optional<WavWriter> recording_;
  TimePoint next_frame_{};
  std::optional<net::Loop::TimerKey> frame_timer_;
};

}  // namespace zvonok::caller
