#include "support/fake_twilio.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/json.hpp>
#include <openssl/hmac.h>

#include "adapter/http_client/http_client.h"
#include "adapter/voip_twilio/form.h"
#include "base/address.h"
#include "base/base64.h"
#include "base/check.h"
#include "load/ws_connection.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/system_entropy.h"
#include "support/tone.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;
using voip_twilio::Form;

constexpr std::size_t kPiece = 160;
constexpr std::uint8_t kSilence = 0xFF;
constexpr Duration kTick = milliseconds{20};
const std::string kCallsPath = "/2010-04-01/Accounts/";

std::string sign(const std::string& token, std::string text, const Form& form) {
  std::map<std::string, std::string> sorted{form.begin(), form.end()};
  for (const auto& [name, value] : sorted) text += name + value;
  std::array<unsigned char, 20> digest{};
  unsigned size = 0;
  HMAC(EVP_sha1(), token.data(), static_cast<int>(token.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &size);
  return base64_encode(digest);
}

/// What stands between two marks; "" when they are not there.
std::string between(const std::string& text, const std::string& left, const std::string& right) {
  const std::size_t begin = text.find(left);
  if (begin == std::string::npos) return {};
  const std::size_t from = begin + left.size();
  const std::size_t end = text.find(right, from);
  std::string found = end == std::string::npos ? std::string{} : text.substr(from, end - from);
  for (std::size_t at = 0; (at = found.find("&amp;")) != std::string::npos;) found.replace(at, 5, "&");
  return found;
}

/// Finds keys in sound by the energy at their tones.
class KeyHearer {
 public:
  std::optional<char> hear(std::span<const std::uint8_t> ulaw) {
    std::vector<int> samples;
    for (const std::uint8_t byte : ulaw) samples.push_back(from_ulaw(byte));
    constexpr std::array<double, 4> kLow{697, 770, 852, 941};
    constexpr std::array<double, 4> kHigh{1209, 1336, 1477, 1633};
    constexpr std::string_view kKeys = "123A456B789C*0#D";
    const auto strongest = [&](const std::array<double, 4>& tones) {
      std::pair<std::size_t, double> best{0, 0};
      for (std::size_t i = 0; i < tones.size(); ++i)
        best = std::max(best, {i, share_of(tones[i], samples)}, [](auto a, auto b) { return a.second < b.second; });
      return best;
    };
    const auto low = strongest(kLow);
    const auto high = strongest(kHigh);
    const bool is_key = low.second > 0.25 && high.second > 0.25 && low.second + high.second > 0.8;
    const char now = is_key ? kKeys[low.first * 4 + high.first] : '\0';
    run_ = now == last_ ? run_ + 1 : 1;
    last_ = now;
    return now != '\0' && run_ == 2 ? std::optional{now} : std::nullopt;
  }

 private:
  char last_ = '\0';
  int run_ = 0;
};

}  // namespace

class FakeTwilio::Engine final : public net::HttpHandler {
 public:
  explicit Engine(Options given);
  ~Engine() override;

  void on_request(HttpRequest request, net::Responder respond) override;

  template <class Task>
  void post(Task task) {
    loop->post(std::move(task));
  }

  struct Call;
  /// One Media Stream: echoes.
  struct Stream final : load::WsHandler {
    Stream(Engine& owner, std::string sid) : engine{owner}, call_sid{std::move(sid)} {}
    void on_ws_open() override;
    void on_ws_text(std::string_view text) override;
    void take(std::string_view text);
    void send_back_marks();
    void on_ws_end(std::string_view) override;
    void tick();
    void send(json::object message);
    Engine& engine;
    std::string call_sid;
    std::string stream_sid;
    std::unique_ptr<load::WsConnection> socket;
    std::deque<std::uint8_t> waiting;
    std::uint64_t taken = 0;                                  // samples, ever
    std::deque<std::pair<std::uint64_t, std::string>> marks;  // with the sample that they follow
    TimePoint stalled_until{};
    std::deque<std::string> held;  // meanwhile
    std::vector<std::uint8_t> unheard;
    KeyHearer keys;
    std::uint64_t number = 0;
    std::uint64_t chunk = 0;
    TimePoint next{};
    bool open = false;
    bool over = false;
  };
  struct Call {
    std::string sid;
    Form asked;
    Rule rule = Rule::Answers;
    Callbacks callbacks = Callbacks::InOrder;
    std::string status = "queued";
    std::string direction = "outbound-api";
    std::string next_url;  // of <Redirect>
    std::uint64_t sequence = 0;
    std::vector<std::pair<std::string, Form>> held;
    bool dropped_once = false;
    TimePoint answered{};
    std::shared_ptr<Stream> stream;  // owners: the call, and timers that are its ticks
  };

