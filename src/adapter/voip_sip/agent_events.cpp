// What the library says, as events of SipAgent.
#include <sofia-sip/auth_common.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_string.h>
#include <sofia-sip/su_tag_io.h>

#include "adapter/voip_sip/agent_core.h"
#include "net/sockaddr.h"

namespace zvonok::voip_sip {
namespace {

constexpr std::size_t kUserMax = 64;
// One by a proxy and one by who is behind it (RFC 3261 section 22), and each may say that its nonce is old.
constexpr int kChallengesMax = 3;

std::string sdp_of(sip_t const* sip) {
  if (sip == nullptr || sip->sip_payload == nullptr || sip->sip_payload->pl_data == nullptr) return {};
  if (sip->sip_content_type == nullptr || sip->sip_content_type->c_type == nullptr) return {};
  if (!su_casematch(sip->sip_content_type->c_type, "application/sdp")) return {};
  return {sip->sip_payload->pl_data, sip->sip_payload->pl_len};
}

std::optional<int> q850_of(sip_t const* sip) {
  if (sip == nullptr) return std::nullopt;
  for (sip_reason_t const* reason = sip->sip_reason; reason != nullptr; reason = reason->re_next) {
    if (reason->re_protocol == nullptr || reason->re_cause == nullptr) continue;
    if (!su_casematch(reason->re_protocol, "Q.850")) continue;
    const int cause = std::atoi(reason->re_cause);
    if (cause > 0 && cause < 128) return cause;
  }
  return std::nullopt;
}

std::string user_of(url_t const* url) {
  return url != nullptr && url->url_user != nullptr ? std::string{url->url_user}.substr(0, kUserMax) : std::string{};
}

/// A registrar sends calls to the address that we registered, which has our name and not the number: that is in To
/// then.
std::string called_number(sip_t const* sip, const Trunk& trunk) {
  std::string called = user_of(sip->sip_request->rq_url);
  const bool is_name = trunk.registers && called == trunk.user;
  if (!is_name || sip->sip_to == nullptr) return called;
  std::string to = user_of(sip->sip_to->a_url);
  return to.empty() ? called : to;
}

std::optional<IpAddress> source_of(nua_t* nua) {
  msg_t* message = nua_current_request(nua);
  if (message == nullptr) return std::nullopt;
  const su_sockaddr_t* from = msg_addr(message);
  if (from == nullptr) return std::nullopt;
  if (from->su_sa.sa_family == AF_INET) return IpAddress::v4(ntohl(from->su_sin.sin_addr.s_addr));
  if (from->su_sa.sa_family == AF_INET6) return net::to_ip(from->su_sin6.sin6_addr);
  return std::nullopt;
}

/// "Digest", the quoted realm, user and password, as the library wants them.
std::string credentials(const char* realm, const Trunk& trunk) {
  return "Digest:" + std::string{realm} + ":" + trunk.user + ":" + trunk.password.reveal();
}

}  // namespace

bool SipAgent::Core::is_theirs(sip_t const* sip) {
  return sip != nullptr && nta_sip_is_internal(sip) == 0;
}

void SipAgent::Core::on_event(nua_event_t event, int status, char const* /*phrase*/, nua_t* /*nua*/, nua_magic_t* magic,
                              nua_handle_t* nh, nua_hmagic_t* hmagic, sip_t const* sip, tagi_t tags[]) {
  reinterpret_cast<Core*>(magic)->handle({.event = event,
                                          .status = status,
                                          .nh = nh,
                                          .handle = reinterpret_cast<Handle*>(hmagic),
                                          .sip = sip,
                                          .tags = tags});
}

void SipAgent::Core::handle(const Happening& what) {
  if (what.event == nua_r_shutdown) {
    if (what.status >= 200) su_root_break(root_);
    return;
  }
  if (what.event == nua_i_invite) return on_invite(what);
  if (what.handle == nullptr) {
    // What nobody asked for: a subscription, a message. The library has refused it; the handle is ours to give back.
    if (what.nh != nullptr && what.event != nua_i_state) nua_handle_destroy(what.nh);
    return;
  }
  if (what.handle->kind == Kind::Registration) {
    if (what.event == nua_r_register) on_register_response(lines_[what.handle->trunk], what);
    return;
  }
  if (what.handle->kind == Kind::Ping) {
    if (what.event == nua_r_options) on_ping_response(lines_[what.handle->trunk], what);
    return;
  }
  if (what.handle->kind == Kind::Survivor) return;
  auto& dialog = static_cast<Dialog&>(*what.handle);
  if (what.event == nua_r_invite) return on_invite_response(dialog, what);
  if (what.event == nua_i_state) return on_state(dialog, what);
  if (what.event == nua_i_update) return on_update(dialog, what);
  if (what.event == nua_i_ack) {
    std::string sdp = sdp_of(what.sip);
    if (std::exchange(dialog.asks_offer, false) && !sdp.empty()) {
      emit_(OfferAnswered{.dialog = dialog.id, .sdp = std::move(sdp), .from = source_of(nua_)});
    }
    if (dialog.incoming && !std::exchange(dialog.acknowledged, true) && !dialog.ending) {
      keep_incoming(dialog, what.sip);
      emit_(Accepted{.dialog = dialog.id, .sdp = {}, .from = source_of(nua_)});
    }
    return;
  }
  if (is_challenge(what.status) &&
      (what.event == nua_r_bye || what.event == nua_r_update || what.event == nua_r_prack)) {
    (void)authenticate(dialog, what);
  }
}

// ---- authentication ------------------------------------------------------------------------------------------------

/// False when there is nothing more to try.
bool SipAgent::Core::authenticate(Handle& handle, const Happening& what) {
  const Trunk& to = trunk(handle.trunk);
  if (what.sip == nullptr || to.user.empty() || ++handle.challenges > kChallengesMax) return false;
  msg_auth_t const* challenge = what.status == 401 ? what.sip->sip_www_authenticate : what.sip->sip_proxy_authenticate;
  for (; challenge != nullptr; challenge = challenge->au_next) {
    if (!su_casematch(challenge->au_scheme, "Digest")) continue;
    const char* realm = msg_header_find_param(challenge->au_common, "realm=");
    const char* stale = msg_header_find_param(challenge->au_common, "stale=");
    if (realm == nullptr) continue;
    // Of the same again: the answer was wrong, unless only its nonce was old.
    const bool is_stale = stale != nullptr && su_casenmatch(stale, "true", 4);
    const std::string asker = std::to_string(what.status) + realm;
    if (handle.answered == asker && !is_stale) continue;
    handle.answered = asker;
    nua_authenticate(what.nh, NUTAG_AUTH(credentials(realm, to).c_str()), TAG_END());
    return true;
  }
  return false;
}

void SipAgent::Core::on_register_response(Line& line, const Happening& what) {
  if (what.status < 200) return;
  if (is_challenge(what.status) && authenticate(line.registration, what)) return;
  const bool good = what.status < 300;
  if (good) {
    line.registration.challenges = 0;
    line.registration.answered.clear();
  } else {
    line.next_register =
        static_cast<long long>(su_now().tv_sec) + std::chrono::ceil<seconds>(options_.register_retry).count();
  }
  emit_(TrunkNews{.trunk = line.registration.trunk,
                  .what = good ? TrunkNews::What::Registered : TrunkNews::What::NotRegistered,
                  .status = what.status});
}

void SipAgent::Core::on_ping_response(Line& line, const Happening& what) {
  if (what.status < 200) return;
  // Whatever it answers, it is there.
  const bool there = is_theirs(what.sip) && what.status != 503;
  // It may have begun anew, and then knows nothing of us.
  const bool is_back = there && !line.reachable;
  if (is_back && trunk(line.ping.trunk).registers) line.next_register = 1;
  line.reachable = there;
  emit_(TrunkNews{.trunk = line.ping.trunk,
                  .what = there ? TrunkNews::What::Reachable : TrunkNews::What::Unreachable,
                  .status = what.status});
}

// ---- calls that we make --------------------------------------------------------------------------------------------

void SipAgent::Core::on_invite_response(Dialog& dialog, const Happening& what) {
  if (is_challenge(what.status) && !dialog.told_over) {
    if (!dialog.ending && authenticate(dialog, what)) return;
  }
  if (what.status < 200) {
    if (what.sip == nullptr || dialog.established) return;
    if (dialog.ending) return;
    emit_(Progress{.dialog = dialog.id, .status = what.status, .sdp = sdp_of(what.sip), .from = source_of(nua_)});
    return;
  }
  if (what.status >= 300) return on_final_refusal(dialog, what);
  nua_ack(dialog.nh, TAG_END());
  dialog.challenges = 0;
  dialog.answered.clear();
  std::string sdp = sdp_of(what.sip);
  if (!std::exchange(dialog.established, true)) {
    // It was answered while our CANCEL was on its way: a call all the same, and it is ended as one.
    if (dialog.ending) return nua_bye(dialog.nh, TAG_END());
    keep_outgoing(dialog, what.sip);
    emit_(Accepted{.dialog = dialog.id, .sdp = std::move(sdp), .from = source_of(nua_)});
    return;
  }
  // Of ours, or of the library's own to refresh the session: an answer may say something new in either case.
  const bool asked = std::exchange(dialog.offered, false);
  if ((asked || !sdp.empty()) && !dialog.ending) {
    emit_(OfferAnswered{.dialog = dialog.id, .sdp = std::move(sdp), .from = source_of(nua_)});
  }
}

void SipAgent::Core::on_final_refusal(Dialog& dialog, const Happening& what) {
  if (dialog.established) {
    if (std::exchange(dialog.offered, false)) emit_(OfferRefused{.dialog = dialog.id, .status = what.status});
    return;
  }
  if (std::exchange(dialog.told_over, true)) return;
  if (dialog.ending) {
    emit_(Ended{.dialog = dialog.id});
  } else {
    emit_(Refused{
        .dialog = dialog.id, .status = what.status, .by_peer = is_theirs(what.sip), .cause = q850_of(what.sip)});
  }
  if (is_challenge(what.status)) {
    // The library waits for credentials that are not coming.
    const auto place = dialogs_.find(dialog.id);
    drop(dialog);
    dropped_.push_back(std::move(place->second));
    dialogs_.erase(place);
  }
}

void SipAgent::Core::on_state(Dialog& dialog, const Happening& what) {
  int state = nua_callstate_init;
  tl_gets(what.tags, NUTAG_CALLSTATE_REF(state), TAG_END());
  if (state != nua_callstate_terminated) return;
  if (!std::exchange(dialog.told_over, true)) emit_(Ended{.dialog = dialog.id});
  const auto place = dialogs_.find(dialog.id);
  if (place == dialogs_.end()) return;
  drop(dialog);
  dropped_.push_back(std::move(place->second));
  dialogs_.erase(place);
}

// ---- what they ask -------------------------------------------------------------------------------------------------

void SipAgent::Core::on_invite(const Happening& what) {
  if (what.handle == nullptr) return on_new_invite(what);
  auto& dialog = static_cast<Dialog&>(*what.handle);
  if (what.status >= 200) return;  // the library has answered by itself: 491, 500
  std::string sdp = sdp_of(what.sip);
  dialog.asks_offer = sdp.empty();
  emit_(Offered{.dialog = dialog.id, .sdp = std::move(sdp), .from = source_of(nua_)});
}

void SipAgent::Core::on_new_invite(const Happening& what) {
  if (what.status >= 200) return nua_handle_destroy(what.nh);
  const auto from = source_of(nua_);
  const auto source = from ? sources_.find(*from) : sources_.end();
  if (source == sources_.end()) {
    nua_respond(what.nh, SIP_403_FORBIDDEN, TAG_END());
    return nua_handle_destroy(what.nh);
  }
  if (closing_ || dialogs_.size() >= options_.dialogs_max) {
    nua_respond(what.nh, SIP_503_SERVICE_UNAVAILABLE, TAG_END());
    return nua_handle_destroy(what.nh);
  }
  auto dialog = std::make_unique<Dialog>();
  dialog->id = DialogId{next_incoming_++};
  dialog->incoming = true;
  dialog->trunk = source->second;
  dialog->nh = what.nh;
  nua_handle_bind(what.nh, reinterpret_cast<nua_hmagic_t*>(static_cast<Handle*>(dialog.get())));
  note_incoming(*dialog, what.sip);
  std::string sdp = sdp_of(what.sip);
  dialog->asks_offer = sdp.empty();
  IncomingCall call{.dialog = dialog->id,
                    .trunk = dialog->trunk,
                    .from = user_of(what.sip->sip_from != nullptr ? what.sip->sip_from->a_url : nullptr),
                    .to = called_number(what.sip, trunk(dialog->trunk)),
                    .sdp = std::move(sdp),
                    .source = from};
  dialogs_.emplace(dialog->id, std::move(dialog));
  emit_(std::move(call));
}

void SipAgent::Core::on_update(Dialog& dialog, const Happening& what) {
  if (what.status >= 200) return;
  std::string sdp = sdp_of(what.sip);
  if (sdp.empty() || dialog.has_update || !dialog.established) {
    // Without an offer it only says that the session goes on (RFC 4028 section 7.4).
    if (sdp.empty()) {
      nua_respond(what.nh, SIP_200_OK, NUTAG_WITH_THIS(nua_), TAG_END());
    } else {
      nua_respond(what.nh, SIP_491_REQUEST_PENDING, NUTAG_WITH_THIS(nua_), TAG_END());
    }
    return;
  }
  nua_save_event(nua_, dialog.update);
  dialog.has_update = true;
  emit_(Offered{.dialog = dialog.id, .sdp = std::move(sdp), .from = source_of(nua_)});
}

}  // namespace zvonok::voip_sip
