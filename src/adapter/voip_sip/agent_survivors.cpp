// Calls that outlive the server: each that was answered is kept in a file for as long as it lasts, and what is found
// there at a start was left by a server that died. The trunk is told by BYE.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/voip_sip/agent_core.h"
#include "net/fd.h"

namespace zvonok::voip_sip {
namespace {

namespace fs = std::filesystem;

// Numbers of requests only have to grow (RFC 3261 section 12.2.1.1): those that came after what is kept are unknown,
// and never as many as this.
constexpr std::uint32_t kCseqAhead = 1'000'000;
constexpr std::uint32_t kCseqMost = 0x7FFFFFFF;
// The library sends a BYE outside of its own dialogs, and by UDP again and again, but does not know the answer to it:
// that long it is repeated, four times, in case one is lost.
constexpr long long kRepeatFor = 4;  // seconds

long long clock_now() {
  return static_cast<long long>(su_now().tv_sec);
}

std::string text_of(void const* header) {
  if (header == nullptr) return {};
  su_home_t home[1] = {SU_HOME_INIT(home)};
  su_home_init(home);
  const char* text = sip_header_as_string(home, static_cast<sip_header_t const*>(header));
  std::string copy = text != nullptr ? text : "";
  su_home_deinit(home);
  return copy;
}

std::string text_of_url(sip_contact_t const* contact) {
  if (contact == nullptr) return {};
  su_home_t home[1] = {SU_HOME_INIT(home)};
  su_home_init(home);
  const char* text = url_as_string(home, contact->m_url);
  std::string copy = text != nullptr ? text : "";
  su_home_deinit(home);
  return copy;
}

/// Each of them alone, in the order of the message.
std::vector<std::string> routes_of(sip_t const* sip) {
  std::vector<std::string> routes;
  for (sip_record_route_t const* at = sip->sip_record_route; at != nullptr; at = at->r_next) {
    su_home_t home[1] = {SU_HOME_INIT(home)};
    su_home_init(home);
    const char* url = url_as_string(home, at->r_url);
    if (url != nullptr) routes.push_back("<" + std::string{url} + ">");
    su_home_deinit(home);
  }
  return routes;
}

std::string joined(const std::vector<std::string>& routes) {
  std::string text;
  for (const std::string& route : routes) text += (text.empty() ? "" : ", ") + route;
  return text;
}

std::string contents_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

}  // namespace

/// Of a call that we made, from the answer to it.
void SipAgent::Core::keep_outgoing(Dialog& dialog, sip_t const* sip) {
  if (options_.dialogs_folder.empty() || sip == nullptr || sip->sip_cseq == nullptr) return;
  std::vector<std::string> routes = routes_of(sip);
  std::ranges::reverse(routes);
  dialog.kept = {.trunk = trunk(dialog.trunk).name,
                 .call_id = text_of(sip->sip_call_id),
                 .local = text_of(sip->sip_from),
                 .remote = text_of(sip->sip_to),
                 .target = text_of_url(sip->sip_contact),
                 .route = joined(routes),
                 .cseq = sip->sip_cseq->cs_seq};
  keep(dialog);
}

/// Of a call that came in: from its request, for now without our tag.
void SipAgent::Core::note_incoming(Dialog& dialog, sip_t const* sip) {
  if (options_.dialogs_folder.empty()) return;
  dialog.kept = {.trunk = trunk(dialog.trunk).name,
                 .call_id = text_of(sip->sip_call_id),
                 .local = {},
                 .remote = text_of(sip->sip_from),
                 .target = text_of_url(sip->sip_contact),
                 .route = joined(routes_of(sip)),
                 .cseq = 0};
}

/// From its ACK, which has our tag.
void SipAgent::Core::keep_incoming(Dialog& dialog, sip_t const* sip) {
  if (options_.dialogs_folder.empty() || sip == nullptr) return;
  dialog.kept.local = text_of(sip->sip_to);
  keep(dialog);
}

void SipAgent::Core::keep(Dialog& dialog) {
  const auto text = write_kept_dialog(dialog.kept);
  dialog.kept = {};
  if (!text) return;
  // A name that no server before this one has used.
  const std::string path = options_.dialogs_folder + "/" + std::to_string(started_) + "-" + std::to_string(::getpid()) +
                           "-" + std::to_string(dialog.id.value());
  const net::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  const bool good = fd.valid() && ::write(fd.get(), text->data(), text->size()) == static_cast<ssize_t>(text->size());
  if (fd.valid()) dialog.file = path;
  if (!good) log_.warn("a phone call can't be kept for a server that dies", {{"folder", options_.dialogs_folder}});
}

void SipAgent::Core::forget_kept(Dialog& dialog) {
  if (!dialog.file.empty()) ::unlink(std::exchange(dialog.file, {}).c_str());
}

void SipAgent::Core::end_survivors() {
  if (options_.dialogs_folder.empty()) return;
  std::error_code error;
  fs::create_directories(options_.dialogs_folder, error);
  ::chmod(options_.dialogs_folder.c_str(), 0700);
  std::size_t told = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator{options_.dialogs_folder, error}) {
    const auto dialog = told < options_.dialogs_max ? read_kept_dialog(contents_of(entry.path())) : std::nullopt;
    const auto place = dialog ? std::ranges::find(options_.trunks, dialog->trunk, &Trunk::name) : options_.trunks.end();
    if (place == options_.trunks.end()) {
      fs::remove(entry.path(), error);
      continue;
    }
    ++told;
    end_survivor(*dialog, static_cast<std::size_t>(place - options_.trunks.begin()), entry.path());
  }
  if (told > 0) log_.warn("phone calls of a server that died are ended at their trunks", {{"calls", told}});
}

void SipAgent::Core::end_survivor(const KeptDialog& dialog, std::size_t index, std::string file) {
  auto survivor = std::make_unique<Survivor>();
  survivor->trunk = index;
  survivor->file = std::move(file);
  survivor->until = clock_now() + kRepeatFor;
  survivor->nh = nua_handle(nua_, reinterpret_cast<nua_hmagic_t*>(static_cast<Handle*>(survivor.get())),
                            NUTAG_URL(dialog.target.c_str()), SIPTAG_TO_STR(dialog.remote.c_str()),
                            SIPTAG_FROM_STR(dialog.local.c_str()), SIPTAG_CALL_ID_STR(dialog.call_id.c_str()),
                            TAG_IF(!dialog.route.empty(), SIPTAG_ROUTE_STR(dialog.route.c_str())), TAG_END());
  if (survivor->nh == nullptr) return;
  const std::string cseq = std::to_string(std::min(dialog.cseq, kCseqMost - kCseqAhead) + kCseqAhead) + " BYE";
  nua_method(survivor->nh, NUTAG_METHOD("BYE"), SIPTAG_CSEQ_STR(cseq.c_str()), TAG_END());
  survivors_.push_back(std::move(survivor));
}

void SipAgent::Core::tend_survivors() {
  std::erase_if(survivors_, [now = clock_now()](const std::unique_ptr<Survivor>& survivor) {
    if (now < survivor->until) return false;
    nua_handle_destroy(survivor->nh);
    ::unlink(survivor->file.c_str());
    return true;
  });
}

}  // namespace zvonok::voip_sip