  void place(const HttpRequest& request, net::Responder respond);
  void update(Call& call, const HttpRequest& request, net::Responder respond);
  json::object describe(const Call& call) const;
  void run(const std::string& sid);
  void change(const std::string& sid, const std::string& status);
  void send_callback(Call& call, const std::string& status);
  void webhook(const Call& call, const std::string& url, const Form& form,
               std::function<void(int, const std::string&)> done);
  void fetch_twiml(const std::string& sid, const std::string& url);
  void obey(const std::string& sid, const std::string& twiml);
  void open_stream(Call& call, const std::string& url);
  void stream_ended(const std::string& sid, Stream& stream);
  void end(const std::string& sid, const std::string& status);
  void after(Duration wait, std::function<void()> task) { loop->schedule(loop->now().mono + wait, std::move(task)); }
  Form fields_of(const Call& call) const;
  std::string new_sid(const std::string& kind);

  const Options options;
  net::SystemEntropy entropy;
  NullLogger log;
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<net::Server> server;
  std::unique_ptr<http_client::HttpClient> client;
  std::uint16_t port = 0;
  std::map<std::string, Call> calls;
  std::uint64_t sids = 0;
  Rule rule = Rule::Answers;
  Callbacks callbacks = Callbacks::InOrder;
  int vanished = 0;
  std::vector<std::unique_ptr<net::Responder>> unanswered;
  mutable std::mutex mutex;  // guards `seen`
  Seen seen;
  std::thread thread;
};

FakeTwilio::Engine::Engine(Options given) : options{std::move(given)} {
  auto made = net::Loop::create();
  ZVONOK_CHECK(made.has_value());
  loop = std::move(*made);
  net::ServerOptions server_options;
  server_options.bind_address = "127.0.0.1";
  server_options.port = options.port;
  auto listening = net::Server::create(server_options, {*loop, *this, entropy, log});
  ZVONOK_CHECK(listening.has_value());
  server = std::move(*listening);
  port = server->port();
  auto http = http_client::HttpClient::create(*loop, {});
  ZVONOK_CHECK(http.has_value());
  client = std::move(*http);
  thread = std::thread{[this] { loop->run(); }};
}

FakeTwilio::Engine::~Engine() {
  loop->stop();
  thread.join();
  unanswered.clear();
  for (auto& [sid, call] : calls) {
    if (call.stream) call.stream->socket.reset();
  }
  calls.clear();
  client.reset();
  loop->discard_posted();
  server.reset();
}

std::string FakeTwilio::Engine::new_sid(const std::string& kind) {
  std::string number = std::to_string(++sids);
  return kind + std::string(32 - number.size(), '0') + number;
}

// ---- the API --------------------------------------------------------------------------------------------------------

namespace {

void reply_json(net::Responder& respond, int status, const json::value& body) {
  HttpResponse response;
  response.status = status;
  response.add_header("Content-Type", "application/json");
  response.body = json::serialize(body);
  respond.send(std::move(response));
}

void refuse(net::Responder& respond, int status, int code, const std::string& message) {
  reply_json(respond, status, json::object{{"code", code}, {"message", message}, {"status", status}});
}

}  // namespace

