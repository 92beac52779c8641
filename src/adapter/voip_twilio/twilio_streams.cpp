#include "adapter/voip_twilio/twilio_streams.h"

#include <algorithm>
#include <utility>

#include "adapter/voip_twilio/tones.h"
#include "base/base64.h"
#include "proto/json_scan.h"

namespace zvonok::voip_twilio {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kPiece = 160;                            // samples: 20 ms
constexpr std::size_t kMessageSamplesMax = kSamplesPerSecond;  // of one message of Twilio's
constexpr unsigned kBadMessagesMax = 100;
constexpr std::size_t kWaitingDigitsMax = 64;

}  // namespace

TwilioStreams::TwilioStreams(net::Loop& loop, Entropy& entropy, Hooks hooks)
    : loop_{loop}, entropy_{entropy}, hooks_{std::move(hooks)} {
  sound_.resize(kMessageSamplesMax);
}

TwilioStreams::~TwilioStreams() {
  for (auto& [id, stream] : calls_) stream.wire->close_control();
}

// ---- calls ----------------------------------------------------------------------------------------------------------

void TwilioStreams::open_call(const CallId& call) {
  Stream stream;
  stream.wire = std::make_shared<SoundWire>(
      loop_, [this, call](const port::PhoneSound& sound) { speak(call, sound); },
      [this, call](char digit) { send_digits(call, {&digit, 1}); });
  calls_.emplace(call, std::move(stream));
}

std::unique_ptr<port::PhoneLine> TwilioStreams::take_line(const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end() || std::exchange(place->second.line_taken, true)) return nullptr;
  return make_line(place->second.wire);
}

void TwilioStreams::close_call(const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  Stream& stream = place->second;
  stream.wire->close_control();
  counters_.dropped += stream.wire->dropped();
  let_go(stream, "the call is over");
  if (!stream.token.empty()) tokens_.erase(stream.token);
  calls_.erase(place);
}

StreamCounters TwilioStreams::counters() const {
  StreamCounters all = counters_;
  for (const auto& [id, stream] : calls_) all.dropped += stream.wire->dropped();
  return all;
}

bool TwilioStreams::has_stream(const CallId& call) const {
  const auto place = calls_.find(call);
  return place != calls_.end() && !place->second.stream_sid.empty();
}

// ---- who may come in ------------------------------------------------------------------------------------------------

std::string TwilioStreams::new_token(const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return {};
  std::string& token = place->second.token;
  if (!token.empty()) tokens_.erase(token);
  token = make_secret(entropy_, kTokenBytes);
  tokens_.emplace(token, call);
  return token;
}

std::optional<CallId> TwilioStreams::use_token(std::string_view token) {
  // 256 random bits: what the time of a look-up tells of them helps nobody.
  const auto found = tokens_.find(std::string{token});
  if (found == tokens_.end()) {
    ++counters_.refused;
    return std::nullopt;
  }
  const CallId call = found->second;
  calls_.at(call).token.clear();
  tokens_.erase(found);
  return call;
}

void TwilioStreams::opened(ConnectionId id, const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) {
    server_->ws_close(id, websocket::CloseCode::Normal, "the call is over");
    return;
  }
  let_go(place->second, "another stream takes its place");
  place->second.socket = id;
  sockets_.emplace(id, call);
}

/// The old WebSocket's end is nobody's business any more.
void TwilioStreams::let_go(Stream& stream, std::string_view why) {
  if (!stream.socket) return;
  const ConnectionId id = *stream.socket;
  stream.socket.reset();
  stream.stream_sid.clear();
  stream.bad_messages = 0;
  sockets_.erase(id);
  server_->ws_close(id, websocket::CloseCode::Normal, why);
}

void TwilioStreams::on_ws_close(ConnectionId id) {
  const auto socket = sockets_.find(id);
  if (socket == sockets_.end()) return;
  const CallId call = socket->second;
  sockets_.erase(socket);
  Stream& stream = calls_.at(call);
  stream.socket.reset();
  stream.stream_sid.clear();
  stream.bad_messages = 0;
  hooks_.on_ended(call);
}

// ---- from Twilio ----------------------------------------------------------------------------------------------------

void TwilioStreams::on_ws_message(ConnectionId id, std::string_view text) {
  const auto socket = sockets_.find(id);
  if (socket == sockets_.end()) return;
  const CallId call = socket->second;
  Stream& stream = calls_.at(call);
  const auto message = read_stream_message(text);
  if (!message) return on_bad_message(stream, id);
  std::visit([&](const auto& which) { on(call, stream, id, which); }, *message);
}

void TwilioStreams::on_bad_message(Stream& stream, ConnectionId id) {
  ++counters_.bad_messages;
  if (++stream.bad_messages < kBadMessagesMax) return;
  server_->ws_close(id, websocket::CloseCode::PolicyViolation, "this is not Media Streams");
}

