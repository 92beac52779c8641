#include "call/presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zvonok::call {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr ConnectionId kOne{1};
constexpr ConnectionId kTwo{2};
constexpr ConnectionId kThree{3};
const UserId kAlice{"alice"};
const UserId kBob{"bob"};

Device device(ConnectionId id, const UserId& user, const char* name = "", Dialect dialect = Dialect::Pair) {
  return {.connection = id, .user = user, .name = DeviceName{name}, .dialect = dialect};
}

TEST(Presence, AUserIsOnlineFromTheFirstDeviceToTheLast) {
  Presence presence;
  EXPECT_FALSE(presence.is_online(kAlice));
  EXPECT_EQ(presence.connect(device(kOne, kAlice)), PresenceChange::CameOnline);
  EXPECT_EQ(presence.connect(device(kTwo, kAlice)), PresenceChange::None);
  EXPECT_EQ(presence.disconnect(kOne), PresenceChange::None);
  EXPECT_TRUE(presence.is_online(kAlice));
  EXPECT_EQ(presence.disconnect(kTwo), PresenceChange::WentOffline);
  EXPECT_FALSE(presence.is_online(kAlice));
  EXPECT_EQ(presence.disconnect(kTwo), PresenceChange::None);
  EXPECT_EQ(presence.online_user_count(), 0U);
  EXPECT_EQ(presence.connection_count(), 0U);
}

TEST(Presence, DevicesAreListedNewestFirstAndByDialect) {
  Presence presence;
  presence.connect(device(kThree, kAlice));
  presence.connect(device(kOne, kAlice));
  presence.connect(device(kTwo, kAlice, "", Dialect::SocketIo));
  EXPECT_THAT(presence.devices_of(kAlice, Dialect::Pair), ElementsAre(kOne, kThree));
  EXPECT_THAT(presence.devices_of(kAlice, Dialect::SocketIo), ElementsAre(kTwo));
  EXPECT_THAT(presence.devices_of(kBob, Dialect::Pair), IsEmpty());
  presence.disconnect(kOne);
  presence.disconnect(kThree);
  EXPECT_TRUE(presence.is_online(kAlice));
  EXPECT_FALSE(presence.has_device(kAlice, Dialect::Pair));
  EXPECT_TRUE(presence.has_device(kAlice, Dialect::SocketIo));
}

TEST(Presence, ANamedDeviceIsFoundByUserNameAndDialect) {
  Presence presence;
  presence.connect(device(kOne, kAlice, "phone"));
  presence.connect(device(kTwo, kAlice));
  EXPECT_EQ(presence.find_named(kAlice, DeviceName{"phone"}, Dialect::Pair), kOne);
  EXPECT_FALSE(presence.find_named(kAlice, DeviceName{"phone"}, Dialect::SocketIo));
  EXPECT_FALSE(presence.find_named(kAlice, DeviceName{"Phone"}, Dialect::Pair));
  EXPECT_FALSE(presence.find_named(kBob, DeviceName{"phone"}, Dialect::Pair));
  EXPECT_FALSE(presence.find_named(kAlice, DeviceName{""}, Dialect::Pair)) << "nameless devices are not one another";
  ASSERT_NE(presence.find(kTwo), nullptr);
  EXPECT_EQ(presence.find(kTwo)->user, kAlice);
  EXPECT_EQ(presence.find(kThree), nullptr);
}

TEST(Presence, AWatchListIsReplacedAsAWholeAndForgottenWithItsDevice) {
  Presence presence;
  presence.connect(device(kTwo, kBob));
  presence.connect(device(kOne, kBob));
  presence.watch(kTwo, {kAlice, kBob, kAlice});
  presence.watch(kOne, {kAlice});
  EXPECT_THAT(presence.watched_by(kTwo), ElementsAre(kAlice, kBob)) << "repeated users count once";
  EXPECT_THAT(presence.watchers_of(kAlice), ElementsAre(kOne, kTwo));
  presence.watch(kTwo, {kBob});
  EXPECT_THAT(presence.watchers_of(kAlice), ElementsAre(kOne));
  EXPECT_THAT(presence.watchers_of(kBob), ElementsAre(kTwo));
  presence.disconnect(kOne);
  EXPECT_THAT(presence.watchers_of(kAlice), IsEmpty());
  presence.watch(kTwo, {});
  EXPECT_THAT(presence.watched_by(kTwo), IsEmpty());
  EXPECT_EQ(presence.watched_user_count(), 0U);
}

}  // namespace
}  // namespace zvonok::call
