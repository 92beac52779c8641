// What is left of a call when we have ended it or have died, and digits where a trunk knows no events for them.
#include <filesystem>

#include "contract/phone/sip_world.h"

namespace zvonok::test {
namespace {

using namespace sipp;

class SipCalls : public SipWorld {};

TEST_F(SipCalls, CarryDigitsAsTonesWhereTheTrunkKnowsNoEvents) {
  const std::string sound_alone =
      "v=0\no=there 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\n";
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp, .sdp = sound_alone}) + recv("ACK") +
                  recv("BYE") + respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  talker(call).speak(700);  // not heard while keys sound
  provider_->send_dtmf(call, "5,A#");
  // SIPp gives back what it hears, so that our own keys are what the telephone presses.
  EXPECT_TRUE(world_.wait([&] { return talker(call).digits() == "5A#"; })) << talker(call).digits();
  talker(call).press('9');
  EXPECT_TRUE(world_.wait([&] { return talker(call).digits() == "5A#9"; })) << talker(call).digits();
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(700) > 0.8; })) << "and then speech again";
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
  EXPECT_EQ(provider_->sound().digits_dropped, 0U);
}

TEST_F(SipCalls, AreKnownToBeEndingUntilTheTrunkHasHeardOfIt) {
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") + recv("BYE") +
                  log("asked") + pause(300) + respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  EXPECT_EQ(provider_->pending(), 0U);
  provider_->hang_up(call);
  EXPECT_EQ(provider_->pending(), 1U);
  EXPECT_TRUE(wait_for_log(sipp, "asked")) << sipp.report();
  EXPECT_EQ(provider_->pending(), 1U);
  EXPECT_TRUE(world_.wait([&] { return provider_->pending() == 0; })) << sipp.report();
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipCalls, AreEndedByTheNextServerWhenOursDies) {
  const Folder folder;
  options_.agent.dialogs_folder = folder.path();
  options_.agent.transaction_timeout = seconds{2};  // of a BYE that nobody answers any more
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") +
                  log("acknowledged") + recv("BYE") + respond({.status = "200 OK", .has_tag = true}) + log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  ASSERT_TRUE(wait_for_log(sipp, "acknowledged")) << sipp.report();
  inherit();
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
  provider_->hang_up(call);
  EXPECT_TRUE(world_.wait([&] { return std::filesystem::is_empty(folder.path()); })) << "it is over, and was not kept";
}

}  // namespace
}  // namespace zvonok::test
