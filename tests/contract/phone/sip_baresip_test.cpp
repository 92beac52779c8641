// A real softphone as the telephone: baresip answers by itself, and plays a tone or what it hears.
#include <vector>

#include <sys/socket.h>

#include "contract/phone/sip_world.h"
#include "support/self_signed.h"
#include "support/tone.h"

namespace zvonok::test {
namespace {

constexpr double kItsTone = 440;
constexpr double kOurTone = 1000;

class Baresip {
 public:
  enum class Says { ItsTone, WhatItHears };
  explicit Baresip(Says says, const std::string& account = "", const std::string& interface = "127.0.0.1") {
    const std::string source = says == Says::ItsTone ? "aufile," + write_tone() : std::string{"aubridge,itself"};
    const std::string port = std::to_string(port_);
    folder_.write("config", (interface.empty() ? "" : "net_interface " + interface) + "\nsip_listen 127.0.0.1:" + port +
                                "\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aufile.so\n"
                                "module aubridge.so\nmodule srtp.so\nmodule_app account.so\nmodule_app menu.so\n"
                                "audio_source " +
                                source + "\naudio_player aubridge,itself\nrtp_ports " + std::to_string(port_ + 1) +
                                "-" + std::to_string(port_ + 3) + "\nsip_certificate " + write_certificate() + "\n");
    folder_.write("accounts", "<sip:+491512345678@127.0.0.1:" + port + ">;regint=0;answermode=auto" + account + "\n");
    folder_.write("contacts", "");
    process_ = std::make_unique<Child>(std::vector<std::string>{"baresip", "-4", "-f", folder_.path(), "-s"},
                                       folder_.path("output"));
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool is_up() const { return is_bound(port_, SOCK_DGRAM); }
  /// The folder of the CA that its certificate is of, as the provider wants it.
  [[nodiscard]] const std::string& authority() const { return authority_.path(); }
  [[nodiscard]] std::string report() const { return folder_.read("output"); }

 private:
  /// For 127.0.0.1, with its key behind it.
  std::string write_certificate() {
    write_self_signed("127.0.0.1", authority_.path("cafile.pem"), folder_.path("key.pem"));
    return folder_.write("certificate.pem", authority_.read("cafile.pem") + folder_.read("key.pem"));
  }
  /// Twenty seconds of its tone as a WAV file: 8 kHz, one channel, 16 bits.
  std::string write_tone() {
    constexpr std::uint32_t kSamples = 20 * 8000;
    std::string wav = "RIFF....WAVEfmt ";
    const auto add = [&wav](std::uint32_t value, int bytes) {
      for (int i = 0; i < bytes; ++i) wav += static_cast<char>(value >> (8 * i));
    };
    add(16, 4);
    add(1, 2);
    add(1, 2);
    add(8000, 4);
    add(16000, 4);
    add(2, 2);
    add(16, 2);
    wav += "data";
    add(kSamples * 2, 4);
    for (const std::uint8_t byte : tone(port::G711::Ulaw, kItsTone, 0, kSamples)) {
      add(static_cast<std::uint32_t>(from_ulaw(byte)), 2);
    }
    for (int i = 0; i < 4; ++i) wav[4 + static_cast<std::size_t>(i)] = static_cast<char>((wav.size() - 8) >> (8 * i));
    return folder_.write("tone.wav", wav);
  }

  Folder folder_;
  Folder authority_;
  std::uint16_t port_ = free_port();
  std::unique_ptr<Child> process_;
};

class SipBaresip : public SipWorld {
 protected:
  /// A call to it while we say a tone; what is to be heard.
  void talk(Baresip& phone, voip_sip::Sealing sealing, double hz, bool nat = false) {
    ASSERT_TRUE(world_.wait([&] { return phone.is_up(); })) << phone.report();
    voip_sip::Trunk trunk = trunk_at(phone.port());
    trunk.sealing = sealing;
    trunk.nat = nat;
    start({trunk});
    const CallId call = dial();
    ASSERT_TRUE(wait_for(call, "answered")) << story(call) << phone.report();
    talker(call).speak(kOurTone);
    EXPECT_TRUE(world_.wait([&] { return talker(call).hears(hz) > 0.8; })) << talker(call).heard() << phone.report();
    // Steadily, and not for a lucky moment.
    world_.pass(seconds{1});
    EXPECT_GT(talker(call).hears(hz), 0.8);
    provider_->hang_up(call);
    world_.pass(milliseconds{100});
    EXPECT_EQ(provider_->sound().unsealed, 0U);
    EXPECT_EQ(provider_->sound().strangers, 0U);
  }
};

TEST_F(SipBaresip, IsHeard) {
  Baresip phone{Baresip::Says::ItsTone, ";audio_codecs=PCMU/8000/1"};
  talk(phone, voip_sip::Sealing::Off, kItsTone);
  ASSERT_FALSE(talkers_.empty());
  EXPECT_EQ(talkers_.begin()->second->law(), port::G711::Ulaw);
}

TEST_F(SipBaresip, IsHeardInALaw) {
  Baresip phone{Baresip::Says::ItsTone, ";audio_codecs=PCMA/8000/1"};
  talk(phone, voip_sip::Sealing::Off, kItsTone);
  ASSERT_FALSE(talkers_.empty());
  EXPECT_EQ(talkers_.begin()->second->law(), port::G711::Alaw);
}

TEST_F(SipBaresip, HearsUs) {
  Baresip phone{Baresip::Says::WhatItHears};
  talk(phone, voip_sip::Sealing::Off, kOurTone);
}

TEST_F(SipBaresip, HearsUsSealed) {
  Baresip phone{Baresip::Says::WhatItHears, ";mediaenc=srtp-mand"};
  talk(phone, voip_sip::Sealing::Required, kOurTone);
}

TEST_F(SipBaresip, IsHeardFromBehindANat) {
  // Left to itself it names the machine's address in the network, and its packets come from loopback.
  Baresip phone{Baresip::Says::WhatItHears, "", ""};
  talk(phone, voip_sip::Sealing::Off, kOurTone, true);
}

TEST_F(SipBaresip, IsCalledByTls) {
  Baresip phone{Baresip::Says::WhatItHears, ";mediaenc=srtp-mand"};
  ASSERT_TRUE(world_.wait([&] { return phone.is_up(); })) << phone.report();
  voip_sip::Trunk trunk = trunk_at(static_cast<std::uint16_t>(phone.port() + 1));
  trunk.transport = voip_sip::Transport::Tls;
  trunk.sealing = voip_sip::Sealing::Required;
  options_.agent.certificates = phone.authority();
  start({trunk});
  const CallId call = dial();
  ASSERT_TRUE(wait_for(call, "answered")) << story(call) << phone.report();
  talker(call).speak(kOurTone);
  EXPECT_TRUE(world_.wait([&] { return talker(call).hears(kOurTone) > 0.8; })) << phone.report();
  provider_->hang_up(call);
}

TEST_F(SipBaresip, OfAnotherCertificateIsNotCalled) {
  Baresip phone{Baresip::Says::WhatItHears};
  const Baresip other{Baresip::Says::WhatItHears};
  ASSERT_TRUE(world_.wait([&] { return phone.is_up(); })) << phone.report();
  voip_sip::Trunk trunk = trunk_at(static_cast<std::uint16_t>(phone.port() + 1));
  trunk.transport = voip_sip::Transport::Tls;
  options_.agent.certificates = other.authority();
  start({trunk});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed:unreachable")) << story(call) << phone.report();
}

TEST_F(SipBaresip, InClearIsNoTelephoneWhereSoundMustBeSealed) {
  Baresip phone{Baresip::Says::ItsTone};
  voip_sip::Trunk trunk = trunk_at(phone.port());
  trunk.sealing = voip_sip::Sealing::Required;
  ASSERT_TRUE(world_.wait([&] { return phone.is_up(); })) << phone.report();
  start({trunk});
  const CallId call = dial();
  EXPECT_TRUE(wait_for(call, "failed")) << story(call) << phone.report();
  EXPECT_EQ(talker(call).heard(), 0U);
}

}  // namespace
}  // namespace zvonok::test