void FakeTwilio::Engine::on_request(HttpRequest request, net::Responder respond) {
  const std::string account = kCallsPath + options.account_sid;
  const std::string expected = "Basic " + base64_encode(as_bytes(options.account_sid + ":" + options.auth_token));
  if (request.header("Authorization").value_or("") != expected) {
    return refuse(respond, 401, 20003, "Authenticate");
  }
  if (request.path == account + ".json") {
    return reply_json(respond, 200, json::object{{"sid", options.account_sid}, {"status", "active"}});
  }
  if (request.path == account + "/Balance.json") {
    return reply_json(respond, 200, json::object{{"balance", "12.50"}, {"currency", "USD"}});
  }
  if (request.path == account + "/Calls.json" && request.method == Method::Post) {
    return place(request, std::move(respond));
  }
  if (vanished != 0) return refuse(respond, vanished, 20000, "vanished");
  const std::string prefix = account + "/Calls/";
  std::string sid = request.path.starts_with(prefix) ? request.path.substr(prefix.size()) : "";
  if (sid.ends_with(".json")) sid.resize(sid.size() - 5);
  const auto call = calls.find(sid);
  if (call == calls.end()) return refuse(respond, 404, 20404, "The requested resource was not found");
  if (request.method == Method::Post) return update(call->second, request, std::move(respond));
  reply_json(respond, 200, describe(call->second));
}

json::object FakeTwilio::Engine::describe(const Call& call) const {
  json::object body{{"sid", call.sid},
                    {"account_sid", options.account_sid},
                    {"status", call.status},
                    {"direction", call.direction},
                    {"duration", nullptr}};
  if (call.status == "completed") {
    const auto talked = std::chrono::floor<seconds>(loop->now().mono - call.answered).count();
    body["duration"] = std::to_string(talked);
  }
  return body;
}

void FakeTwilio::Engine::place(const HttpRequest& request, net::Responder respond) {
  {
    const std::lock_guard lock{mutex};
    ++seen.placed;
  }
  const auto form = voip_twilio::parse_form(request.body);
  if (!form) return refuse(respond, 400, 20001, "not a form");
  for (const char* name : {"To", "From", "Url"}) {
    if (voip_twilio::value_of(*form, name).empty())
      return refuse(respond, 400, 21201, std::string{name} + " is missing");
  }
  switch (rule) {
    case Rule::NoSuchNumber:
      return refuse(respond, 400, 21211,
                    "The 'To' number " + std::string{voip_twilio::value_of(*form, "To")} + " is not valid.");
    case Rule::Unauthorized: return refuse(respond, 401, 20003, "Authenticate");
    case Rule::RateLimited: return refuse(respond, 429, 20429, "Too Many Requests");
    case Rule::Breaks: return refuse(respond, 500, 20500, "Internal Server Error");
    case Rule::NeverAnswers: unanswered.push_back(std::make_unique<net::Responder>(std::move(respond))); return;
    default: break;
  }
  Call call;
  call.sid = new_sid("CA");
  call.asked = *form;
  call.rule = rule;
  call.callbacks = callbacks;
  const std::string sid = call.sid;
  const json::object described = describe(call);
  calls.emplace(sid, std::move(call));
  {
    const std::lock_guard lock{mutex};
    ++seen.under_way;
  }
  if (rule == Rule::PlacedTwice) {
    Call twin;
    twin.sid = new_sid("CA");
    twin.asked = *form;
    const std::string twin_sid = twin.sid;
    calls.emplace(twin_sid, std::move(twin));
    {
      const std::lock_guard lock{mutex};
      ++seen.under_way;
    }
    after(milliseconds{300}, [this, twin_sid] { run(twin_sid); });
  }
  if (rule == Rule::Slow) {
    const auto held = std::make_shared<net::Responder>(std::move(respond));  // owner: the timer
    return after(milliseconds{1500}, [this, held, described, sid] {
      reply_json(*held, 201, described);
      run(sid);
    });
  }
  run(sid);
  reply_json(respond, 201, described);
}

