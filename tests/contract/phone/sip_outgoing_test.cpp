// Calls that we make by SIP, against SIPp: what a trunk may answer, ask for, and do at the wrong moment.
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "contract/phone/sip_world.h"
#include "net/fd.h"

namespace zvonok::test {
namespace {

using namespace sipp;

class SipOutgoing : public SipWorld {};

/// 401, then what comes once the answer to it is right.
std::string challenge_then(const std::string& steps) {
  return "<recv request=\"INVITE\"></recv>\n" +
         respond({.status = "401 Unauthorized",
                  .headers = "WWW-Authenticate: Digest realm=\"a realm\", nonce=\"0123456789\", algorithm=MD5, "
                             "qop=\"auth\"\n"}) +
         recv("ACK") + recv_invite("<verifyauth assign_to=\"good\" username=\"me\" password=\"p w;d\"/>") +
         "<nop next=\"60\" test=\"good\"></nop>\n" +
         respond({.status = "401 Unauthorized",
                  .headers = "WWW-Authenticate: Digest realm=\"a realm\", nonce=\"0123456789\", algorithm=MD5, "
                             "qop=\"auth\"\n"}) +
         recv("ACK") + log("refused") + "<nop next=\"99\"></nop>\n" + label(60) + log("authentic") + steps;
}

TEST_F(SipOutgoing, AnswerTheChallengeOfATrunk) {
  const Sipp sipp{challenge_then(ring_and_answer(50))};
  voip_sip::Trunk trunk = trunk_at(sipp.port());
  trunk.user = "me";
  trunk.password = Private<std::string>{"p w;d"};
  start({trunk});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  EXPECT_EQ(story(call), "took-on rings answered ");
  EXPECT_EQ(sipp.count("authentic"), 1U);
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end"));
  EXPECT_EQ(log_.text().find("p w;d"), std::string::npos);
}

TEST_F(SipOutgoing, AnswerTheChallengesOfAProxyAndOfWhoIsBehindIt) {
  const auto answered = [](std::string_view header) {
    return recv_invite("<ereg regexp=\"response=\" search_in=\"hdr\" header=\"" + std::string{header} +
                       ":\" check_it=\"true\" assign_to=\"good\"/>");
  };
  const Sipp sipp{"<recv request=\"INVITE\"></recv>\n" +
                  respond({.status = "407 Proxy Authentication Required",
                           .headers = "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\", algorithm=MD5\n"}) +
                  recv("ACK") + answered("Proxy-Authorization") +
                  respond({.status = "401 Unauthorized",
                           .headers = "WWW-Authenticate: Digest realm=\"u\", nonce=\"2\", algorithm=MD5\n"}) +
                  recv("ACK") + answered("Authorization") + ring_and_answer(50)};
  voip_sip::Trunk trunk = trunk_at(sipp.port());
  trunk.user = "me";
  trunk.password = Private<std::string>{"p"};
  start({trunk});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end"));
}

TEST_F(SipOutgoing, GiveUpWithTheWrongPassword) {
  const Sipp sipp{challenge_then(ring_and_answer(50))};
  voip_sip::Trunk trunk = trunk_at(sipp.port());
  trunk.user = "me";
  trunk.password = Private<std::string>{"wrong"};
  start({trunk});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed")) << story(call) << sipp.report();
  EXPECT_EQ(story(call), "failed:unauthorized ");
}

TEST_F(SipOutgoing, GiveUpWithoutCredentials) {
  const Sipp sipp{recv("INVITE") +
                  respond({.status = "401 Unauthorized",
                           .headers = "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", algorithm=MD5\n"}) +
                  recv("ACK") + log("end")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed")) << story(call);
  EXPECT_EQ(story(call), "failed:unauthorized ");
  EXPECT_TRUE(wait_for_log(sipp, "end"));
}

TEST_F(SipOutgoing, HearEarlyMediaThatWantsToBeAcknowledged) {
  const Sipp sipp{
      recv("INVITE") +
      respond({.status = "183 Session Progress", .body = Body::Sdp, .headers = "Require: 100rel\nRSeq: 71\n"}) +
      recv("PRACK") + respond({.status = "200 OK"}) + log("pracked") + pause(3000) +
      respond({.status = "200 OK", .to_invite = true}) + recv("ACK") + talk_until_bye()};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "rings")) << story(call) << sipp.report();
  EXPECT_TRUE(wait_for_log(sipp, "pracked"));
  talker(call).speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(1000) > 0.8; }));
  EXPECT_EQ(story(call), "took-on rings ") << "sound before the answer";
  EXPECT_TRUE(wait_for(call, "answered"));
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, EndACallThatWasAnsweredWhileItWasCancelled) {
  const Sipp sipp{recv("INVITE") + respond({.status = "180 Ringing"}) + recv("CANCEL") + respond({.status = "200 OK"}) +
                  respond({.status = "200 OK", .body = Body::Sdp, .to_invite = true}) + recv("ACK") +
                  log("acknowledged") + recv("BYE") + respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "rings")) << story(call);
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "acknowledged")) << sipp.report();
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
  world_.pass(milliseconds{200});
  EXPECT_EQ(story(call).find("answered"), std::string::npos);
}

