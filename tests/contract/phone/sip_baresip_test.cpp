// A real softphone as the telephone: baresip answers by itself, and plays a tone or what it hears.
#include "contract/phone/baresip.h"
#include "contract/phone/sip_world.h"

namespace zvonok::test {
namespace {

constexpr double kItsTone = Baresip::kToneHz;
constexpr double kOurTone = 1000;

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
    const std::size_t before = talker(call).heard();
    EXPECT_TRUE(world_.wait([&] { return talker(call).heard() > before + 8000 && talker(call).hears(hz) > 0.8; }));
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