void FakeTwilio::Engine::update(Call& call, const HttpRequest& request, net::Responder respond) {
  const auto form = voip_twilio::parse_form(request.body).value_or(Form{});
  const std::string_view wanted = voip_twilio::value_of(form, "Status");
  const bool rings = call.status == "queued" || call.status == "initiated" || call.status == "ringing";
  const bool talks = call.status == "in-progress";
  if (!rings && !talks) return refuse(respond, 400, 21220, "Invalid call state");
  const std::string sid = call.sid;
  if (wanted == "canceled" && rings) end(sid, "canceled");
  if (wanted == "completed") end(sid, talks ? "completed" : "canceled");
  reply_json(respond, 200, describe(calls.at(sid)));
}

// ---- calls ----------------------------------------------------------------------------------------------------------

void FakeTwilio::Engine::run(const std::string& sid) {
  const Rule what = calls.at(sid).rule;
  if (what == Rule::CallsNobody) return;
  after(milliseconds{20}, [this, sid] { change(sid, "initiated"); });
  if (what == Rule::Fails) return after(milliseconds{60}, [this, sid] { end(sid, "failed"); });
  after(milliseconds{40}, [this, sid] { change(sid, "ringing"); });
  if (what == Rule::RingsForever) return;
  if (what == Rule::Busy) return after(milliseconds{100}, [this, sid] { end(sid, "busy"); });
  if (what == Rule::NoAnswer) return after(milliseconds{100}, [this, sid] { end(sid, "no-answer"); });
  after(milliseconds{120}, [this, sid] {
    change(sid, "in-progress");
    const auto call = calls.find(sid);
    if (call->second.status != "in-progress") return;
    call->second.answered = loop->now().mono;
    {
      const std::lock_guard lock{mutex};
      ++seen.answered;
    }
    fetch_twiml(sid, std::string{voip_twilio::value_of(call->second.asked, "Url")});
    if (call->second.rule == Rule::AnswersAndLeaves) after(milliseconds{500}, [this, sid] { end(sid, "completed"); });
  });
}

Form FakeTwilio::Engine::fields_of(const Call& call) const {
  return {{"CallSid", call.sid},
          {"AccountSid", options.account_sid},
          {"From", std::string{voip_twilio::value_of(call.asked, "From")}},
          {"To", std::string{voip_twilio::value_of(call.asked, "To")}},
          {"CallStatus", call.status},
          {"ApiVersion", "2010-04-01"},
          {"Direction", call.direction}};
}

void FakeTwilio::Engine::change(const std::string& sid, const std::string& status) {
  Call& call = calls.at(sid);
  const bool is_over = call.status == "completed" || call.status == "canceled" || call.status == "busy" ||
                       call.status == "no-answer" || call.status == "failed";
  if (is_over) return;
  call.status = status;
  send_callback(call, status);
}

void FakeTwilio::Engine::send_callback(Call& call, const std::string& status) {
  const std::string url{voip_twilio::value_of(call.asked, "StatusCallback")};
  Form form = fields_of(call);
  form.emplace_back("SequenceNumber", std::to_string(call.sequence++));
  form.emplace_back("CallbackSource", "call-progress-events");
  if (status == "completed") {
    const auto talked = std::chrono::floor<seconds>(loop->now().mono - call.answered).count();
    form.emplace_back("CallDuration", std::to_string(talked));
  }
  if (status == "failed") form.emplace_back("SipResponseCode", "503");
  if (url.empty() || call.callbacks == Callbacks::Lost) return;
  if (call.callbacks == Callbacks::Backwards) {
    call.held.emplace_back(url, std::move(form));
    return;
  }
  webhook(call, url, form, {});
  if (call.callbacks == Callbacks::Twice) webhook(call, url, form, {});
}

void FakeTwilio::Engine::webhook(const Call& call, const std::string& url, const Form& form,
                                 std::function<void(int, const std::string&)> done) {
  if (vanished != 0) return;
  const std::string token = call.callbacks == Callbacks::Forged ? "another token" : options.auth_token;
  http_client::Request request;
  request.is_post = true;
  request.url = url;
  request.headers = {"Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
                     "X-Twilio-Signature: " + sign(token, url, form)};
  request.body = voip_twilio::write_form(form);
  client->send(std::move(request), [this, done = std::move(done)](http_client::HttpClient::Outcome outcome) {
    const int status = outcome ? outcome->status : 0;
    if (status == 403) {
      const std::lock_guard lock{mutex};
      ++seen.forbidden;
    }
    if (done) done(status, outcome ? outcome->body : std::string{});
  });
}