void TwilioStreams::on(const CallId& call, Stream& stream, ConnectionId id, const StreamStarts& start) {
  if (!stream.stream_sid.empty()) return on_bad_message(stream, id);
  if (!start.is_ulaw || !hooks_.is_of_call(call, start)) {
    ++counters_.refused;
    server_->ws_close(id, websocket::CloseCode::PolicyViolation, "not the stream that was asked for");
    return;
  }
  ++counters_.started;
  stream.stream_sid = start.stream_sid;
  stream.clock.begin_stream();
  stream.playout.clear(loop_.now().mono);
  send_digits(call, std::exchange(stream.digits, {}));
  hooks_.on_started(call);
}

void TwilioStreams::on(const CallId& call, Stream& stream, ConnectionId id, const StreamSound& sound) {
  if (stream.stream_sid.empty()) return on_bad_message(stream, id);
  // Some writers of JSON escape the slash, which base64 has.
  const bool is_escaped = sound.payload.contains('\\');
  const auto count =
      is_escaped ? base64_decode(json::unescape(sound.payload), sound_) : base64_decode(sound.payload, sound_);
  if (!count) return on_bad_message(stream, id);
  hooks_.on_heard(call);
  if (stream.on_hold) return;
  const Bytes all = Bytes{sound_}.first(*count);
  for (std::size_t at = 0; at < all.size(); at += kPiece) {
    const Bytes piece = all.subspan(at, std::min(kPiece, all.size() - at));
    const StreamClock::Stamp stamp = stream.clock.next(sound.timestamp_ms + at / 8, piece.size());
    ++counters_.sounds_in;
    stream.wire->pass_sound(
        {.law = port::G711::Ulaw, .timestamp = stamp.timestamp, .is_first = stamp.is_first, .samples = piece});
  }
}

void TwilioStreams::on(const CallId& call, Stream& stream, ConnectionId id, const StreamDigit& digit) {
  if (stream.stream_sid.empty()) return on_bad_message(stream, id);
  hooks_.on_heard(call);
  stream.wire->pass_digit(digit.digit);
}

void TwilioStreams::on(const CallId&, Stream& stream, ConnectionId, const StreamMark& mark) {
  stream.playout.on_mark(loop_.now().mono, mark.number);
}

// ---- to Twilio ------------------------------------------------------------------------------------------------------

void TwilioStreams::speak(const CallId& call, const port::PhoneSound& sound) {
  Stream& stream = calls_.at(call);
  if (stream.on_hold || stream.muted) return;
  if (stream.stream_sid.empty()) {
    ++counters_.too_early;
    return;
  }
  // The line says that it speaks u-law: another law would be noise.
  if (sound.law != port::G711::Ulaw || !stream.playout.admit(loop_.now().mono, sound.samples.size())) {
    ++counters_.left_out;
    return;
  }
  play(call, sound.samples);
  mark(stream);
}

void TwilioStreams::play(const CallId& call, Bytes ulaw) {
  const Stream& stream = calls_.at(call);
  text_.clear();
  append_sound(text_, stream.stream_sid, ulaw);
  if (server_->ws_send(*stream.socket, text_)) ++counters_.sounds_out;
}

void TwilioStreams::mark(Stream& stream) {
  const auto number = stream.playout.next_mark(loop_.now().mono);
  if (!number) return;
  text_.clear();
  append_mark(text_, stream.stream_sid, *number);
  (void)server_->ws_send(*stream.socket, text_);
}

void TwilioStreams::send_digits(const CallId& call, std::string_view digits) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  Stream& stream = place->second;
  if (stream.stream_sid.empty()) {
    // Answered, and its stream is on its way; or away for a moment.
    stream.digits.append(digits.substr(0, kWaitingDigitsMax - std::min(kWaitingDigitsMax, stream.digits.size())));
    return;
  }
  const std::vector<std::uint8_t> tones = tones_of(digits);
  stream.playout.add(loop_.now().mono, tones.size());
  for (std::size_t at = 0; at < tones.size() && stream.socket; at += kPiece) {
    play(call, Bytes{tones}.subspan(at, std::min(kPiece, tones.size() - at)));
  }
}

void TwilioStreams::set_hold(const CallId& call, call::phone::Switch to) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  Stream& stream = place->second;
  stream.on_hold = to == call::phone::Switch::On;
  if (!stream.on_hold || stream.stream_sid.empty()) return;
  text_.clear();
  append_clear(text_, stream.stream_sid);
  (void)server_->ws_send(*stream.socket, text_);
  stream.playout.clear(loop_.now().mono);
}

void TwilioStreams::set_mute(const CallId& call, call::phone::Switch to) {
  const auto place = calls_.find(call);
  if (place != calls_.end()) place->second.muted = to == call::phone::Switch::On;
}

}  // namespace zvonok::voip_twilio
