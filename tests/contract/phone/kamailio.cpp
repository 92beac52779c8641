// See kamailio.h.
#include "contract/phone/kamailio.h"

#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace zvonok::test {
namespace {

// $1 its port, $2 the telephone's, $3 the user, $4 the password, $5 the user's number.
constexpr std::string_view kConfiguration = R"cfg(#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
tcp_connection_lifetime=3605
auto_aliases=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:$1
listen=tcp:127.0.0.1:$1

loadmodule "kex.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "htable.so"
loadmodule "auth.so"

modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 1)
modparam("rr", "enable_full_lr", 1)
modparam("htable", "htable", "passwords=>size=4;")
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", 2)

event_route[htable:mod-init] {
  $$sht(passwords=>$3) = "$4";
}

request_route {
  if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (has_totag()) {
    if (loose_route()) {
      xlog("L_ALERT", "loose-$$rm from $$sp\n");
      t_relay();
      exit;
    }
    if (is_method("ACK")) {
      if (t_check_trans()) t_relay();
      exit;
    }
    xlog("L_ALERT", "astray-$$rm\n");
    sl_send_reply("404", "Not here");
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  t_check_trans();
  if (is_method("OPTIONS")) {
    sl_send_reply("200", "OK");
    exit;
  }
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("$$td", "$$sht(passwords=>$$au)", "0")) {
  xlog("L_ALERT", "challenged-REGISTER\n");
  www_challenge("$$td", "1");
  exit;
}
save("location");
xlog("L_ALERT", "registered $$au\n");
exit;
}
if (!is_method("INVITE")) {
  sl_send_reply("405", "Method Not Allowed");
  exit;
}
record_route();
if ($$rU == "$5") {
  $$ru = "sip:$3@127.0.0.1";
  if (!lookup("location")) {
    sl_send_reply("480", "Nobody has registered");
    exit;
  }
  xlog("L_ALERT", "called-in\n");
  t_relay();
  exit;
}
if (!pv_proxy_authenticate("$$fd", "$$sht(passwords=>$$au)", "0")) {
  xlog("L_ALERT", "challenged-INVITE\n");
  proxy_challenge("$$fd", "1");
  exit;
}
consume_credentials();
xlog("L_ALERT", "authenticated-INVITE\n");
$$du = "sip:127.0.0.1:$2";
t_relay();
}
)cfg";

/// `$1` to `$5` are what they stand for, `$$` is a dollar; others are Kamailio's.
std::string filled_in(std::string_view text, const std::vector<std::string>& with) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] != '$' || (next != '$' && (next < '1' || next > '5'))) {
      out += text[i];
      continue;
    }
    ++i;
    out += next == '$' ? std::string{"$"} : with[static_cast<std::size_t>(next - '1')];
  }
  return out;
}

}  // namespace

Kamailio::Kamailio(std::uint16_t telephone) {
  folder_.write("kamailio.cfg", filled_in(kConfiguration, {std::to_string(port_), std::to_string(telephone), kUser,
                                                           kPassword, kOurNumber}));
  start();
}

void Kamailio::start() {
  process_ =
      std::make_unique<Child>(std::vector<std::string>{"kamailio", "-DD", "-E", "-f", folder_.path("kamailio.cfg"),
                                                       "-Y", folder_.path(), "-m", "16", "-M", "4"},
                              folder_.path("output"));
  const bool listens =
      process_->wait_until([&] { return is_bound(port_, SOCK_DGRAM) && is_bound(port_, SOCK_STREAM); });
  EXPECT_TRUE(listens) << report();
}

void Kamailio::stop() {
  constexpr int kPatienceMs = 5000;  // made to end it would leave its own children behind
  if (process_) process_->stop(kPatienceMs);
}

std::size_t Kamailio::count(std::string_view text) const {
  const std::string all = report();
  std::size_t found = 0;
  for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++found;
  return found;
}

}  // namespace zvonok::test
