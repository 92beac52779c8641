#include <gtest/gtest.h>

#include "adapter/voip_twilio/call_words.h"
#include "adapter/voip_twilio/stream_words.h"
#include "base/base64.h"

namespace zvonok::voip_twilio {
namespace {

using call::phone::Answered;
using call::phone::Over;
using call::phone::ProviderFault;
using call::phone::Rings;
using call::phone::TookOn;

News failed(ProviderFault fault) {
  return Over{.how = Over::How::Failed, .fault = fault};
}

TEST(TwilioWords, EveryStatusIsAnEventOfOurs) {
  EXPECT_EQ(news_of("queued", "", "", ""), News{TookOn{}});
  EXPECT_EQ(news_of("initiated", "", "", ""), News{TookOn{}});
  EXPECT_EQ(news_of("ringing", "", "", ""), News{Rings{}});
  EXPECT_EQ(news_of("in-progress", "", "", ""), News{Answered{}});
  EXPECT_EQ(news_of("completed", "", "", "42"), (News{Over{.how = Over::How::Hangup, .talked = seconds{42}}}));
  EXPECT_EQ(news_of("completed", "", "", ""), News{Over{.how = Over::How::Hangup}});
  EXPECT_EQ(news_of("completed", "", "", "99999999999"), (News{Over{.how = Over::How::Hangup, .talked = hours{24}}}));
  EXPECT_EQ(news_of("busy", "", "486", ""), News{Over{.how = Over::How::Busy}});
  EXPECT_EQ(news_of("no-answer", "", "", ""), News{Over{.how = Over::How::NoAnswer}});
  EXPECT_EQ(news_of("canceled", "", "", ""), News{Over{.how = Over::How::Hangup}});
  EXPECT_EQ(news_of("failed", "", "503", ""), failed(ProviderFault::Other));
  EXPECT_EQ(news_of("failed", "", "404", ""), failed(ProviderFault::BadNumber));
  EXPECT_EQ(news_of("failed", "13224", "", ""), failed(ProviderFault::BadNumber));
  EXPECT_FALSE(news_of("asleep", "", "", ""));
}

TEST(TwilioWords, CallbacksAreRead) {
  const auto callback =
      read_callback({{"CallSid", "CA1"}, {"AccountSid", "AC1"}, {"CallStatus", "ringing"}, {"SequenceNumber", "0"}});
  ASSERT_TRUE(callback);
  EXPECT_EQ(callback->call_sid, "CA1");
  EXPECT_EQ(callback->account_sid, "AC1");
  EXPECT_EQ(callback->sequence, 1U) << "0 is none with us";
  EXPECT_EQ(callback->news, News{Rings{}});
  EXPECT_EQ(read_callback({{"CallSid", "CA1"}, {"CallStatus", "ringing"}})->sequence, 0U);
  EXPECT_EQ(read_callback({{"CallSid", "CA1"}, {"CallStatus", "ringing"}, {"SequenceNumber", "-1"}})->sequence, 0U);
  EXPECT_FALSE(read_callback({{"CallStatus", "ringing"}}));
  EXPECT_FALSE(read_callback({{"CallSid", "CA1"}}));
}

TEST(TwilioWords, RefusalsAreFaults) {
  const auto fault = [](int status, const char* json) { return read_refusal(status, json).fault; };
  EXPECT_EQ(fault(401, R"({"code":20003,"message":"Authenticate"})"), ProviderFault::Unauthorized);
  EXPECT_EQ(fault(401, "<html>"), ProviderFault::Unauthorized);
  EXPECT_EQ(fault(403, "{}"), ProviderFault::Unauthorized);
  EXPECT_EQ(fault(403, R"({"code":21215})"), ProviderFault::BadNumber) << "a country that this account may not call";
  EXPECT_EQ(fault(429, R"({"code":20429})"), ProviderFault::RateLimited);
  EXPECT_EQ(fault(429, ""), ProviderFault::RateLimited);
  EXPECT_EQ(fault(400, R"({"code":21211,"message":"The 'To' number +123 is not valid"})"), ProviderFault::BadNumber);
  EXPECT_EQ(fault(400, R"({"code":"21214"})"), ProviderFault::BadNumber);
  EXPECT_EQ(fault(400, R"({"code":21205})"), ProviderFault::Other);
  EXPECT_EQ(fault(404, ""), ProviderFault::Other);
  EXPECT_EQ(fault(500, ""), ProviderFault::Unreachable);
  EXPECT_EQ(fault(503, R"({"code":20503})"), ProviderFault::Unreachable);
  const Refusal refusal = read_refusal(400, R"({"code":21211,"message":"+491512345678 \n is bad"})");
  EXPECT_EQ(refusal.code, 21211U);
  EXPECT_EQ(refusal.message.find("49"), std::string::npos) << "it quotes numbers of telephones: " << refusal.message;
  EXPECT_EQ(refusal.message.find('\n'), std::string::npos);
}

TEST(TwilioWords, ResourcesAreRead) {
  const auto resource = read_resource(R"({"sid":"CA9","status":"queued","duration":null,"x":{"sid":"no"}})");
  ASSERT_TRUE(resource);
  EXPECT_EQ(resource->sid, "CA9");
  EXPECT_EQ(resource->news, News{TookOn{}});
  EXPECT_EQ(read_resource(R"({"sid":"CA9","status":"completed","duration":"7"})")->news,
            (News{Over{.how = Over::How::Hangup, .talked = seconds{7}}}));
  EXPECT_FALSE(read_resource(R"({"status":"queued"})"));
  EXPECT_FALSE(read_resource(R"({"sid":"CA/../9","status":"queued"})")) << "it becomes a part of a path";
  EXPECT_FALSE(read_resource(R"({"sid":"CA9"})"));
  EXPECT_FALSE(read_resource(R"({"sid":"CA9","status":"queued")"));
}

TEST(TwilioWords, CallsAreAskedFor) {
  const Form form = create_form({.to = "+49", .from = "+1", .voice_url = "v", .status_url = "s"});
  EXPECT_EQ(value_of(form, "To"), "+49");
  EXPECT_EQ(value_of(form, "From"), "+1");
  EXPECT_EQ(value_of(form, "Url"), "v");
  EXPECT_EQ(value_of(form, "StatusCallback"), "s");
  EXPECT_EQ(value_of(form, "Timeout"), "60");
  const std::string text = write_form(form);
  EXPECT_NE(text.find("StatusCallbackEvent=initiated&StatusCallbackEvent=ringing&StatusCallbackEvent=answered&"
                      "StatusCallbackEvent=completed"),
            std::string::npos)
      << text;
}

TEST(TwilioWords, TwimlIsEscaped) {
  const std::string twiml = twiml_stream("wss://a/b", "https://a/v?call=1&x=\"<2>");
  EXPECT_NE(twiml.find(R"(<Connect><Stream url="wss://a/b"/></Connect>)"), std::string::npos) << twiml;
  EXPECT_NE(twiml.find(R"(<Redirect method="POST">https://a/v?call=1&amp;x=&quot;&lt;2&gt;</Redirect>)"),
            std::string::npos)
      << twiml;
  EXPECT_NE(twiml_reject(Refuse::Busy).find(R"(<Response><Reject reason="busy"/></Response>)"), std::string::npos);
}

// ---- Media Streams --------------------------------------------------------------------------------------------------

TEST(TwilioStreamWords, AreRead) {
  const auto start = read_stream_message(
      R"({"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",)"
      R"("tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},)"
      R"("customParameters":{}},"streamSid":"MZ1"})");
  ASSERT_TRUE(start && std::holds_alternative<StreamStarts>(*start));
  const auto& starts = std::get<StreamStarts>(*start);
  EXPECT_EQ(starts.stream_sid, "MZ1");
  EXPECT_EQ(starts.call_sid, "CA1");
  EXPECT_EQ(starts.account_sid, "AC1");
  EXPECT_TRUE(starts.is_ulaw);
  const auto other = read_stream_message(
      R"({"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-l16","sampleRate":16000}}})");
  EXPECT_FALSE(std::get<StreamStarts>(*other).is_ulaw);

  const auto sound = read_stream_message(
      R"({"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"2","timestamp":"25",)"
      R"("payload":"//8="},"streamSid":"MZ1"})");
  ASSERT_TRUE(sound && std::holds_alternative<StreamSound>(*sound));
  EXPECT_EQ(std::get<StreamSound>(*sound).timestamp_ms, 25U);
  EXPECT_EQ(std::get<StreamSound>(*sound).payload, "//8=");
  const auto ours = read_stream_message(R"({"event":"media","media":{"track":"outbound","payload":""}})");
  EXPECT_TRUE(std::holds_alternative<StreamOther>(*ours)) << "what we said ourselves";

  const auto digit = read_stream_message(R"({"event":"dtmf","dtmf":{"track":"inbound_track","digit":"#"}})");
  EXPECT_EQ(std::get<StreamDigit>(*digit).digit, '#');
  EXPECT_TRUE(std::holds_alternative<StreamStops>(*read_stream_message(R"({"event":"stop","stop":{}})")));
  const auto mark = read_stream_message(R"({"event":"mark","streamSid":"MZ1","mark":{"name":"17"}})");
  EXPECT_EQ(std::get<StreamMark>(*mark).number, 17U);
  for (const char* text : {R"({"event":"connected","protocol":"Call","version":"1.0.0"})",
                           R"({"event":"mark","mark":{"name":"x"}})", R"({"event":"mark"})", R"({"event":"news"})"}) {
    EXPECT_TRUE(std::holds_alternative<StreamOther>(*read_stream_message(text))) << text;
  }
}

TEST(TwilioStreamWords, AreRefusedWhenTheyLackSomething) {
  for (const char* text :
       {"", "[]", "{}", R"({"event":1})", R"({"event":"media"})", R"({"event":"media","media":{}})",
        R"({"event":"media","media":"x"})", R"({"event":"dtmf","dtmf":{"digit":"12"}})",
        R"({"event":"dtmf","dtmf":{"digit":"x"}})", R"({"event":"start","start":{}})",
        R"({"event":"start","start":{"streamSid":"a\"b"}})", R"({"event":"media","media":{"payload":1}})"}) {
    EXPECT_FALSE(read_stream_message(text)) << text;
  }
}

TEST(TwilioStreamWords, AreWritten) {
  std::string text = "x";
  append_sound(text, "MZ1", as_bytes("\xFF\xFE"));
  EXPECT_EQ(text, R"(x{"event":"media","streamSid":"MZ1","media":{"payload":"//4="}})");
  text.clear();
  append_clear(text, "MZ1");
  EXPECT_EQ(text, R"({"event":"clear","streamSid":"MZ1"})");
}

TEST(Base64, IsReadIntoABuffer) {
  std::array<std::uint8_t, 4> buffer{};
  EXPECT_EQ(base64_decode("//4=", buffer), 2U);
  EXPECT_EQ(buffer[0], 0xFF);
  EXPECT_EQ(buffer[1], 0xFE);
  EXPECT_EQ(base64_decode("", buffer), 0U);
  for (const char* bad : {"//4", "//5=", "/===", "____", "//4=//4=", "AAAAAAAA", "=", "A A="}) {
    EXPECT_FALSE(base64_decode(bad, buffer)) << bad;
  }
}

}  // namespace
}  // namespace zvonok::voip_twilio
