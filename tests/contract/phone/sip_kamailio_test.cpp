// Calls through a real proxy, Kamailio, that wants to know by digest who registers and who calls, and stays on the way:
// at its other side is a real softphone, baresip.
#include "contract/phone/baresip.h"
#include "contract/phone/kamailio.h"
#include "contract/phone/sip_world.h"

namespace zvonok::test {
namespace {

class SipKamailio : public SipWorld {
 protected:
  SipKamailio() {
    options_.agent.register_expires = seconds{3};
    options_.agent.register_retry = seconds{1};
    options_.agent.keep_alive = seconds{1};
    options_.agent.transaction_timeout = seconds{2};
  }
  ~SipKamailio() override {
    if (HasFailure()) std::fputs((proxy_.report() + log_.text()).c_str(), stderr);
  }

  void begin(voip_sip::Transport transport = voip_sip::Transport::Udp, const char* password = Kamailio::kPassword) {
    voip_sip::Trunk trunk = trunk_at(proxy_.port());
    trunk.transport = transport;
    trunk.user = Kamailio::kUser;
    trunk.password = Private<std::string>{password};
    trunk.registers = true;
    ASSERT_TRUE(world_.wait([&] { return phone_.is_up(); })) << phone_.report();
    start({trunk});
  }
  bool is_registered() {
    return world_.wait([&] { return provider_->trunks()[0].registered; });
  }
  bool wait_for_proxy(std::string_view line, std::size_t times = 1) {
    return world_.wait([&] { return proxy_.count(line) >= times; });
  }
  std::string at_proxy(std::string_view user) {
    return "sip:" + std::string{user} + "@127.0.0.1:" + std::to_string(proxy_.port());
  }
  CallId expect_a_call() {
    const CallId call = dial();
    EXPECT_TRUE(wait_for(call, "answered")) << story(call) << phone_.report();
    talker(call).speak(1000);
    EXPECT_TRUE(world_.wait([&] { return talker(call).hears(1000) > 0.8; })) << "both ways, past the proxy";
    return call;
  }

  Baresip phone_{Baresip::Says::WhatItHears};
  Kamailio proxy_{phone_.port()};
};

TEST_F(SipKamailio, CallsProveWhoWeAreAndEndByUs) {
  begin();
  ASSERT_TRUE(is_registered());
  EXPECT_GE(proxy_.count("challenged-REGISTER"), 1U);
  const CallId call = expect_a_call();
  EXPECT_EQ(proxy_.count("challenged-INVITE"), 1U);
  EXPECT_EQ(proxy_.count("authenticated-INVITE"), 1U);
  EXPECT_TRUE(wait_for_proxy("loose-ACK")) << "by the route that it recorded";
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_proxy("loose-BYE from " + std::to_string(provider_->port())));
  EXPECT_TRUE(world_.wait([&] { return provider_->pending() == 0; })) << "the telephone has heard of it";
  EXPECT_EQ(proxy_.count("astray-"), 0U);
  EXPECT_EQ(log_.text().find(Kamailio::kPassword), std::string::npos);
}

TEST_F(SipKamailio, CallsEndByTheTelephone) {
  begin();
  const CallId call = expect_a_call();  // registered or not: the proof is the INVITE's own
  phone_.leave();
  EXPECT_TRUE(wait_for(call, "hangup")) << story(call) << phone_.report();
  EXPECT_EQ(story(call), "took-on rings answered hangup ");
  EXPECT_EQ(proxy_.count("loose-BYE from " + std::to_string(phone_.port())), 1U);
}

TEST_F(SipKamailio, HoldGoesByTheSameWay) {
  begin();
  const CallId call = expect_a_call();
  provider_->set_hold(call, call::phone::Switch::On);
  EXPECT_TRUE(wait_for_proxy("loose-INVITE"));
  EXPECT_TRUE(world_.wait([&] {
    talker(call).forget();
    world_.pass(milliseconds{100});
    return talker(call).heard() == 0;
  }));
  provider_->set_hold(call, call::phone::Switch::Off);
  EXPECT_TRUE(wait_for_proxy("loose-INVITE", 2));
  // What plays back what it hears does not begin again in baresip: that it would is in its answer.
  EXPECT_TRUE(world_.wait([&] { return phone_.report().rfind("a=sendrecv") > phone_.report().rfind("a=recvonly"); }));
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_proxy("loose-BYE"));
}