TEST_F(SipOutgoing, CancelOnceTheTrunkHasSaidAnything) {
  // Hung up before the first response: CANCEL must wait for it (RFC 3261 section 9.1).
  const Sipp sipp{recv("INVITE") + pause(700) + respond({.status = "180 Ringing"}) + recv("CANCEL") + cancelled()};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for_log(sipp, "begin"));
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

/// A re-INVITE of theirs with that direction, and what we must answer.
std::string they_offer(int cseq, std::string_view direction, std::string_view answer) {
  return request("INVITE", cseq, "", sdp(direction)) + recv_response(100, "optional=\"true\"") +
         "<recv response=\"200\"><action><ereg regexp=\"a=" + std::string{answer} +
         "\" search_in=\"body\" check_it=\"true\" assign_to=\"good\"/></action></recv>\n" + request("ACK", cseq) +
         log("agreed " + std::string{answer});
}

TEST_F(SipOutgoing, LetTheOtherSideHold) {
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") + pause(2500) +
                  they_offer(1, "sendonly", "recvonly") + pause(3000) + they_offer(2, "sendrecv", "sendrecv") +
                  pause(2500) + they_offer(3, "inactive", "inactive") + recv("BYE") + respond({.status = "200 OK"}) +
                  log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call);
  talker(call).speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(1000) > 0.8; }));
  ASSERT_TRUE(wait_for_log(sipp, "agreed recvonly")) << sipp.report();
  EXPECT_TRUE(world_.wait([&] {
    talker(call).forget();
    world_.pass(milliseconds{500});
    return talker(call).heard() == 0;
  })) << "who does not listen is sent nothing, and echoes nothing";
  EXPECT_EQ(sipp.count("agreed sendrecv"), 0U) << "while they hold";
  ASSERT_TRUE(wait_for_log(sipp, "agreed sendrecv")) << sipp.report();
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(1000) > 0.8; }));
  ASSERT_TRUE(wait_for_log(sipp, "agreed inactive")) << sipp.report();
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, SayThatTheyHold) {
  const auto offer_of_ours = [](std::string_view direction) {
    return "<recv request=\"INVITE\"><action><ereg regexp=\"a=" + std::string{direction} +
           "\" search_in=\"body\" check_it=\"true\" assign_to=\"good\"/></action></recv>\n" +
           respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") + log("held " + std::string{direction});
  };
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") +
                  offer_of_ours("sendonly") + offer_of_ours("sendrecv") + recv("BYE") + respond({.status = "200 OK"}) +
                  log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call);
  provider_->set_hold(call, call::phone::Switch::On);
  // Off again at once: that is told when the first offer is through.
  provider_->set_hold(call, call::phone::Switch::Off);
  EXPECT_TRUE(wait_for_log(sipp, "held sendonly")) << sipp.report();
  EXPECT_TRUE(wait_for_log(sipp, "held sendrecv")) << sipp.report();
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, AnswerAReinviteThatCarriesNoOffer) {
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") + pause(300) +
                  request("INVITE", 1) + recv_response(100, "optional=\"true\"") +
                  "<recv response=\"200\"><action><ereg regexp=\"m=audio\" search_in=\"body\" check_it=\"true\" "
                  "assign_to=\"good\"/></action></recv>\n" +
                  request("ACK", 1, "", sdp("sendrecv")) + log("offered") + recv("BYE") +
                  respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for_log(sipp, "offered")) << sipp.report();
  talker(call).speak(700);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(700) > 0.8; }));
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, KeepACallWhoseNewOfferTheyCannotAccept) {
  const std::string video =
      "v=0\no=there 1 2 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=video 9 RTP/AVP 31\n";
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") + pause(300) +
                  request("INVITE", 1, "", video) + recv_response(100, "optional=\"true\"") + recv_response(488) +
                  request("ACK", 1) + log("refused") + recv("BYE") + respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for_log(sipp, "refused")) << sipp.report();
  talker(call).speak(700);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(700) > 0.8; }));
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, EndACallThatIsAnsweredWithoutASoundTheySpeak) {
  const std::string g729 =
      "v=0\no=there 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 18\n";
  const Sipp sipp{recv("INVITE") + respond({.status = "200 OK", .body = Body::Sdp, .sdp = g729}) + recv("ACK") +
                  recv("BYE") + respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed")) << story(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, RefreshTheSessionInTime) {
  options_.agent.session_least = seconds{1};
  const Sipp sipp{
      recv("INVITE") +
      respond(
          {.status = "200 OK", .body = Body::Sdp, .headers = "Require: timer\nSession-Expires: 4;refresher=uac\n"}) +
      recv("ACK") +
      "<recv request=\"INVITE\"><action><ereg regexp=\"m=audio\" search_in=\"body\" check_it=\"true\" "
      "assign_to=\"good\"/></action></recv>\n" +
      respond(
          {.status = "200 OK", .body = Body::Sdp, .headers = "Require: timer\nSession-Expires: 4;refresher=uac\n"}) +
      recv("ACK") + log("refreshed") + recv("INVITE", "optional=\"true\" next=\"5\"") + recv("BYE", "next=\"6\"") +
      label(5) + respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") + recv("BYE") + label(6) +
      respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call);
  EXPECT_TRUE(wait_for_log(sipp, "refreshed")) << sipp.report();
  talker(call).speak(700);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(700) > 0.8; })) << "goes on";
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, EndASessionThatIsNotRefreshed) {
  options_.agent.session_least = seconds{1};
  const Sipp sipp{
      recv("INVITE") +
      respond(
          {.status = "200 OK", .body = Body::Sdp, .headers = "Supported: timer\nSession-Expires: 3;refresher=uas\n"}) +
      recv("ACK") + recv("BYE") + respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
  EXPECT_TRUE(wait_for(call, "hangup")) << story(call);
}

TEST_F(SipOutgoing, AskForTheSessionIntervalThatATrunkWants) {
  const Sipp sipp{recv("INVITE") + respond({.status = "422 Session Interval Too Small", .headers = "Min-SE: 3600\n"}) +
                  recv("ACK") +
                  recv_invite("<ereg regexp=\"3600\" search_in=\"hdr\" header=\"Session-Expires:\" "
                              "check_it=\"true\" assign_to=\"good\"/>") +
                  respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK") + talk_until_bye()};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, TryTheNextTrunk) {
  const Sipp overloaded{recv("INVITE") + respond({.status = "503 Service Unavailable"}) + recv("ACK") + log("end")};
  const Sipp good{recv("INVITE") + ring_and_answer(50)};
  // One where nobody is, one that says nothing, one that refuses, and one that takes the call.
  const net::Fd mute{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(mute.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  ::getsockname(mute.get(), reinterpret_cast<sockaddr*>(&address), &size);
  options_.trunk_timeout = seconds{1};
  options_.agent.transaction_timeout = seconds{2};  // so that the silent one is given up before the end
  start({trunk_at(free_port()), trunk_at(ntohs(address.sin_port)), trunk_at(overloaded.port()), trunk_at(good.port())});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "answered")) << story(call) << good.report();
  EXPECT_EQ(story(call), "took-on rings answered ");
  EXPECT_EQ(provider_->counters().failovers, 3U);
  talker(call).speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(1000) > 0.8; }));
  world_.pass(milliseconds{1500});
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(good, "end")) << good.report();
}

