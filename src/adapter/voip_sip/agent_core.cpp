// Commands, registrations and the loop of the library. What it says is read in agent_events.cpp.
#include "adapter/voip_sip/agent_core.h"

#include <utility>

#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_tag_io.h>
#include <sofia-sip/tport_tag.h>
#include <unistd.h>

#include "adapter/voip_sip/source_filter.h"

namespace zvonok::voip_sip {
namespace {

constexpr const char* kUserAgent = "zvonok";
constexpr const char* kAllow = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK";
constexpr su_duration_t kTickMs = 1000;
constexpr unsigned kMessageBytesMax = 32 * 1024;
constexpr const char* kSdp = "application/sdp";

/// The library writes to standard error by itself: numbers and addresses among it.
void swallow_log(void* /*stream*/, char const* /*format*/, va_list /*arguments*/) {}

std::string transport_parameter(const Trunk& trunk) {
  return ";transport=" + std::string{to_text(trunk.transport)};
}
std::string server_uri(const Trunk& trunk) {
  return "sip:" + trunk.host + ":" + std::to_string(trunk.port) + transport_parameter(trunk);
}
bool has_own_domain(const Trunk& trunk) {
  return !trunk.domain.empty() && trunk.domain != trunk.host;
}
/// Straight to the trunk, unless its domain is another name: then by way of it.
std::string target_uri(const Trunk& trunk, const std::string& user) {
  const std::string at = user.empty() ? "" : user + "@";
  if (has_own_domain(trunk)) return "sip:" + at + trunk.domain;
  return "sip:" + at + trunk.host + ":" + std::to_string(trunk.port) + transport_parameter(trunk);
}
std::string record_of(const Trunk& trunk, const std::string& user) {
  return "<sip:" + (user.empty() ? "" : user + "@") + trunk.realm_domain() + ">";
}

long long seconds_of(Duration duration) {
  return std::chrono::ceil<seconds>(duration).count();
}
long long clock_now() {
  return static_cast<long long>(su_now().tv_sec);
}

}  // namespace

SipAgent::Core::Core(const AgentOptions& options, std::function<void(AgentEvent)> emit, Logger& log)
    : options_{options}, emit_{std::move(emit)}, log_{log}, lines_(options.trunks.size()) {
  su_init();
  su_log_redirect(su_log_default, swallow_log, nullptr);
  root_ = su_root_create(this);
}

SipAgent::Core::~Core() {
  if (timer_ != nullptr) su_timer_destroy(timer_);
  if (nua_ != nullptr) {
    for (auto& [id, dialog] : dialogs_) drop(*dialog);
    dialogs_.clear();
    dropped_.clear();
    for (const auto& survivor : survivors_) nua_handle_destroy(survivor->nh);
    survivors_.clear();
    for (Line& line : lines_) {
      for (Handle* handle : {&line.registration, &line.ping}) {
        if (handle->nh != nullptr) nua_handle_destroy(handle->nh);
      }
    }
    nua_destroy(nua_);
  }
  if (root_ != nullptr) su_root_destroy(root_);
  su_deinit();
}

Result<void, std::string> SipAgent::Core::open(std::uint16_t port) {
  if (root_ == nullptr) return fail(std::string{"the SIP library has no loop"});
  su_root_threading(root_, 0);  // everything on this thread
  port_ = port;
  const std::string bind = options_.bind == IpAddress{} ? "0.0.0.0"
                           : options_.bind.is_v4()      ? options_.bind.to_text()
                                                        : "[" + options_.bind.to_text() + "]";
  const std::string host = options_.advertised.empty() ? bind : options_.advertised;
  const std::string maddr = options_.advertised.empty() ? "" : ";maddr=" + bind;
  const bool tls = std::ranges::any_of(options_.trunks, [](const Trunk& t) { return t.transport == Transport::Tls; });
  const std::string url = "sip:" + host + ":" + std::to_string(port) + maddr;
  const std::string sips = "sips:" + host + ":" + std::to_string(port + 1) + maddr;
  const auto session = static_cast<unsigned>(seconds_of(options_.session_expires));
  nua_ = nua_create(
      root_, on_event, reinterpret_cast<nua_magic_t*>(this), NUTAG_URL(url.c_str()),
      TAG_IF(tls, NUTAG_SIPS_URL(sips.c_str())),
      TAG_IF(tls && !options_.certificates.empty(), NUTAG_CERTIFICATE_DIR(options_.certificates.c_str())),
      TAG_IF(tls, TPTAG_TLS_VERIFY_POLICY(TPTLS_VERIFY_OUT | TPTLS_VERIFY_SUBJECTS_OUT)), NUTAG_MEDIA_ENABLE(0),
      NUTAG_AUTOACK(0), NUTAG_AUTOANSWER(0), NUTAG_AUTOALERT(0), NUTAG_AUTO302(0), NUTAG_AUTO305(0),
      SIPTAG_ALLOW_STR(kAllow), NUTAG_APPL_METHOD("INVITE, UPDATE"), NUTAG_SUPPORTED("timer, 100rel"),
      NUTAG_ENABLEMESSAGE(0), NUTAG_OUTBOUND("no-outbound"), SIPTAG_USER_AGENT_STR(kUserAgent),
      NUTAG_SESSION_TIMER(session), NUTAG_MIN_SE(static_cast<unsigned>(seconds_of(options_.session_least))),
      NTATAG_USE_NAPTR(0), NTATAG_USE_SRV(0), NTATAG_MAXSIZE(kMessageBytesMax),
      NTATAG_SIP_T1X64(static_cast<unsigned>(std::chrono::ceil<milliseconds>(options_.transaction_timeout).count())),
      NTATAG_USER_VIA(0), TAG_END());
  if (nua_ == nullptr) {
    return fail("VOIP_SIP_PORT: cannot open the SIP port " + std::to_string(port) + " at " + bind +
                (tls ? ", or its certificates are missing" : ""));
  }
  filter();
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    lines_[i].registration.trunk = lines_[i].ping.trunk = i;
    if (trunk(i).registers) lines_[i].next_register = 1;
    if (options_.keep_alive > Duration::zero()) lines_[i].next_ping = 1;
  }
  timer_ = su_timer_create(su_root_task(root_), kTickMs);
  if (timer_ == nullptr || su_timer_set_for_ever(timer_, on_tick, reinterpret_cast<su_timer_arg_t*>(this)) < 0) {
    return fail(std::string{"the SIP library has no timer"});
  }
  started_ = clock_now();
  end_survivors();
  tick();
  return {};
}