void FakeTwilio::Engine::end(const std::string& sid, const std::string& status) {
  const auto place = calls.find(sid);
  if (place == calls.end()) return;
  Call& call = place->second;
  const std::string before = call.status;
  change(sid, status);
  if (call.status != status || before == status) return;
  if (call.stream) {
    const auto stream = std::exchange(call.stream, nullptr);
    if (stream->open) {
      stream->send({{"event", "stop"}, {"stop", json::object{{"accountSid", options.account_sid}, {"callSid", sid}}}});
    }
    stream->over = true;
    stream->socket->close();
    loop->discard(std::move(stream->socket));
  }
  for (auto late = call.held.rbegin(); late != call.held.rend(); ++late) webhook(call, late->first, late->second, {});
  call.held.clear();
  const std::lock_guard lock{mutex};
  --seen.under_way;
  seen.last_end = status;
  if (status == "canceled") ++seen.canceled;
  if (status == "completed") ++seen.completed;
}

// ---- TwiML ----------------------------------------------------------------------------------------------------------

void FakeTwilio::Engine::fetch_twiml(const std::string& sid, const std::string& url) {
  const Call& call = calls.at(sid);
  webhook(call, url, fields_of(call), [this, sid](int status, const std::string& twiml) {
    const auto place = calls.find(sid);
    if (place == calls.end()) return;
    if (status != 200) return end(sid, place->second.status == "in-progress" ? "completed" : "failed");
    obey(sid, twiml);
  });
}

void FakeTwilio::Engine::obey(const std::string& sid, const std::string& twiml) {
  Call& call = calls.at(sid);
  if (call.status == "completed" || call.status == "canceled") return;
  if (twiml.contains("<Reject")) {
    {
      const std::lock_guard lock{mutex};
      seen.rejected.push_back(between(twiml, "<Reject reason=\"", "\""));
    }
    return end(sid, "busy");
  }
  const std::string stream = between(twiml, "<Stream url=\"", "\"");
  call.next_url = between(twiml, "<Redirect method=\"POST\">", "</Redirect>");
  if (!stream.empty()) {
    if (call.status == "ringing") {
      change(sid, "in-progress");
      call.answered = loop->now().mono;
      if (call.rule == Rule::AnswersAndLeaves) after(milliseconds{500}, [this, sid] { end(sid, "completed"); });
      const std::lock_guard lock{mutex};
      ++seen.answered;
    }
    return open_stream(call, stream);
  }
  if (twiml.contains("<Pause") && !call.next_url.empty()) {
    return after(seconds{1}, [this, sid, url = call.next_url] {
      const auto place = calls.find(sid);
      if (place != calls.end() && place->second.status == "ringing") fetch_twiml(sid, url);
    });
  }
  end(sid, "completed");
}

void FakeTwilio::Engine::open_stream(Call& call, const std::string& url) {
  if (vanished != 0) return;  // the page that asks for it was on its way
  {
    const std::lock_guard lock{mutex};
    ++seen.streams;
  }
  const std::string host = between(url + "/", "://", "/");
  const auto colon = host.rfind(':');
  const auto ip = IpAddress::parse(host.substr(0, colon));
  ZVONOK_CHECK(url.starts_with("ws://") && ip.has_value() && colon != std::string::npos);
  const auto to_port = static_cast<std::uint16_t>(std::stoi(host.substr(colon + 1)));
  const bool refused = call.rule == Rule::RefusesStream;
  call.stream = std::make_shared<Stream>(*this, call.sid);
  call.stream->stream_sid = new_sid("MZ");
  call.stream->socket = std::make_unique<load::WsConnection>(
      *loop, *call.stream,
      load::WsConnection::Target{.server = {.ip = *ip, .port = to_port},
                                 .host = host,
                                 .path = refused ? "/nowhere" : url.substr(url.find('/', 6)),
                                 // The header that a token ends may be followed by another one.
                                 .token = "none\r\nX-Twilio-Signature: " + sign(options.auth_token, url, {})},
      1);
}

