// TURN credentials: what a TURN server that knows the secret computes itself.
#include <gtest/gtest.h>

#include "proto/turn/credential.h"

namespace zvonok::turn {
namespace {

TEST(TurnCredential, IsTheMacOfExpiryAndUser) {
  // printf '1433895918:alice' | openssl dgst -sha1 -hmac north -binary | base64
  const Credential credential = make_credential("north", "alice", 1433895918);
  EXPECT_EQ(credential.username, "1433895918:alice");
  EXPECT_EQ(credential.password, "RqMvcGPYTJMGThVLSi4amT4zFtI=");
}

TEST(TurnCredential, DiffersByUserTimeAndSecret) {
  const std::string base = make_credential("s", "a", 1).password;
  EXPECT_NE(make_credential("t", "a", 1).password, base);
  EXPECT_NE(make_credential("s", "b", 1).password, base);
  EXPECT_NE(make_credential("s", "a", 2).password, base);
}

}  // namespace
}  // namespace zvonok::turn
