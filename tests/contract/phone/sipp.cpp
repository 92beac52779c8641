// See sipp.h.
#include "contract/phone/sipp.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace zvonok::test {
namespace sipp {

std::string log(std::string_view text) {
  return "<nop><action><log message=\"" + std::string{text} + "\"/></action></nop>\n";
}

std::string recv_invite(std::string_view actions) {
  return "<recv request=\"INVITE\"><action>"
         "<ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"CSeq:\" assign_to=\"cseq\"/>"
         "<ereg regexp=\".*\" search_in=\"hdr\" header=\"Via\" assign_to=\"via\"/>"
         "<ereg regexp=\".*\" search_in=\"hdr\" header=\"From\" assign_to=\"from\"/>"
         "<ereg regexp=\"sip:[^>;]+\" search_in=\"hdr\" header=\"Contact:\" assign_to=\"target\"/>" +
         std::string{actions} + "<log message=\"begin\"/></action></recv>\n";
}

std::string recv(std::string_view request, std::string_view attributes) {
  if (request == "INVITE" && attributes.empty()) return recv_invite();
  return "<recv request=\"" + std::string{request} + "\" " + std::string{attributes} + "></recv>\n";
}

std::string recv_response(int status, std::string_view attributes) {
  return "<recv response=\"" + std::to_string(status) + "\" " + std::string{attributes} + "></recv>\n";
}

std::string sdp(std::string_view direction) {
  return "v=0\no=there 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n"
         "m=audio [media_port] RTP/AVP 0 8 101\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n"
         "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=" +
         std::string{direction} + "\n";
}

std::string respond(const Response& response) {
  std::string text = "<send><![CDATA[\nSIP/2.0 " + response.status + "\n" +
                     (response.to_invite ? "Via[$via]\nCSeq: [$cseq] INVITE\n" : "[last_Via:]\n[last_CSeq:]\n") +
                     "[last_From:]\n[last_To:]" + (response.has_tag ? "" : ";tag=[pid]T[call_number]") +
                     "\n[last_Call-ID:]\n";
  text +=
      "[last_Record-Route:]\nContact: <sip:there@[local_ip]:[local_port];transport=[transport]>\n" + response.headers;
  if (response.body == Body::None) return text + "Content-Length: 0\n\n]]></send>\n";
  return text + "Content-Type: application/sdp\nContent-Length: [len]\n\n" +
         (response.sdp.empty() ? sdp() : response.sdp) + "]]></send>\n";
}

std::string request(std::string_view method, int cseq, std::string_view more, std::string_view body) {
  // From and To change places: the dialog was begun by the other side.
  std::string text =
      (method == "ACK" ? "<send><![CDATA[\n" : "<send retrans=\"500\"><![CDATA[\n") + std::string{method} +
      " [$target] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
      "From: <sip:there@[local_ip]>;tag=[pid]T[call_number]\nTo[$from]\nCall-ID: [call_id]\nCSeq: " +
      std::to_string(cseq) + " " + std::string{method} +
      "\nMax-Forwards: 70\nContact: <sip:there@[local_ip]:[local_port];transport=[transport]>\n" + std::string{more};
  if (body.empty()) return text + "Content-Length: 0\n\n]]></send>\n";
  return text + "Content-Type: application/sdp\nContent-Length: [len]\n\n" + std::string{body} + "]]></send>\n";
}

std::string pause(int milliseconds) {
  return "<pause milliseconds=\"" + std::to_string(milliseconds) + "\"/>\n";
}

std::string label(int number) {
  return "<label id=\"" + std::to_string(number) + "\"/>\n";
}

std::string talk_until_bye() {
  return label(10) + recv("INVITE", "optional=\"true\" next=\"11\"") + recv("BYE", "next=\"12\"") + label(11) +
         respond({.status = "200 OK", .body = Body::Sdp}) + recv("ACK", "next=\"10\"") + label(12) +
         respond({.status = "200 OK"}) + log("end");
}

std::string cancelled() {
  return respond({.status = "200 OK"}) + respond({.status = "487 Request Terminated", .to_invite = true}) +
         recv("ACK") + log("end");
}

std::string invite(std::string_view body) {
  std::string text =
      "<send retrans=\"500\"><![CDATA[\nINVITE sip:+4930999888@[remote_ip]:[remote_port] SIP/2.0\n"
      "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
      "From: <sip:+491512345678@[local_ip]>;tag=[pid]U[call_number]\nTo: <sip:+4930999888@[remote_ip]>\n"
      "Call-ID: [call_id]\nCSeq: 1 INVITE\nContact: <sip:trunk@[local_ip]:[local_port]>\nMax-Forwards: 70\n";
  if (body.empty()) return text + "Content-Length: 0\n\n]]></send>\n";
  return text + "Content-Type: application/sdp\nContent-Length: [len]\n\n" + std::string{body} + "]]></send>\n";
}

std::string in_dialog(std::string_view method, int cseq, std::string_view body) {
  std::string text = std::string{method == "ACK" ? "<send>" : "<send retrans=\"500\">"} + "<![CDATA[\n" +
                     std::string{method} +
                     " [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
                     "From: <sip:+491512345678@[local_ip]>;tag=[pid]U[call_number]\n[last_To:]\nCall-ID: [call_id]\n"
                     "CSeq: " +
                     std::to_string(cseq) + " " + std::string{method} +
                     "\nContact: <sip:trunk@[local_ip]:[local_port]>\nMax-Forwards: 70\n";
  if (body.empty()) return text + "Content-Length: 0\n\n]]></send>\n";
  return text + "Content-Type: application/sdp\nContent-Length: [len]\n\n" + std::string{body} + "]]></send>\n";
}

std::string cancel() {
  return "<send><![CDATA[\nCANCEL sip:+4930999888@[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]\n[last_From:]\n"
         "To: <sip:+4930999888@[remote_ip]>\n[last_Call-ID:]\nCSeq: 1 CANCEL\nMax-Forwards: 70\n"
         "Content-Length: 0\n\n]]></send>\n";
}

std::string ack_refusal() {
  return "<send><![CDATA[\nACK sip:+4930999888@[remote_ip]:[remote_port] "
         "SIP/2.0\n[last_Via:]\n[last_From:]\n[last_To:]\n"
         "[last_Call-ID:]\nCSeq: 1 ACK\nMax-Forwards: 70\nContent-Length: 0\n\n]]></send>\n";
}

std::string answered() {
  return "<recv response=\"200\" rrs=\"true\"></recv>\n";
}

std::string ring_and_answer(int milliseconds) {
  // Whatever comes first; a CANCEL that meets the answer is too late.
  const std::string jump_to_end = "<nop next=\"99\"></nop>\n";
  return respond({.status = "180 Ringing"}) +
         recv("CANCEL", "timeout=\"" + std::to_string(milliseconds) + "\" ontimeout=\"2\" next=\"1\"") + label(1) +
         cancelled() + jump_to_end + label(2) + respond({.status = "200 OK", .body = Body::Sdp, .to_invite = true}) +
         recv("CANCEL", "optional=\"true\" next=\"3\"") + recv("ACK", "next=\"10\"") + label(3) +
         respond({.status = "200 OK"}) + recv("ACK") + talk_until_bye() + label(99);
}

}  // namespace sipp