void FakeTwilio::Engine::stream_ended(const std::string& sid, Stream& stream) {
  const auto place = calls.find(sid);
  if (place == calls.end() || place->second.stream.get() != &stream) return;
  Call& call = place->second;
  stream.over = true;
  loop->discard(std::move(stream.socket));
  const auto kept = std::exchange(call.stream, nullptr);
  loop->post([kept] {});  // its own method runs yet
  if (call.status != "in-progress") return;
  if (call.next_url.empty()) return end(sid, "completed");
  fetch_twiml(sid, call.next_url);
}

// ---- Media Streams --------------------------------------------------------------------------------------------------

void FakeTwilio::Engine::Stream::send(json::object message) {
  if (message.at("event") != "connected") {
    message["streamSid"] = stream_sid;
    message["sequenceNumber"] = std::to_string(++number);
  }
  socket->send(json::serialize(message));
}

void FakeTwilio::Engine::Stream::on_ws_open() {
  open = true;
  send({{"event", "connected"}, {"protocol", "Call"}, {"version", "1.0.0"}});
  send({{"event", "start"},
        {"start", json::object{{"streamSid", stream_sid},
                               {"accountSid", engine.options.account_sid},
                               {"callSid", call_sid},
                               {"tracks", json::array{"inbound"}},
                               {"customParameters", json::object{}},
                               {"mediaFormat",
                                json::object{{"encoding", "audio/x-mulaw"}, {"sampleRate", 8000}, {"channels", 1}}}}}});
  next = engine.loop->now().mono;
  tick();
}

void FakeTwilio::Engine::Stream::tick() {
  if (over) return;
  Call& call = engine.calls.at(call_sid);
  if (call.rule == Rule::DropsStream && !call.dropped_once && chunk == 25) {
    call.dropped_once = true;
    socket->close();
    engine.stream_ended(call_sid, *this);
    return;
  }
  while (!held.empty() && engine.loop->now().mono >= stalled_until) {
    take(held.front());
    held.pop_front();
  }
  std::array<std::uint8_t, kPiece> piece{};
  for (std::uint8_t& byte : piece) {
    byte = waiting.empty() ? kSilence : waiting.front();
    if (!waiting.empty()) waiting.pop_front();
  }
  send_back_marks();
  send({{"event", "media"},
        {"media", json::object{{"track", "inbound"},
                               {"chunk", std::to_string(chunk + 1)},
                               {"timestamp", std::to_string(chunk * 20)},
                               {"payload", base64_encode(piece)}}}});
  ++chunk;
  next += kTick;
  engine.loop->schedule(next, [self = engine.calls.at(call_sid).stream] {
    if (self) self->tick();
  });
}

void FakeTwilio::Engine::Stream::send_back_marks() {
  const std::uint64_t played = taken - waiting.size();
  std::size_t sent = 0;
  for (; !marks.empty() && marks.front().first <= played; marks.pop_front(), ++sent) {
    send({{"event", "mark"}, {"mark", json::object{{"name", marks.front().second}}}});
  }
  const std::lock_guard lock{engine.mutex};
  engine.seen.marks += sent;
  engine.seen.waiting_ms = waiting.size() / 8;
}

void FakeTwilio::Engine::Stream::on_ws_text(std::string_view text) {
  if (engine.loop->now().mono < stalled_until || !held.empty()) {
    held.emplace_back(text);
  } else {
    take(text);
  }
}