TEST_F(SipOutgoing, StayWithATrunkWhoseTelephoneIsBusy) {
  const Sipp busy{recv("INVITE") + respond({.status = "486 Busy Here"}) + recv("ACK") + log("end")};
  const Sipp good{recv("INVITE") + ring_and_answer(50)};
  start({trunk_at(busy.port()), trunk_at(good.port())});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "busy")) << story(call);
  EXPECT_EQ(good.count("begin"), 0U);
}

TEST_F(SipOutgoing, BelieveTheTelephoneNetworkMoreThanTheTrunk) {
  const Sipp sipp{recv("INVITE") +
                  respond({.status = "503 Service Unavailable", .headers = "Reason: Q.850;cause=17;text=\"busy\"\n"}) +
                  recv("ACK")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "busy")) << story(call);
}

TEST_F(SipOutgoing, FollowNoRedirection) {
  const Sipp elsewhere{recv("INVITE") + ring_and_answer(50)};
  const Sipp sipp{
      recv("INVITE") +
      respond({.status = "302 Moved Temporarily",
               .headers = "Contact: <sip:+881600000000@127.0.0.1:" + std::to_string(elsewhere.port()) + ">\n"}) +
      recv("ACK")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed:other")) << story(call);
  EXPECT_EQ(elsewhere.count("begin"), 0U);
}

TEST_F(SipOutgoing, SpeakTcp) {
  const Sipp sipp{recv("INVITE") + ring_and_answer(50), {.transport = "t1"}};
  voip_sip::Trunk trunk = trunk_at(sipp.port());
  trunk.transport = voip_sip::Transport::Tcp;
  start({trunk});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  talker(call).speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(1000) > 0.8; }));
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, ShowTheNumberOfTheSettings) {
  const Sipp sipp{recv("INVITE") + ring_and_answer(50)};
  voip_sip::Trunk trunk = trunk_at(sipp.port());
  trunk.from_number = "+4930123456";
  trunk.domain = "calls.example.org";
  trunk.plus = false;
  start({trunk});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
  const std::string messages = sipp.messages();
  EXPECT_NE(messages.find("INVITE sip:491512345678@calls.example.org SIP/2.0"), std::string::npos) << messages;
  EXPECT_NE(messages.find("From: <sip:+4930123456@calls.example.org>"), std::string::npos) << messages;
  EXPECT_NE(messages.find("P-Asserted-Identity: <sip:+4930123456@calls.example.org>"), std::string::npos) << messages;
}

