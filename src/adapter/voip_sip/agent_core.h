// The part of SipAgent that knows the library: lives on its thread, with its loop.
#pragma once
#include <map>
#include <memory>
#include <unordered_map>

#include <sofia-sip/nua.h>
#include <sofia-sip/su_wait.h>

#include "adapter/voip_sip/kept_dialog.h"
#include "adapter/voip_sip/sip_agent.h"
#include "adapter/voip_sip/trunk_addresses.h"

namespace zvonok::voip_sip {

class SipAgent::Core {
 public:
  Core(const AgentOptions& options, std::function<void(AgentEvent)> emit, Logger& log);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// The error is for the operator.
  [[nodiscard]] Result<void, std::string> open(std::uint16_t port);
  /// Until `shut_down` is through.
  void run();
  [[nodiscard]] su_root_t* root() { return root_; }

  void invite(Invite invite);
  void end(DialogId id);
  void offer(DialogId id, const std::string& sdp);
  void ring(DialogId id);
  void answer(DialogId id, const std::string& sdp);
  void refuse(DialogId id, int status);
  /// Whom we listen to, and which trunk that is; those that matter most first.
  void allow(const std::vector<TrunkAddresses::Source>& sources);
  void shut_down();

 private:
  enum class Kind : std::uint8_t { Dialog, Registration, Ping, Survivor };
  /// What the library knows a handle by.
  struct Handle {
    explicit Handle(Kind k) : kind{k} {}
    Kind kind;
    nua_handle_t* nh = nullptr;
    std::size_t trunk = 0;
    // Since something went well:
    int challenges = 0;
    std::string answered;  // status and realm of the last one
  };
  struct Dialog : Handle {
    Dialog() : Handle{Kind::Dialog} {}
    DialogId id;
    bool incoming = false;
    bool established = false;
    bool acknowledged = false;  // our answer to a call that came in
    bool ending = false;
    bool told_over = false;
    bool offered = false;              // by us, and not answered yet
    bool asks_offer = false;           // by them: our answer holds an offer
    nua_saved_event_t update[1] = {};  // an UPDATE that waits for our answer
    bool has_update = false;
    KeptDialog kept;   // as much of it as is known, until it is written
    std::string file;  // of it; empty: none
  };
  /// The end of a call that a server before this one has left behind.
  struct Survivor : Handle {
    Survivor() : Handle{Kind::Survivor} {}
    std::string file;
    long long until = 0;  // by the library's clock
  };
  struct Line {  // of a trunk
    Handle registration{Kind::Registration};
    Handle ping{Kind::Ping};
    long long next_register = 0;  // seconds of the library's clock; 0: not wanted
    long long next_ping = 0;
    bool reachable = true;  // as the last ping said
  };
  struct Happening {
    nua_event_t event;
    int status;
    nua_handle_t* nh;
    Handle* handle;
    sip_t const* sip;
    tagi_t* tags;
  };

  static void on_event(nua_event_t event, int status, char const* phrase, nua_t* nua, nua_magic_t* magic,
                       nua_handle_t* nh, nua_hmagic_t* hmagic, sip_t const* sip, tagi_t tags[]);
  static void on_tick(su_root_magic_t* magic, su_timer_t* timer, su_timer_arg_t* arg);
  void handle(const Happening& what);
  void on_invite_response(Dialog& dialog, const Happening& what);
  void on_final_refusal(Dialog& dialog, const Happening& what);
  void on_invite(const Happening& what);
  void on_new_invite(const Happening& what);
  void on_update(Dialog& dialog, const Happening& what);
  void on_state(Dialog& dialog, const Happening& what);
  void on_register_response(Line& line, const Happening& what);
  void on_ping_response(Line& line, const Happening& what);
  [[nodiscard]] bool authenticate(Handle& handle, const Happening& what);
  // agent_survivors.cpp
  void keep_outgoing(Dialog& dialog, sip_t const* sip);
  void note_incoming(Dialog& dialog, sip_t const* sip);
  void keep_incoming(Dialog& dialog, sip_t const* sip);
  void keep(Dialog& dialog);
  static void forget_kept(Dialog& dialog);
  void end_survivors();
  void end_survivor(const KeptDialog& dialog, std::size_t trunk, std::string file);
  void tend_survivors();
  /// Of the other side, and not made up by the library because nobody answers or can be reached.
  [[nodiscard]] static bool is_theirs(sip_t const* sip);
  [[nodiscard]] static bool is_challenge(int status) { return status == 401 || status == 407; }
  void tick();
  void filter();
  void register_at(std::size_t trunk);
  void ping(std::size_t trunk);
  void drop(Dialog& dialog);
  [[nodiscard]] Dialog* find(DialogId id);
  [[nodiscard]] const Trunk& trunk(std::size_t index) const { return options_.trunks[index]; }

  AgentOptions options_;
  std::function<void(AgentEvent)> emit_;
  Logger& log_;
  su_root_t* root_ = nullptr;
  nua_t* nua_ = nullptr;
  su_timer_t* timer_ = nullptr;
  std::uint16_t port_ = 0;
  std::unordered_map<DialogId, std::unique_ptr<Dialog>> dialogs_;
  std::vector<std::unique_ptr<Survivor>> survivors_;
  long long started_ = 0;                         // by the library's clock
  std::vector<std::unique_ptr<Dialog>> dropped_;  // until the next tick: the library may be in one of them
  std::vector<Line> lines_;                       // by trunk
  std::map<IpAddress, std::size_t> sources_;      // by address
  std::vector<IpAddress> allowed_;                // the same
  std::uint64_t next_incoming_ = std::uint64_t{1} << 63;
  bool closing_ = false;
};

}  // namespace zvonok::voip_sip
