// A provider of SIP with trunks on loopback, for tests of what is SIP's own.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "adapter/voip_sip/sip_provider.h"
#include "base/overloaded.h"
#include "contract/phone/fixture.h"
#include "contract/phone/sipp.h"

namespace zvonok::test {

inline voip_sip::Trunk trunk_at(std::uint16_t port) {
  voip_sip::Trunk trunk;
  trunk.host = "127.0.0.1";
  trunk.port = port;
  return trunk;
}

class SipWorld : public testing::Test {
 protected:
  SipWorld() {
    options_.agent.bind = IpAddress::v4(0x7F000001);
    options_.agent.port = free_port();
    options_.agent.keep_alive = Duration::zero();
    options_.agent.shutdown_patience = kShutdownPatience;
  }
  ~SipWorld() override {
    talkers_.clear();
    provider_.reset();
    world_.loop().discard_posted();
  }

  void start(std::vector<voip_sip::Trunk> trunks) {
    options_.agent.trunks = std::move(trunks);
    auto provider = voip_sip::SipProvider::create(options_, world_.loop(), log_);
    ASSERT_TRUE(provider.has_value()) << provider.error();
    provider_ = std::move(*provider);
    provider_->on_event([this](const call::phone::ProviderEvent& event) { story_[event.call] += word_of(event); });
    provider_->on_incoming([this](const call::phone::IncomingCall& call) {
      incoming_.push_back(call);
      return CallId{"in-" + std::to_string(incoming_.size())};
    });
  }
  void start(const Sipp& sipp) { start({trunk_at(sipp.port())}); }

  CallId dial(const std::string& number = "+491512345678") {
    const CallId call{"out-" + std::to_string(++dialed_)};
    provider_->dial(call, call::phone::PhoneNumber{number});
    take_line(call);
    return call;
  }
  void take_line(const CallId& call) {
    if (auto line = provider_->take_line(call)) talkers_[call] = std::make_unique<Talker>(media_, std::move(line));
  }
  /// What a provider does that starts where this one is dead, with the files that it has left.
  void inherit() {
    const Folder left;
    std::filesystem::copy(options_.agent.dialogs_folder, left.path(), std::filesystem::copy_options::recursive);
    EXPECT_FALSE(std::filesystem::is_empty(left.path()));
    voip_sip::SipOptions options = options_;
    options.agent.port = free_port();
    options.agent.dialogs_folder = left.path();
    auto heir = voip_sip::SipProvider::create(std::move(options), world_.loop(), log_);
    ASSERT_TRUE(heir.has_value()) << heir.error();
    EXPECT_TRUE(world_.wait([&] { return std::filesystem::is_empty(left.path()); })) << "each is told, and forgotten";
  }

  /// "took-on rings answered ": a word for each event.
  const std::string& story(const CallId& call) { return story_[call]; }
  bool wait_for(const CallId& call, std::string_view word, Duration patience = seconds{10}) {
    return world_.wait([&] { return story_[call].find(word) != std::string::npos; }, patience);
  }
  bool wait_for_log(const Sipp& sipp, std::string_view line, Duration patience = seconds{10}) {
    return world_.wait([&] { return sipp.count(line) > 0; }, patience);
  }
  Talker& talker(const CallId& call) { return *talkers_.at(call); }

  static std::string word_of(const call::phone::ProviderEvent& event) {
    using namespace call::phone;
    return std::visit(Overloaded{[](const TookOn&) { return std::string{"took-on "}; },
                                 [](const Rings&) { return std::string{"rings "}; },
                                 [](const Answered&) { return std::string{"answered "}; },
                                 [](const Over& over) {
                                   switch (over.how) {
                                     case Over::How::Hangup: return std::string{"hangup "};
                                     case Over::How::Busy: return std::string{"busy "};
                                     case Over::How::NoAnswer: return std::string{"no-answer "};
                                     case Over::How::Failed:
                                       return "failed:" + std::string{call::phone::to_text(over.fault)} + " ";
                                   }
                                   return std::string{"?"};
                                 }},
                      event.what);
  }

  PhoneWorld world_;
  MediaThread media_;
  KeptLines log_;
  voip_sip::SipOptions options_;
  std::unique_ptr<voip_sip::SipProvider> provider_;
  std::map<CallId, std::unique_ptr<Talker>> talkers_;
  std::map<CallId, std::string> story_;
  std::vector<call::phone::IncomingCall> incoming_;
  int dialed_ = 0;
};

}  // namespace zvonok::test