TEST_F(SipKamailio, CallsComeInByOurRegistration) {
  begin(voip_sip::Transport::Tcp);
  ASSERT_TRUE(is_registered());
  Baresip caller{{.says = Baresip::Says::ItsTone, .dials = at_proxy(Kamailio::kOurNumber)}};
  ASSERT_TRUE(world_.wait([&] { return !incoming_.empty(); })) << caller.report();
  EXPECT_EQ(incoming_[0].to, Kamailio::kOurNumber) << "and not the name that we registered";
  EXPECT_EQ(incoming_[0].from, "+491512345678");
  const CallId call{"in-1"};
  provider_->ring(call);
  provider_->accept(call);
  take_line(call);
  ASSERT_TRUE(wait_for(call, "answered")) << caller.report();
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(Baresip::kToneHz) > 0.8; })) << caller.report();
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_proxy("loose-BYE"));
  EXPECT_TRUE(world_.wait([&] { return provider_->pending() == 0; }));

  Baresip another{{.dials = at_proxy(Kamailio::kOurNumber)}};
  ASSERT_TRUE(world_.wait([&] { return incoming_.size() == 2; })) << another.report();
  provider_->accept(CallId{"in-2"});
  ASSERT_TRUE(wait_for(CallId{"in-2"}, "answered")) << another.report();
  another.leave();
  EXPECT_TRUE(wait_for(CallId{"in-2"}, "hangup")) << another.report();
  EXPECT_EQ(proxy_.count("loose-BYE from " + std::to_string(another.port())), 1U);
}

TEST_F(SipKamailio, CallsOfAServerThatDiedAreEndedByTheNextOne) {
  const Folder folder;
  options_.agent.dialogs_folder = folder.path();
  begin();
  const CallId call = expect_a_call();
  ASSERT_TRUE(is_registered());
  Baresip caller{{.dials = at_proxy(Kamailio::kOurNumber)}};
  ASSERT_TRUE(world_.wait([&] { return !incoming_.empty(); })) << caller.report();
  provider_->accept(CallId{"in-1"});
  ASSERT_TRUE(wait_for(CallId{"in-1"}, "answered")) << caller.report();
  inherit();
  EXPECT_TRUE(wait_for_proxy("loose-BYE", 2)) << "by the routes of the one that we made, and of the one that came in";
  EXPECT_TRUE(world_.wait([&] { return phone_.hung_up() && caller.hung_up(); })) << phone_.report() << caller.report();
}

TEST_F(SipKamailio, ARegistrationComesBackWhenItHasForgottenUs) {
  options_.agent.register_expires = seconds{60};  // not by time
  begin();
  ASSERT_TRUE(is_registered());
  const std::size_t before = proxy_.count("registered me");
  proxy_.stop();
  ASSERT_TRUE(world_.wait([&] { return !provider_->trunks()[0].reachable; }));
  proxy_.start();
  EXPECT_TRUE(wait_for_proxy("registered me", before + 1));
  EXPECT_TRUE(is_registered());
  Baresip caller{{.dials = at_proxy(Kamailio::kOurNumber)}};
  EXPECT_TRUE(world_.wait([&] { return !incoming_.empty(); })) << caller.report();
}

TEST_F(SipKamailio, ARegistrationIsRenewedInTime) {
  begin();
  ASSERT_TRUE(is_registered());
  const std::size_t before = proxy_.count("registered me");
  EXPECT_TRUE(wait_for_proxy("registered me", before + 2)) << "with other nonces: each is good for two seconds";
  EXPECT_TRUE(provider_->trunks()[0].registered);
}

TEST_F(SipKamailio, NobodyElseRegistersOrCalls) {
  begin(voip_sip::Transport::Udp, "another");
  EXPECT_TRUE(world_.wait([&] { return log_.text().contains("registration at a trunk failed"); }));
  EXPECT_FALSE(provider_->trunks()[0].registered);
  EXPECT_EQ(proxy_.count("registered me"), 0U);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed")) << story(call);
  EXPECT_EQ(story(call), "failed:unauthorized ");
  EXPECT_EQ(proxy_.count("authenticated-INVITE"), 0U);
}

}  // namespace
}  // namespace zvonok::test