TEST_F(SipOutgoing, RegisterAndAskWhetherTrunksAreThere) {
  const std::string answer_all =
      label(1) + recv("OPTIONS", "optional=\"true\" next=\"2\"") + recv("REGISTER", "next=\"3\"") + label(2) +
      respond({.status = "200 OK"}) + log("asked") + "<nop next=\"99\"></nop>\n" + label(3) +
      respond({.status = "401 Unauthorized",
               .headers = "WWW-Authenticate: Digest realm=\"r\", nonce=\"99\", algorithm=MD5\n"}) +
      "<recv request=\"REGISTER\"><action><verifyauth assign_to=\"good\" username=\"me\" password=\"pw\"/>"
      "</action></recv>\n<nop next=\"4\" test=\"good\"></nop>\n" +
      respond({.status = "403 Forbidden"}) + "<nop next=\"99\"></nop>\n" + label(4) +
      respond({.status = "200 OK", .headers = "Expires: 300\n"}) + log("registered") + label(99);
  const Sipp sipp{answer_all};
  options_.agent.keep_alive = seconds{2};
  voip_sip::Trunk trunk = trunk_at(sipp.port());
  trunk.user = "me";
  trunk.password = Private<std::string>{"pw"};
  trunk.registers = true;
  voip_sip::Trunk wrong = trunk;
  wrong.password = Private<std::string>{"not-pw"};
  start({trunk, wrong, trunk_at(free_port())});
  EXPECT_TRUE(world_.wait([&] { return provider_->trunks()[0].registered; })) << sipp.report();
  EXPECT_TRUE(world_.wait([&] { return !provider_->trunks()[2].reachable; }));
  EXPECT_TRUE(world_.wait([&] { return sipp.count("asked") >= 2; }));
  EXPECT_TRUE(provider_->trunks()[0].reachable);
  EXPECT_FALSE(provider_->trunks()[1].registered);
  EXPECT_TRUE(world_.wait([&] { return log_.text().contains("registration at a trunk failed"); })) << sipp.report();
  EXPECT_EQ(log_.text().find("pw"), std::string::npos);
}

