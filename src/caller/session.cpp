#include "caller/session.h"

#include <array>
#include <fstream>

#include <fcntl.h>

#include "base/overloaded.h"
#include "proto/json_scan.h"

namespace zvonok::caller {
namespace {

constexpr std::string_view kNamespace = "/call";
constexpr Duration kRetryInterval = milliseconds{500};
constexpr Duration kResumeTimeout = seconds{5};  // in which the server says again what a running call has to know
constexpr unsigned kFramesBehindMax = 10;        // a process that stood still does not say it all at once

std::optional<json::Value> find(std::string_view object, std::string_view key) {
  std::optional<json::Value> found;
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, key)) found = member->value;
  }
  return found;
}

std::string text_of(std::string_view object, std::string_view key) {
  const auto value = find(object, key);
  return value && value->type == json::Type::String ? json::unescape(value->raw_string()) : std::string{};
}

std::string member(std::string_view key, std::string_view value) {
  std::string out = "\"" + std::string{key} + "\":";
  json::append_string(out, value);
  return out;
}

/// For whoever starts the tunnel client: it lets its reader into the call.
bool write_privately(const std::string& path, std::string_view text) {
  const net::Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  return file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

Session::Session(net::Loop& loop, Entropy& entropy, CallRequest request, SoundSource source, Events events)
    : loop_{loop},
      entropy_{entropy},
      request_{std::move(request)},
      source_{std::move(source)},
      events_{std::move(events)},
      stream_{entropy} {
  report_.transport = request_.transport;
}

Session::~Session() {
  phase_ = Phase::Over;
  put_down();
}

template <class Callback>
void Session::after(std::optional<net::Loop::TimerKey>& timer, Duration delay, Callback callback) {
  cancel(timer);
  timer = loop_.schedule(loop_.now().mono + delay, [&timer, callback = std::move(callback)] {
    timer.reset();
    callback();
  });
}

void Session::cancel(std::optional<net::Loop::TimerKey>& timer) {
  if (timer) loop_.cancel(*timer);
  timer.reset();
}

Result<void, std::string> Session::start() {
  if (!request_.record_path.empty()) {
    auto writer = WavWriter::create(request_.record_path, kSampleRate);
    if (!writer) return fail(std::move(writer.error()));
    recording_ = std::move(*writer);
  }
  connect();
  after(wait_timer_, request_.wait_max, [this] {
    if (phase_ == Phase::Idle) finish(Outcome::NotAnswered, "nobody called");
  });
  return {};
}

// ---- signalling -----------------------------------------------------------------------------------------------------

void Session::connect() {
  std::string auth = "{" + member("token", request_.token.reveal()) + "," + member("device", request_.device) + "}";
  io_.emplace(socketio::Client::Options{.nsp = std::string{kNamespace}, .auth = std::move(auth)}, loop_.now().mono);
  ws_ = std::make_unique<load::WsConnection>(loop_, static_cast<load::WsHandler&>(*this),
                                             load::WsConnection::Target{.server = request_.server,
                                                                        .host = request_.host,
                                                                        .path = std::string{socketio::kWebSocketPath},
                                                                        .token = {},
                                                                        .tls = request_.tls,
                                                                        .name = request_.name},
                                             random_u32(entropy_));
  arm_silence();
  if (!ws_->refused().empty()) on_ws_end(ws_->refused());
}

void Session::arm_silence() {
  const TimePoint at = io_->next_timeout();
  after(silence_timer_, std::max(at - loop_.now().mono, Duration::zero()), [this] {
    const auto heard = io_->handle_timeout(loop_.now().mono);
    if (heard) return arm_silence();
    ws_->close();
    on_ws_end(heard.error());
  });
}

void Session::on_ws_text(std::string_view text) {
  const auto understood = io_->handle_text(text, loop_.now().mono);
  pump();
  if (understood || phase_ == Phase::Over) return;
  ws_->close();
  on_ws_end(understood.error());
}

void Session::pump() {
  while (const auto happening = io_->poll_event()) {
    handle(*happening);
    if (phase_ == Phase::Over) return;
  }
  while (const auto text = io_->poll_transmit()) ws_->send(*text);
}

/// A call outlives its connection for a while; what never was is not tried again.
void Session::on_ws_end(std::string_view why) {
  cancel(silence_timer_);
  if (ws_) loop_.discard(std::move(ws_));
  if (phase_ == Phase::Over) return;
  const TimePoint now = loop_.now().mono;
  const bool had_call = phase_ == Phase::Connecting || phase_ == Phase::Talking || phase_ == Phase::Ringing;
  if (lost_at_ == TimePoint{}) lost_at_ = now;
  const bool may_retry = ever_joined_ && (had_call || phase_ == Phase::Idle) && now - lost_at_ < request_.grace;
  if (!may_retry) return fail_with("the connection to the server: " + std::string{why});
  after(retry_timer_, kRetryInterval, [this] { connect(); });
}

void Session::handle(const socketio::Client::Happening& happening) {
  std::visit(Overloaded{[&](const socketio::Client::Joined&) { on_joined(); },
                        [&](const socketio::Client::Refused& refused) {
                          fail_with("the server does not let us in: " + refused.message);
                        },
                        [&](const socketio::Client::PutOut&) { fail_with("the server has put us out"); },
                        [&](const socketio::Client::Event& event) { on_event(event.name, event.args); }},
             happening);
}

void Session::on_joined() {
  lost_at_ = {};
  if (!std::exchange(ever_joined_, true)) {
    if (request_.to.empty()) {
      events_.say("waiting for a call");
    } else {
      phase_ = Phase::Calling;
      events_.say("calling " + request_.to);
      emit("initiate-call", member("calleeId", request_.to));
    }
    return;
  }
  if (phase_ == Phase::Idle) return;
  // The server tells again what this side has to know; its silence means that the call is over.
  after(resume_timer_, kResumeTimeout, [this] { finish(Outcome::Talked, "disconnected"); });
}

void Session::emit(std::string_view event, std::string_view members) {
  if (!io_) return;
  std::string argument = "{";
  if (!report_.call_id.empty()) argument += member("callId", report_.call_id);
  if (!report_.call_id.empty() && !members.empty()) argument += ",";
  io_->emit(event, argument.append(members).append("}"));
  while (const auto text = io_->poll_transmit()) {
    if (ws_) ws_->send(*text);
  }
}

void Session::on_event(const std::string& name, std::string_view argument) {
  if (!argument.starts_with('{')) return;
  if (name == "call-initiated") return on_initiated(argument);
  if (name == "incoming-call") return on_incoming(argument);
  if (name == "call-error") return on_error(argument);
  if (report_.call_id.empty() || text_of(argument, "callId") != report_.call_id) return;
  if (name == "call-accepted") {
    if (phase_ == Phase::Ringing) events_.say("answered");
    if (phase_ == Phase::Ringing) phase_ = Phase::Accepting;
    if (answered_at_ == TimePoint{}) answered_at_ = loop_.now().mono;
  } else if (name == "vpn-config-received") {
    on_config(argument);
  } else if (name == "vpn-connected") {
    peer_ready_ = true;
    talk_if_ready();
  } else if (name == "e2e") {
    on_words(argument);
  } else if (name == "call-rejected") {
    finish(Outcome::NotAnswered, "rejected");
  } else if (name == "call-hangup") {
    const std::string reason = text_of(argument, "reason");
    finish(answered_at_ == TimePoint{} ? Outcome::NotAnswered : Outcome::Talked, reason.empty() ? "hangup" : reason);
  }
}

// ---- the call -------------------------------------------------------------------------------------------------------

void Session::read_parties(std::string_view data) {
  report_.call_id = text_of(data, "callId");
  const bool is_caller = !request_.to.empty();
  report_.role = is_caller ? "caller" : "callee";
  report_.self = text_of(data, is_caller ? "callerId" : "calleeId");
  report_.peer = text_of(data, is_caller ? "calleeId" : "callerId");
}

void Session::on_initiated(std::string_view data) {
  if (text_of(data, "callId") == report_.call_id) return cancel(resume_timer_);
  if (phase_ != Phase::Calling) return;
  read_parties(data);
  phase_ = Phase::Ringing;
  events_.say("ringing");
}

void Session::on_incoming(std::string_view data) {
  if (phase_ != Phase::Idle || !request_.to.empty()) return;
  read_parties(data);
  cancel(wait_timer_);
  phase_ = Phase::Accepting;
  answered_at_ = loop_.now().mono;
  events_.say("call from " + report_.peer);
  emit("accept-call");
}

void Session::on_error(std::string_view data) {
  const std::string message = text_of(data, "message");
  const std::string about = text_of(data, "callId");
  const bool ours = !about.empty() && about == report_.call_id;
  if (phase_ == Phase::Calling && about.empty()) return finish(Outcome::NotAnswered, message);
  if (ours && message == "Call not found") return finish(Outcome::Talked, "disconnected");
  if (ours && phase_ == Phase::Accepting) return finish(Outcome::NotAnswered, message);
  events_.say("the server: " + message);
}

void Session::on_config(std::string_view data) {
  cancel(resume_timer_);
  if (agreement_) {  // after a reconnect; what was said last may be lost
    if (ready_) emit("vpn-ready");
    return emit("e2e", "\"data\":" + agreement_->words());
  }
  phase_ = Phase::Connecting;
  const auto config = find(data, "xrayConfig");
  peer_endpoint_ = SocketAddress::parse(text_of(data, "peerEndpoint"));
  sfu_endpoint_ = SocketAddress::parse(text_of(data, "sfuEndpoint"));
  if (!config || config->type != json::Type::Object || !peer_endpoint_) {
    return fail_with("the server's tunnel configuration is not understood");
  }
  agreement_ = std::make_unique<e2e::Agreement>(
      e2e::Agreement::Options{.self = report_.self,
                              .peer = report_.peer,
                              .extra = e2e::call_salt(text_of(data, "encryptionKey"), request_.secret.reveal())},
      entropy_);
  emit("e2e", "\"data\":" + agreement_->words());
  start_client(config->text);
}

void Session::on_words(std::string_view data) {
  const auto words = find(data, "data");
  if (!agreement_ || !words) return;
  auto heard = agreement_->hear(words->text);
  if (!heard) {
    emit("hangup");
    return fail_with(std::string{e2e::to_text(heard.error())});
  }
  if (heard->say) emit("e2e", "\"data\":" + agreement_->words());
  if (!heard->keys) return;
  stream_.use(*heard->keys);
  report_.code = heard->keys->code;
  events_.say("code " + report_.code.substr(0, 4) + " " + report_.code.substr(4) +
              ": compare it with the other side's");
  talk_if_ready();
}

// ---- the tunnel -----------------------------------------------------------------------------------------------------

void Session::start_client(std::string_view config) {
  const std::uint16_t port = request_.proxy ? proxy_port_of(config) : free_port();
  auto adapted = adapt_client_config(config, port);
  if (!adapted) return fail_with(std::move(adapted.error()));
  if (!request_.config_path.empty() && !write_privately(request_.config_path, *adapted)) {
    return fail_with(request_.config_path + " can't be written");
  }
  if (request_.proxy) return open_path(*request_.proxy);
  auto process = TunnelProcess::start(
      loop_, request_.program, Private<std::string>{std::move(*adapted)}, port,
      {.on_listening = [this, port] { open_path({.ip = IpAddress::v4(0x7F000001), .port = port}); },
       .on_end =
           [this](const std::string& why) {
             emit("hangup");
             fail_with("the tunnel client: " + why);
           }});
  if (!process) {
    emit("hangup");
    return fail_with(std::move(process.error()));
  }
  process_ = std::move(*process);
}

void Session::open_path(const SocketAddress& proxy) {
  path_ = std::make_unique<TunnelPath>(
      loop_, entropy_,
      TunnelPath::Options{
          .proxy = proxy, .peer = *peer_endpoint_, .probe = sfu_endpoint_, .transport = request_.transport},
      TunnelPath::Events{
          .on_ready = [this] { on_path_ready(); },
          .on_datagram = [this](MutableBytes datagram) { stream_.handle_datagram(datagram, loop_.now().mono); },
          .on_end =
              [this](const std::string& why) {
                emit("hangup");
                fail_with("the tunnel: " + why);
              }});
}

void Session::on_path_ready() {
  ready_ = true;
  report_.tunnel = loop_.now().mono - answered_at_;
  events_.say("our tunnel is up");
  emit("vpn-ready");
  talk_if_ready();
}

void Session::talk_if_ready() {
  if (phase_ != Phase::Connecting || !ready_ || !peer_ready_ || !stream_.ready()) return;
  phase_ = Phase::Talking;
  talking_since_ = next_frame_ = loop_.now().mono;
  report_.setup = talking_since_ - answered_at_;
  events_.say("talking");
  tick();
}

// ---- sound ----------------------------------------------------------------------------------------------------------

void Session::tick() {
  const TimePoint now = loop_.now().mono;
  if (now - next_frame_ > kFramesBehindMax * kFrameLength) next_frame_ = now;
  for (; next_frame_ <= now; next_frame_ += kFrameLength) {
    std::array<std::int16_t, kFrameSamples> frame{};
    source_.fill(frame);
    if (const Bytes sealed = stream_.seal(frame); !sealed.empty()) path_->send(sealed);
  }
  record(MediaStream::Take::InTime);
  const bool enough = request_.talk_max > Duration::zero() && now - talking_since_ >= request_.talk_max;
  if (enough || (request_.hang_up_when_said && source_.done())) return hang_up(enough ? "duration" : "said");
  after(frame_timer_, next_frame_ - now, [this] { tick(); });
}

void Session::record(MediaStream::Take take) {
  const auto sound = stream_.take_sound(take);
  if (!recording_ || sound.empty() || recording_->append(sound)) return;
  events_.say("the recording can't be written any further");
  recording_.reset();
}

// ---- the end --------------------------------------------------------------------------------------------------------

void Session::hang_up(std::string_view reason) {
  if (phase_ == Phase::Over) return;
  if (!report_.call_id.empty()) emit("hangup");
  const bool was_answered = answered_at_ != TimePoint{};
  finish(was_answered ? Outcome::Talked : Outcome::NotAnswered, std::string{reason});
}

void Session::finish(Outcome outcome, std::string reason) {
  if (phase_ == Phase::Over) return;
  const bool talked = talking_since_ != TimePoint{};
  if (talked) report_.talk = loop_.now().mono - talking_since_;
  phase_ = Phase::Over;
  record(MediaStream::Take::All);
  report_.reason = std::move(reason);
  report_.outcome = outcome;
  if (outcome == Outcome::Talked && !talked) report_.outcome = Outcome::Failed;  // answered, and no tunnel came of it
  if (report_.outcome == Outcome::Talked && stream_.stats().received_packets == 0) report_.outcome = Outcome::Silent;
  events_.say("over: " + report_.reason);
  put_down();
  events_.on_end();
}

/// What we have just said may still wait to be sent: the WebSocket stays until the session is destroyed.
void Session::put_down() {
  for (auto* const timer : {&silence_timer_, &retry_timer_, &resume_timer_, &wait_timer_, &frame_timer_}) {
    cancel(*timer);
  }
  if (path_) {
    report_.path = path_->stats();
    path_->close();
    loop_.discard(std::move(path_));
  }
  if (process_) loop_.discard(std::move(process_));
}

CallReport Session::report() const {
  CallReport report = report_;
  report.stream = stream_.stats();
  return report;
}

}  // namespace zvonok::caller
