// Contract of PhoneNumberStore, and of CallStore::find_phone_user.
#include "contract/store/fixture.h"

namespace zvonok::test {
namespace {

using port::PhoneNumberOwner;
using port::StoreErrorKind;

class PhoneNumbers : public StoreContract {
 protected:
  static PhoneNumberOwner owner(const std::string& number, const std::string& user) {
    return {.number = number, .user = UserId{user}, .since = at(1)};
  }
  std::string user_of(const std::string& number) {
    const auto found = store().find_phone_user(number).value();
    return found ? found->value() : "nobody";
  }
};
ZVONOK_STORE_CONTRACT(PhoneNumbers);

TEST_P(PhoneNumbers, HaveOneUserEach) {
  EXPECT_EQ(user_of("+4930123456"), "nobody");
  ASSERT_STORED(store().put_phone_number(owner("+4930123456", "alice")));
  ASSERT_STORED(store().put_phone_number(owner("+4930123457", "alice")));
  ASSERT_STORED(store().put_phone_number(owner("1001", "bob")));
  EXPECT_EQ(user_of("+4930123456"), "alice");
  EXPECT_EQ(user_of("1001"), "bob") << "what a trunk calls it";
  EXPECT_EQ(user_of("+493012345"), "nobody") << "the whole number";
  ASSERT_STORED(store().put_phone_number(owner("+4930123456", "bob")));
  reopen();
  EXPECT_EQ(user_of("+4930123456"), "bob") << "a later owner takes it";
  ASSERT_STORED(store().remove_phone_number("+4930123456"));
  EXPECT_EQ(user_of("+4930123456"), "nobody");
  EXPECT_EQ(store().remove_phone_number("+4930123456").error().kind, StoreErrorKind::NotFound);
}

TEST_P(PhoneNumbers, ThatNobodyHasMayBeSomebodysAllTheSame) {
  ASSERT_STORED(store().put_phone_number(owner("*", "desk")));
  ASSERT_STORED(store().put_phone_number(owner("+4930123456", "alice")));
  EXPECT_EQ(user_of("+4930123456"), "alice");
  EXPECT_EQ(user_of("+4930999999"), "desk");
  EXPECT_EQ(user_of(""), "nobody") << "a text that can't be one is found nowhere";
  EXPECT_EQ(user_of(std::string{"\xff", 1}), "nobody");
}

TEST_P(PhoneNumbers, OfADisabledUserAreNobodys) {
  add_user("alice");
  ASSERT_STORED(store().put_phone_number(owner("+4930123456", "alice")));
  ASSERT_STORED(store().set_user_disabled(UserId{"alice"}, true));
  EXPECT_EQ(user_of("+4930123456"), "nobody");
  ASSERT_STORED(store().put_phone_number(owner("*", "desk")));
  EXPECT_EQ(user_of("+4930123456"), "desk");
  ASSERT_STORED(store().set_user_disabled(UserId{"alice"}, false));
  EXPECT_EQ(user_of("+4930123456"), "alice");
}

TEST_P(PhoneNumbers, AreListedPageByPage) {
  std::vector<PhoneNumberOwner> of_alice;
  for (int i = 0; i < 5; ++i) {
    const PhoneNumberOwner one = owner("+493000000" + std::to_string(i), i % 2 == 0 ? "alice" : "bob");
    ASSERT_STORED(store().put_phone_number(one));
    if (i % 2 == 0) of_alice.push_back(one);
  }
  const auto list = [&](const std::optional<UserId>& user) {
    return all_pages<PhoneNumberOwner>(
        [&](const port::PageRequest& page) { return store().list_phone_numbers(user, page); }, 2);
  };
  EXPECT_EQ(list(std::nullopt).size(), 5U);
  EXPECT_EQ(list(UserId{"alice"}), of_alice);
  EXPECT_TRUE(list(UserId{"carol"}).empty());
}

TEST_P(PhoneNumbers, OfTooMuchTextAreRefused) {
  EXPECT_EQ(store().put_phone_number(owner("", "alice")).error().kind, StoreErrorKind::Invalid);
  EXPECT_EQ(store().put_phone_number(owner("1001", "")).error().kind, StoreErrorKind::Invalid);
  EXPECT_EQ(store().put_phone_number(owner(std::string(129, '1'), "alice")).error().kind, StoreErrorKind::Invalid);
}

}  // namespace
}  // namespace zvonok::test