/// A request from that address, and what is answered.
std::string ask(const char* from, std::uint16_t port, const std::string& method, int patience_ms = 10'000) {
  const net::Fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &address.sin_addr);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  const std::string here = std::string{from} + ":" + std::to_string(ntohs(address.sin_port));
  const std::string text =
      method + " sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " + here +
      ";branch=z9hG4bK1\r\nFrom: <sip:scanner@x>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: " + method + here +
      "\r\nCSeq: 1 " + method + "\r\nMax-Forwards: 70\r\nContact: <sip:x@" + here + ">\r\nContent-Length: 0\r\n\r\n";
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  address.sin_port = htons(port);
  (void)!::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, patience_ms) <= 0) return {};
  std::array<char, 2000> buffer{};
  const ssize_t count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  return std::string{buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

TEST_F(SipOutgoing, EndACallThatWasAnsweredWithoutADescription) {
  const Sipp sipp{recv("INVITE") + respond({.status = "180 Ringing"}) + respond({.status = "200 OK"}) + recv("ACK") +
                  recv("BYE") + respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed")) << story(call) << sipp.report();
  EXPECT_EQ(story(call), "took-on rings failed:other ");
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, TakeTheDescriptionOfA183ForTheOneOfTheAnswer) {
  const Sipp sipp{recv("INVITE") + respond({.status = "183 Session Progress", .body = Body::Sdp}) +
                  respond({.status = "200 OK"}) + recv("ACK") + talk_until_bye()};
  start(sipp);
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, EndACallFromWhichNothingComes) {
  options_.silence_max = milliseconds{1500};
  // Sound and reports go to ports behind which nobody is.
  const std::string deaf = "v=0\no=there 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio 9 RTP/AVP 0\n";
  const Sipp sipp{recv("INVITE") + respond({.status = "180 Ringing"}) +
                  respond({.status = "200 OK", .body = Body::Sdp, .sdp = deaf}) + recv("ACK") + recv("BYE") +
                  respond({.status = "200 OK"}) + log("end")};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  EXPECT_TRUE(wait_for(call, "hangup")) << story(call);
  EXPECT_EQ(story(call), "took-on rings answered hangup ");
  EXPECT_EQ(provider_->counters().silent, 1U);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
  talker(call).speak(1000);  // the line outlives its call
  world_.pass(milliseconds{100});
}

TEST_F(SipOutgoing, KeepACallFromWhichSomethingComes) {
  options_.silence_max = milliseconds{1500};
  const Sipp sipp{recv("INVITE") + ring_and_answer(50)};
  start(sipp);
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call) << sipp.report();
  talker(call).speak(1000);
  world_.pass(seconds{3});
  EXPECT_EQ(story(call), "took-on rings answered ");
  EXPECT_EQ(sipp.messages().find("replaces"), std::string::npos) << "what is not done is not announced";
  provider_->hang_up(call);
  EXPECT_TRUE(wait_for_log(sipp, "end")) << sipp.report();
}

TEST_F(SipOutgoing, AnswerNoStranger) {
  start({trunk_at(free_port())});
  for (const char* method : {"OPTIONS", "INVITE", "REGISTER", "BYE", "NONSENSE"}) {
    EXPECT_EQ(ask("127.0.0.2", provider_->port(), method, 500), "") << method;
  }
  EXPECT_TRUE(ask("127.0.0.1", provider_->port(), "OPTIONS").starts_with("SIP/2.0 200"));
  EXPECT_TRUE(ask("127.0.0.1", provider_->port(), "REFER").starts_with("SIP/2.0 4"));
  EXPECT_TRUE(ask("127.0.0.1", provider_->port(), "SUBSCRIBE").starts_with("SIP/2.0 4"));
  EXPECT_TRUE(incoming_.empty());
}

}  // namespace
}  // namespace zvonok::test
