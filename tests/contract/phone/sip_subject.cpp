// Trunks by SIP: their telephones are scenarios of SIPp, which echoes what it hears.
#include "adapter/voip_sip/sip_provider.h"
#include "contract/phone/fixture.h"
#include "contract/phone/sipp.h"

namespace zvonok::test {
namespace {

std::string steps_of(Telephone telephone) {
  using namespace sipp;
  const std::string invited = recv("INVITE");
  switch (telephone) {
    case Telephone::Answers: return invited + ring_and_answer(200);
    case Telephone::AnswersAndLeaves:
      return invited + respond({.status = "180 Ringing"}) + respond({.status = "200 OK", .body = Body::Sdp}) +
             recv("ACK") + pause(500) + request("BYE", 1) + recv_response(200) + log("end");
    case Telephone::RingsForever: return invited + respond({.status = "180 Ringing"}) + recv("CANCEL") + cancelled();
    case Telephone::Busy: return invited + respond({.status = "486 Busy Here"}) + recv("ACK") + log("end");
    case Telephone::NoSuchNumber: return invited + respond({.status = "404 Not Found"}) + recv("ACK") + log("end");
    case Telephone::Fails: return invited + respond({.status = "500 Server Error"}) + recv("ACK") + log("end");
    case Telephone::Unreachable: return {};
  }
  return {};
}

std::string steps_of(Caller caller) {
  using namespace sipp;
  const std::string begin = log("begin") + invite(sdp()) + recv_response(100, "optional=\"true\"");
  const std::string rings = recv_response(180, "optional=\"true\"");
  switch (caller) {
    case Caller::Talks:
      return begin + rings + recv_response(603, "optional=\"true\" next=\"20\"") +
             recv_response(480, "optional=\"true\" next=\"20\"") + answered() + in_dialog("ACK", 1) + recv("BYE") +
             respond({.status = "200 OK"}) + log("end") + "<nop next=\"99\"></nop>\n" + label(20) + ack_refusal() +
             log("end") + label(99);
    case Caller::Leaves:
      return begin + rings + answered() + in_dialog("ACK", 1) + pause(300) + in_dialog("BYE", 2) + recv_response(200) +
             log("end");
    case Caller::GivesUp:
      return begin + recv_response(180) + pause(200) + cancel() + recv_response(200) + recv_response(487) +
             ack_refusal() + log("end");
  }
  return {};
}

class SipSubject final : public PhoneSubject {
 public:
  SipSubject(Telephone telephone, SubjectParts parts) {
    std::uint16_t port = free_port();  // at which nobody is
    if (telephone != Telephone::Unreachable) {
      sipp_ = std::make_unique<Sipp>(steps_of(telephone));
      port = sipp_->port();
    }
    voip_sip::SipOptions options;
    options.agent.bind = IpAddress::v4(0x7F000001);
    options.agent.port = free_port();
    options.agent.shutdown_patience = kShutdownPatience;
    options.agent.keep_alive = Duration::zero();
    voip_sip::Trunk trunk;
    trunk.host = "127.0.0.1";
    trunk.port = port;
    options.agent.trunks = {trunk};
    auto provider = voip_sip::SipProvider::create(options, parts.loop, parts.log);
    if (!provider) throw std::runtime_error{provider.error()};
    provider_ = std::move(*provider);
  }
  ~SipSubject() override {
    provider_.reset();
    if (!testing::Test::HasFailure()) return;
    if (sipp_) std::fputs(sipp_->report().c_str(), stderr);
    if (caller_) std::fputs(caller_->report().c_str(), stderr);
  }

  [[nodiscard]] port::PhoneProvider& provider() override { return *provider_; }
  [[nodiscard]] call::phone::PhoneNumber number() const override { return call::phone::PhoneNumber{"+491512345678"}; }
  [[nodiscard]] bool has_sound() const override { return true; }
  void call_in(Caller caller) override {
    caller_ = std::make_unique<Sipp>(steps_of(caller),
                                     Sipp::Options{.calls = "127.0.0.1:" + std::to_string(provider_->port())});
  }
  [[nodiscard]] bool echoes_digits() const override { return true; }
  [[nodiscard]] std::optional<std::size_t> calls_there() override {
    if (!sipp_) return std::nullopt;
    const auto under_way = [](const Sipp& sipp) { return sipp.count("begin") - sipp.count("end"); };
    return under_way(*sipp_) + (caller_ ? under_way(*caller_) : 0);
  }

 private:
  std::unique_ptr<Sipp> sipp_;
  std::unique_ptr<Sipp> caller_;
  std::unique_ptr<voip_sip::SipProvider> provider_;
};

}  // namespace

std::unique_ptr<PhoneSubject> make_sip_subject(Telephone telephone, SubjectParts parts) {
  return std::make_unique<SipSubject>(telephone, parts);
}

}  // namespace zvonok::test