void SipAgent::Core::run() {
  su_root_run(root_);
}

void SipAgent::Core::shut_down() {
  closing_ = true;
  emit_ = [](const AgentEvent&) {};
  nua_shutdown(nua_);
  const auto patience = std::chrono::ceil<milliseconds>(options_.shutdown_patience).count();
  su_timer_set_interval(timer_, on_tick, reinterpret_cast<su_timer_arg_t*>(this), patience);
}

void SipAgent::Core::allow(const std::vector<TrunkAddresses::Source>& sources) {
  sources_.clear();
  allowed_.clear();
  for (const auto& [ip, trunk] : sources) {
    sources_.emplace(ip, trunk);
    allowed_.push_back(ip);
  }
  if (nua_ != nullptr) filter();
}

void SipAgent::Core::filter() {
  std::size_t filtered = filter_sources(port_, allowed_);
  filtered += filter_sources(static_cast<std::uint16_t>(port_ + 1), allowed_);
  // Without it the library answers strangers by itself; they still get no call through.
  if (filtered == 0) log_.warn("the SIP port can't be closed to strangers", {{"port", port_}});
}

// ---- time ----------------------------------------------------------------------------------------------------------

void SipAgent::Core::on_tick(su_root_magic_t* /*magic*/, su_timer_t* /*timer*/, su_timer_arg_t* arg) {
  auto* core = reinterpret_cast<Core*>(arg);
  if (core->closing_) {
    su_root_break(core->root_);
    return;
  }
  core->tick();
}

void SipAgent::Core::tick() {
  dropped_.clear();
  tend_survivors();
  const long long now = clock_now();
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    if (line.next_register != 0 && now >= line.next_register) register_at(i);
    if (line.next_ping != 0 && now >= line.next_ping) ping(i);
  }
}

void SipAgent::Core::register_at(std::size_t index) {
  Line& line = lines_[index];
  const Trunk& to = trunk(index);
  line.next_register = 0;  // the library does it again by itself once it went well
  line.registration.challenges = 0;
  line.registration.answered.clear();
  if (line.registration.nh != nullptr) nua_handle_destroy(line.registration.nh);
  const std::string record = record_of(to, to.user);
  const std::string server = server_uri(to);
  const std::string expires = std::to_string(seconds_of(options_.register_expires));
  line.registration.nh = nua_handle(nua_, reinterpret_cast<nua_hmagic_t*>(&line.registration),
                                    SIPTAG_TO_STR(record.c_str()), SIPTAG_FROM_STR(record.c_str()), TAG_END());
  nua_register(line.registration.nh, NUTAG_REGISTRAR(server.c_str()),
               TAG_IF(has_own_domain(to), NUTAG_PROXY(server.c_str())), NUTAG_M_USERNAME(to.user.c_str()),
               SIPTAG_EXPIRES_STR(expires.c_str()), TAG_END());
}

void SipAgent::Core::ping(std::size_t index) {
  Line& line = lines_[index];
  const Trunk& to = trunk(index);
  line.next_ping = clock_now() + seconds_of(options_.keep_alive);
  if (line.ping.nh != nullptr) nua_handle_destroy(line.ping.nh);
  const std::string uri = target_uri(to, "");
  const std::string from = record_of(to, to.user);
  const std::string server = server_uri(to);
  line.ping.nh = nua_handle(nua_, reinterpret_cast<nua_hmagic_t*>(&line.ping), NUTAG_URL(uri.c_str()),
                            SIPTAG_TO_STR(("<" + uri + ">").c_str()), SIPTAG_FROM_STR(from.c_str()), TAG_END());
  nua_options(line.ping.nh, TAG_IF(has_own_domain(to), NUTAG_PROXY(server.c_str())), TAG_END());
}

