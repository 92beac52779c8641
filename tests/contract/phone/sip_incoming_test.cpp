// Calls that come in by SIP, made by SIPp: rung, accepted, refused, given up.
#include "contract/phone/sip_world.h"

namespace zvonok::test {
namespace {

using namespace sipp;
using call::phone::Rejection;

const std::string kTrying = recv_response(100, "optional=\"true\"");

class SipIncoming : public SipWorld {
 protected:
  void SetUp() override { start({trunk_at(free_port())}); }
  /// SIPp as the caller of one call, from that address of loopback.
  std::unique_ptr<Sipp> caller(const std::string& steps, const std::string& from = "127.0.0.1") {
    return std::make_unique<Sipp>(
        steps, Sipp::Options{.address = from, .calls = "127.0.0.1:" + std::to_string(provider_->port())});
  }
  [[nodiscard]] bool wait_for_call() {
    return world_.wait([&] { return !incoming_.empty(); });
  }
  const CallId call_{"in-1"};
};

TEST_F(SipIncoming, RingAreTakenAndHeard) {
  const auto sipp = caller(invite(sdp()) + kTrying + recv_response(180) + log("rings") + answered() +
                           in_dialog("ACK", 1) + recv("BYE") + respond({.status = "200 OK"}) + log("end"));
  ASSERT_TRUE(wait_for_call()) << sipp->report();
  EXPECT_EQ(incoming_[0].from, "+491512345678");
  EXPECT_EQ(incoming_[0].to, "+4930999888");
  provider_->ring(call_);
  EXPECT_TRUE(wait_for_log(*sipp, "rings")) << sipp->report();
  provider_->accept(call_);
  take_line(call_);
  EXPECT_TRUE(wait_for(call_, "answered")) << sipp->report();
  talker(call_).speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talker(call_).hears(1000) > 0.8; }));
  provider_->send_dtmf(call_, "42");
  EXPECT_TRUE(world_.wait([&] { return talker(call_).digits() == "42"; }));
  provider_->hang_up(call_);
  EXPECT_TRUE(wait_for_log(*sipp, "end")) << sipp->report();
  EXPECT_EQ(story(call_), "answered ");
}

TEST_F(SipIncoming, EndWhenTheCallerHangsUp) {
  const auto sipp = caller(invite(sdp()) + kTrying + recv_response(180, "optional=\"true\"") + answered() +
                           in_dialog("ACK", 1) + pause(300) + in_dialog("BYE", 2) + recv_response(200) + log("end"));
  ASSERT_TRUE(wait_for_call()) << sipp->report();
  provider_->accept(call_);
  EXPECT_TRUE(wait_for(call_, "hangup")) << story(call_) << sipp->report();
  EXPECT_EQ(story(call_), "answered hangup ");
  EXPECT_TRUE(wait_for_log(*sipp, "end")) << sipp->report();
}

TEST_F(SipIncoming, EndWhenTheCallerGivesUp) {
  const auto sipp = caller(invite(sdp()) + kTrying + recv_response(180) + pause(200) + cancel() + recv_response(200) +
                           recv_response(487) + ack_refusal() + log("end"));
  ASSERT_TRUE(wait_for_call()) << sipp->report();
  provider_->ring(call_);
  EXPECT_TRUE(wait_for(call_, "hangup")) << story(call_) << sipp->report();
  EXPECT_TRUE(wait_for_log(*sipp, "end")) << sipp->report();
  provider_->accept(call_);  // too late, and harmless
  provider_->reject(call_, Rejection::Busy);
  world_.pass(milliseconds{100});
  EXPECT_EQ(story(call_), "hangup ");
}

TEST_F(SipIncoming, AreRefusedByTheRightWord) {
  const std::vector<std::pair<Rejection, int>> table{{Rejection::NoSuchNumber, 404},
                                                     {Rejection::Busy, 486},
                                                     {Rejection::Declined, 603},
                                                     {Rejection::NoAnswer, 480},
                                                     {Rejection::Unavailable, 480}};
  for (const auto& [why, status] : table) {
    const std::size_t before = incoming_.size();
    const auto sipp = caller(invite(sdp()) + kTrying + recv_response(status) + ack_refusal() + log("end"));
    ASSERT_TRUE(world_.wait([&] { return incoming_.size() > before; })) << sipp->report();
    const CallId call{"in-" + std::to_string(incoming_.size())};
    provider_->reject(call, why);
    EXPECT_TRUE(wait_for_log(*sipp, "end")) << status << sipp->report();
    EXPECT_EQ(story(call), "") << "nothing is told after it";
  }
}

TEST_F(SipIncoming, MayLeaveTheOfferToUs) {
  const auto sipp = caller(invite("") + kTrying + recv_response(180, "optional=\"true\"") + answered() +
                           in_dialog("ACK", 1, sdp()) + recv("BYE") + respond({.status = "200 OK"}) + log("end"));
  ASSERT_TRUE(wait_for_call()) << sipp->report();
  provider_->accept(call_);
  take_line(call_);
  EXPECT_TRUE(wait_for(call_, "answered")) << sipp->report();
  talker(call_).speak(640);
  EXPECT_TRUE(world_.wait([&] { return talker(call_).hears(640) > 0.8; }));
  provider_->hang_up(call_);
  EXPECT_TRUE(wait_for_log(*sipp, "end")) << sipp->report();
}

TEST_F(SipIncoming, WithNoSoundInCommonAreRefusedUnheard) {
  const std::string g729 =
      "v=0\no=there 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 18\n";
  const auto sipp = caller(invite(g729) + kTrying + recv_response(488) + ack_refusal() + log("end"));
  EXPECT_TRUE(wait_for_log(*sipp, "end")) << sipp->report();
  EXPECT_TRUE(incoming_.empty());
}

TEST_F(SipIncoming, WhoseCallerAnswersOurOfferWithNothingAreOver) {
  const auto sipp = caller(invite("") + kTrying + recv_response(180, "optional=\"true\"") + answered() +
                           in_dialog("ACK", 1) + recv("BYE") + respond({.status = "200 OK"}) + log("end"));
  ASSERT_TRUE(wait_for_call()) << sipp->report();
  provider_->accept(call_);
  take_line(call_);
  EXPECT_TRUE(wait_for(call_, "failed")) << sipp->report();
  EXPECT_EQ(story(call_), "failed:other ");
  EXPECT_TRUE(wait_for_log(*sipp, "end")) << sipp->report();
}

TEST_F(SipIncoming, OfStrangersComeNowhere) {
  const auto sipp = caller(invite(sdp()) + recv_response(100, "timeout=\"1500\" ontimeout=\"7\"") + log("answered") +
                               label(7) + log("silence"),
                           "127.0.0.2");
  EXPECT_TRUE(wait_for_log(*sipp, "silence")) << sipp->report();
  EXPECT_EQ(sipp->count("answered"), 0U);
  EXPECT_TRUE(incoming_.empty());
}

}  // namespace
}  // namespace zvonok::test