void FakeTwilio::Engine::Stream::take(std::string_view text) {
  const json::value message = json::parse(text);
  ZVONOK_CHECK(message.at("streamSid").as_string() == stream_sid);
  const auto& event = message.at("event").as_string();
  if (event == "clear") {
    waiting.clear();
    send_back_marks();
    const std::lock_guard lock{engine.mutex};
    ++engine.seen.clears;
  }
  if (event == "mark") marks.emplace_back(taken, std::string{message.at("mark").at("name").as_string()});
  if (event != "media") return;
  std::array<std::uint8_t, 8000> sound{};
  const auto count = base64_decode(message.at("media").at("payload").as_string(), sound);
  ZVONOK_CHECK(count.has_value());
  taken += *count;
  waiting.insert(waiting.end(), sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(*count));
  unheard.insert(unheard.end(), sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(*count));
  while (unheard.size() >= kPiece) {
    if (const auto key = keys.hear(std::span{unheard}.first(kPiece))) {
      const std::lock_guard lock{engine.mutex};
      engine.seen.digits += *key;
    }
    unheard.erase(unheard.begin(), unheard.begin() + kPiece);
  }
}

void FakeTwilio::Engine::Stream::on_ws_end(std::string_view) {
  engine.stream_ended(call_sid, *this);
}

// ---- the face -------------------------------------------------------------------------------------------------------

FakeTwilio::FakeTwilio(Options options) : engine_{std::make_unique<Engine>(std::move(options))} {}
FakeTwilio::~FakeTwilio() = default;

const FakeTwilio::Options& FakeTwilio::options() const {
  return engine_->options;
}

std::string FakeTwilio::base() const {
  return "http://127.0.0.1:" + std::to_string(engine_->port);
}

void FakeTwilio::set(Rule rule) {
  engine_->post([engine = engine_.get(), rule] { engine->rule = rule; });
}

void FakeTwilio::set(Callbacks callbacks) {
  engine_->post([engine = engine_.get(), callbacks] { engine->callbacks = callbacks; });
}

void FakeTwilio::press(char digit) {
  engine_->post([engine = engine_.get(), digit] {
    for (auto& [sid, call] : engine->calls) {
      if (!call.stream || !call.stream->open) continue;
      call.stream->send(
          {{"event", "dtmf"}, {"dtmf", json::object{{"track", "inbound_track"}, {"digit", std::string{digit}}}}});
    }
  });
}

void FakeTwilio::hang_up_all() {
  engine_->post([engine = engine_.get()] {
    for (const auto& [sid, call] : engine->calls)
      engine->end(sid, call.status == "in-progress" ? "completed" : "canceled");
  });
}

void FakeTwilio::stall(std::chrono::milliseconds time) {
  engine_->post([engine = engine_.get(), time] {
    for (auto& [sid, call] : engine->calls) {
      if (call.stream) call.stream->stalled_until = engine->loop->now().mono + time;
    }
  });
}

void FakeTwilio::vanish(int status) {
  engine_->post([engine = engine_.get(), status] {
    engine->vanished = status;
    for (auto& [sid, call] : engine->calls) {
      if (!call.stream) continue;
      call.stream->over = true;
      call.stream->socket->close();
      engine->loop->discard(std::move(call.stream->socket));
      call.stream.reset();
    }
  });
}

void FakeTwilio::call_in(const std::string& webhook, const std::string& from, const std::string& to, Caller caller) {
  engine_->post([engine = engine_.get(), webhook, from, to, caller] {
    Engine::Call call;
    call.sid = engine->new_sid("CA");
    call.asked = {{"From", from}, {"To", to}};
    call.callbacks = engine->callbacks;
    call.status = "ringing";
    call.direction = "inbound";
    if (caller == Caller::Leaves) call.rule = Rule::AnswersAndLeaves;
    const std::string sid = call.sid;
    engine->calls.emplace(sid, std::move(call));
    {
      const std::lock_guard lock{engine->mutex};
      ++engine->seen.under_way;
    }
    engine->fetch_twiml(sid, webhook);
    if (caller == Caller::GivesUp) engine->after(milliseconds{500}, [engine, sid] { engine->end(sid, "canceled"); });
  });
}

FakeTwilio::Seen FakeTwilio::seen() const {
  const std::lock_guard lock{engine_->mutex};
  return engine_->seen;
}

}  // namespace zvonok::test