Sipp::Sipp(const std::string& steps, const Options& options) {
  // SIPp wants variables used that are set, and set that are used.
  std::string used;
  for (const char* name : {"cseq", "via", "from", "target", "good"}) {
    if (!steps.contains("assign_to=\"" + std::string{name} + "\"")) continue;
    used += std::string{used.empty() ? "" : ","} + name;
  }
  const std::string scenario = folder_.write(
      "scenario.xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<scenario name=\"telephone\">\n" + steps +
                          (used.empty() ? std::string{} : "<Reference variables=\"" + used + "\"/>") + "</scenario>\n");
  std::vector<std::string> command{"sipp", "-sf", scenario, "-nostdin"};
  if (!options.calls.empty()) command.insert(command.end(), {options.calls, "-m", "1"});
  command.insert(command.end(), {"-i", options.address, "-p", std::to_string(port_), "-mi", options.address, "-mp",
                                 std::to_string(port_ + 2), "-rtp_echo", "-t", options.transport});
  command.insert(command.end(), {"-trace_logs", "-log_file", folder_.path("log"), "-trace_err", "-error_file",
                                 folder_.path("errors"), "-trace_msg", "-message_file", folder_.path("messages")});
  process_ = std::make_unique<Child>(std::move(command), folder_.path("output"));
  if (!options.calls.empty()) return;
  const int type = options.transport == "u1" ? SOCK_DGRAM : SOCK_STREAM;
  if (!process_->wait_until([&] { return is_bound(port_, type); }))
    ADD_FAILURE() << "SIPp does not listen: " << report();
}

std::size_t Sipp::count(std::string_view line) const {
  const std::string text = log();
  std::size_t found = 0;
  for (std::size_t at = text.find(line); at != std::string::npos; at = text.find(line, at + 1)) ++found;
  return found;
}

std::string Sipp::report() const {
  return folder_.read("errors") + folder_.read("messages") + folder_.read("output").substr(0, 2000);
}

}  // namespace zvonok::test