// ---- commands ------------------------------------------------------------------------------------------------------

SipAgent::Core::Dialog* SipAgent::Core::find(DialogId id) {
  const auto found = dialogs_.find(id);
  return found == dialogs_.end() ? nullptr : found->second.get();
}

void SipAgent::Core::invite(Invite invite) {
  if (closing_) return;
  if (dialogs_.size() >= options_.dialogs_max) {
    emit_(Refused{.dialog = invite.dialog, .status = 503, .by_peer = false, .cause = std::nullopt});
    return;
  }
  const Trunk& to = trunk(invite.trunk);
  auto dialog = std::make_unique<Dialog>();
  dialog->id = invite.dialog;
  dialog->trunk = invite.trunk;
  const std::string uri = target_uri(to, invite.number);
  const std::string server = server_uri(to);
  const std::string shown = to.from_number.empty() ? to.user : to.from_number;
  const std::string from = record_of(to, shown);
  const std::string identity = "P-Asserted-Identity: " + from;  // RFC 3325: believed by those who trust us
  dialog->nh =
      nua_handle(nua_, reinterpret_cast<nua_hmagic_t*>(static_cast<Handle*>(dialog.get())), NUTAG_URL(uri.c_str()),
                 SIPTAG_TO_STR(record_of(to, invite.number).c_str()), SIPTAG_FROM_STR(from.c_str()), TAG_END());
  if (dialog->nh == nullptr) {
    emit_(Refused{.dialog = invite.dialog, .status = 500, .by_peer = false, .cause = std::nullopt});
    return;
  }
  nua_invite(dialog->nh, TAG_IF(has_own_domain(to), NUTAG_PROXY(server.c_str())),
             TAG_IF(!to.user.empty(), NUTAG_M_USERNAME(to.user.c_str())),
             TAG_IF(!to.from_number.empty(), SIPTAG_HEADER_STR(identity.c_str())), SIPTAG_CONTENT_TYPE_STR(kSdp),
             SIPTAG_PAYLOAD_STR(invite.sdp.c_str()), TAG_END());
  dialogs_.emplace(invite.dialog, std::move(dialog));
}

void SipAgent::Core::end(DialogId id) {
  Dialog* dialog = find(id);
  if (dialog == nullptr) return emit_(Ended{.dialog = id});
  if (std::exchange(dialog->ending, true)) return;
  if (dialog->established) {
    nua_bye(dialog->nh, TAG_END());
  } else if (dialog->incoming) {
    nua_respond(dialog->nh, SIP_480_TEMPORARILY_UNAVAILABLE, TAG_END());
  } else {
    nua_cancel(dialog->nh, TAG_END());
  }
}

void SipAgent::Core::offer(DialogId id, const std::string& sdp) {
  Dialog* dialog = find(id);
  if (dialog == nullptr || dialog->ending || !dialog->established) return;
  dialog->offered = true;
  nua_invite(dialog->nh, SIPTAG_CONTENT_TYPE_STR(kSdp), SIPTAG_PAYLOAD_STR(sdp.c_str()), TAG_END());
}

void SipAgent::Core::ring(DialogId id) {
  Dialog* dialog = find(id);
  if (dialog == nullptr || dialog->ending || !dialog->incoming || dialog->established) return;
  nua_respond(dialog->nh, SIP_180_RINGING, TAG_END());
}

void SipAgent::Core::answer(DialogId id, const std::string& sdp) {
  Dialog* dialog = find(id);
  if (dialog == nullptr || dialog->ending) return;
  if (std::exchange(dialog->has_update, false)) {
    nua_respond(dialog->nh, SIP_200_OK, NUTAG_WITH_SAVED(dialog->update), SIPTAG_CONTENT_TYPE_STR(kSdp),
                SIPTAG_PAYLOAD_STR(sdp.c_str()), TAG_END());
    nua_destroy_event(dialog->update);
    return;
  }
  dialog->established = true;
  nua_respond(dialog->nh, SIP_200_OK, SIPTAG_CONTENT_TYPE_STR(kSdp), SIPTAG_PAYLOAD_STR(sdp.c_str()), TAG_END());
}

void SipAgent::Core::refuse(DialogId id, int status) {
  Dialog* dialog = find(id);
  if (dialog == nullptr || dialog->ending) return;
  if (!dialog->established) dialog->ending = true;
  if (std::exchange(dialog->has_update, false)) {
    nua_respond(dialog->nh, status, nullptr, NUTAG_WITH_SAVED(dialog->update), TAG_END());
    nua_destroy_event(dialog->update);
    return;
  }
  nua_respond(dialog->nh, status, nullptr, TAG_END());
}

/// The library may be within an event of it.
void SipAgent::Core::drop(Dialog& dialog) {
  forget_kept(dialog);
  if (dialog.nh == nullptr) return;
  nua_handle_bind(dialog.nh, nullptr);
  if (std::exchange(dialog.has_update, false)) nua_destroy_event(dialog.update);
  nua_handle_destroy(std::exchange(dialog.nh, nullptr));
}

}  // namespace zvonok::voip_sip
