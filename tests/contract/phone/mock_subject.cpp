// The mock: its telephones are numbers (docs/protocol/phone.md).
#include "adapter/voip_mock/mock_provider.h"
#include "contract/phone/fixture.h"

namespace zvonok::test {
namespace {

std::string number_of(Telephone telephone) {
  switch (telephone) {
    case Telephone::Answers: return "+15005550123";
    case Telephone::AnswersAndLeaves: return "+15005550006";
    case Telephone::RingsForever: return "+15005550002";
    case Telephone::Busy: return "+15005550001";
    case Telephone::NoSuchNumber: return "+15005550003";
    case Telephone::Fails: return "+15005550004";
    case Telephone::Unreachable: return "+15005550007";
  }
  return {};
}

// Its rules are slow enough to be watched by people.
constexpr int kHurry = 4;

std::string number_of(Caller caller) {
  switch (caller) {
    case Caller::Talks: return "+15005550010";
    case Caller::Leaves: return "+15005550012";
    case Caller::GivesUp: return "+15005550011";
  }
  return {};
}

class MockSubject final : public PhoneSubject {
 public:
  MockSubject(Telephone telephone, SubjectParts parts)
      : provider_{parts.loop, parts.log, kHurry}, number_{number_of(telephone)} {}

  [[nodiscard]] port::PhoneProvider& provider() override { return provider_; }
  [[nodiscard]] call::phone::PhoneNumber number() const override { return number_; }
  [[nodiscard]] bool has_sound() const override { return true; }
  void call_in(Caller caller) override {
    provider_.dial(CallId{"asks to be called back"}, call::phone::PhoneNumber{number_of(caller)});
  }

 private:
  voip_mock::MockProvider provider_;
  call::phone::PhoneNumber number_;
};

}  // namespace

std::unique_ptr<PhoneSubject> make_mock_subject(Telephone telephone, SubjectParts parts) {
  return std::make_unique<MockSubject>(telephone, parts);
}

}  // namespace zvonok::test
