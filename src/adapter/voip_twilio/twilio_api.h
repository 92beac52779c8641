// Requests to Twilio's Calls resource: placing a call, asking how one is, ending one. Belongs to the control thread.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "adapter/http_client/http_client.h"
#include "adapter/voip_twilio/call_words.h"
#include "base/log.h"
#include "base/private.h"
#include "base/result.h"
#include "net/loop.h"

namespace zvonok::voip_twilio {

struct ApiCounters {
  std::uint64_t requests = 0;
  std::uint64_t repeated = 0;
  std::array<std::uint64_t, call::phone::kProviderFaults> failed{};  // by fault
};

class TwilioApi {
 public:
  struct Options {
    std::string base;  // https://api.twilio.com
    std::string account_sid;
    Private<std::string> auth_token;
    std::string ca_file;
  };
  /// What a call ends as: one that rings still may be canceled, which leaves one that was answered meanwhile alone.
  enum class End : std::uint8_t { Cancel, Complete };

  [[nodiscard]] static Result<std::unique_ptr<TwilioApi>, std::string> create(net::Loop& loop, Logger& log,
                                                                              Options options);
  /// What was asked for is told to nobody any more.
  ~TwilioApi();
  TwilioApi(const TwilioApi&) = delete;
  TwilioApi& operator=(const TwilioApi&) = delete;

  using Placed = std::function<void(Result<CallResource, Refusal>)>;
  /// Asked twice at most, and only when the first request can't have arrived: a call must not be placed twice.
  void place(const CreateCall& call, Placed done);
  /// Again and again for half a minute until Twilio has heard of it: it does no harm.
  void end(const std::string& call_sid, End how);
  enum class AskFailure : std::uint8_t {
    NoSuchCall,  // 404
    NoAnswer,    // none, or none that says anything
  };
  using Asked = std::function<void(Result<CallResource, AskFailure>)>;
  void ask(const std::string& call_sid, Asked done);

  [[nodiscard]] const ApiCounters& counters() const { return counters_; }

 private:
  TwilioApi(net::Loop& loop, Logger& log, Options options, std::unique_ptr<http_client::HttpClient> client);
  [[nodiscard]] http_client::Request request(const std::string& path) const;
  void place_once(const CreateCall& call, Placed done, bool may_repeat);
  void end_once(const std::string& call_sid, End how, int attempt);
  /// `least`: as long as Twilio asks for.
  void end_again(const std::string& call_sid, End how, int attempt, Duration least = {});
  void after(Duration wait, std::function<void()> task);

  net::Loop& loop_;
  Logger& log_;
  const Options options_;
  std::unordered_map<std::uint64_t, net::Loop::TimerKey> timers_;
  std::uint64_t next_timer_ = 0;
  std::unordered_set<std::string> ending_;  // calls that are being ended
  ApiCounters counters_;
  std::unique_ptr<http_client::HttpClient> client_;  // goes first
};

}  // namespace zvonok::voip_twilio
