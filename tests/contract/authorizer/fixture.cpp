// See fixture.h.
#include "contract/authorizer/fixture.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <boost/json.hpp>

#include "adapter/authorizer_http/http_authorizer.h"
#include "adapter/authorizer_store/store_authorizer.h"
#include "adapter/authorizer_token/token_authorizer.h"
#include "base/check.h"
#include "base/overloaded.h"
#include "contract/authorizer/http_stub.h"
#include "support/memory_store.h"

namespace zvonok::test {
namespace {

namespace json = boost::json;

class StoreSubject final : public AuthorizerSubject {
 public:
  StoreSubject() { add_user("the-owner"); }

  void let_in(const call::RoomKey& room, const UserId& user, call::RoomRole role) override {
    add_user(user.value());
    switch (room.kind) {
      case call::RoomKind::Chat: {
        // The other side of the chat is somebody else for each chat: two users have one chat only.
        const std::string partner = "partner-of-" + user.value() + "-in-" + room.id.value();
        add_user(partner);
        const auto made = store_.ensure_private_chat(
            {.id = room.id, .first = user, .second = UserId{partner}, .created_at = WallTime{}});
        ZVONOK_CHECK(made && made->id == room.id);
        return;
      }
      case call::RoomKind::Group: {
        const port::GroupId id{room.id.value()};
        const auto made = store_.create_group(
            {.group = {.id = id, .title = "t", .created_by = UserId{"the-owner"}, .created_at = WallTime{}},
             .members = {}});
        const auto put = store_.put_member(
            {.group = id, .user = user, .role = group_role(role), .now = WallTime{}, .by = std::nullopt});
        ZVONOK_CHECK(made && put);
        return;
      }
    }
  }
  void keep_out(const call::RoomKey& room, const UserId& user) override {
    const auto removed =
        store_.remove_member({.group = port::GroupId{room.id.value()}, .user = user, .by = std::nullopt});
    ZVONOK_CHECK(removed == port::GroupOutcome::Changed);
  }
  bool set_broken(bool broken) override {
    store_.set_health(broken ? MemoryStore::Health::Down : MemoryStore::Health::Up);
    return true;
  }
  port::RoomAuthorizer& authorizer() override { return authorizer_; }
  std::string rooms_claim(const UserId&) override { return {}; }

 private:
  static port::GroupRole group_role(call::RoomRole role) {
    switch (role) {
      case call::RoomRole::Host: return port::GroupRole::Owner;
      case call::RoomRole::Moderator: return port::GroupRole::Admin;
      case call::RoomRole::Member: return port::GroupRole::Member;
    }
    std::abort();
  }
  void add_user(const std::string& id) {
    const auto user = store_.ensure_user({.id = UserId{id},
                                          .email = std::nullopt,
                                          .display_name = "Name of " + id,
                                          .password_hash = "",
                                          .disabled = false,
                                          .created_at = WallTime{}});
    ZVONOK_CHECK(user.has_value());
  }

  MemoryStore store_;
  authorizer_store::StoreAuthorizer authorizer_{store_};
};

/// Who is where, for the subjects that keep it in the test.
class Members {
 public:
  void put(const call::RoomKey& room, const UserId& user, call::RoomRole role) {
    const std::lock_guard lock{mutex_};
    roles_[{room, user}] = role;
  }
  void remove(const call::RoomKey& room, const UserId& user) {
    const std::lock_guard lock{mutex_};
    roles_.erase({room, user});
  }
  std::optional<call::RoomRole> find(const call::RoomKey& room, const UserId& user) const {
    const std::lock_guard lock{mutex_};
    const auto found = roles_.find({room, user});
    return found == roles_.end() ? std::nullopt : std::optional{found->second};
  }
  json::array entries_of(const UserId& user) const {
    const std::lock_guard lock{mutex_};
    json::array entries;
    for (const auto& [key, role] : roles_) {
      if (key.second != user) continue;
      entries.push_back(json::object{
          {"kind", call::to_text(key.first.kind)}, {"id", key.first.id.value()}, {"role", call::to_text(role)}});
    }
    return entries;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<call::RoomKey, UserId>, call::RoomRole> roles_;
};

class TokenSubject final : public AuthorizerSubject {
 public:
  void let_in(const call::RoomKey& room, const UserId& user, call::RoomRole role) override {
    members_.put(room, user, room.kind == call::RoomKind::Chat ? call::RoomRole::Moderator : role);
  }
  void keep_out(const call::RoomKey& room, const UserId& user) override { members_.remove(room, user); }
  bool set_broken(bool) override { return false; }
  port::RoomAuthorizer& authorizer() override { return authorizer_; }
  std::string rooms_claim(const UserId& user) override { return json::serialize(members_.entries_of(user)); }

 private:
  Members members_;
  authorizer_token::TokenAuthorizer authorizer_;
};

class HttpSubject final : public AuthorizerSubject {
 public:
  HttpSubject() {
    auto made = authorizer_http::HttpAuthorizer::create({.url = stub_.url(), .secret = {}, .ca_file = {}});
    ZVONOK_CHECK(made.has_value());
    authorizer_ = std::move(*made);
  }
  void let_in(const call::RoomKey& room, const UserId& user, call::RoomRole role) override {
    members_.put(room, user, room.kind == call::RoomKind::Chat ? call::RoomRole::Moderator : role);
  }
  void keep_out(const call::RoomKey& room, const UserId& user) override { members_.remove(room, user); }
  bool set_broken(bool broken) override {
    broken_ = broken;
    return true;
  }
  port::RoomAuthorizer& authorizer() override { return *authorizer_; }
  std::string rooms_claim(const UserId&) override { return {}; }

 private:
  StubReply answer(const StubRequest& request) {
    if (broken_) return {.bytes = http_response(500, "{}"), .afterwards = Afterwards::KeepOpen};
    const json::object asked = json::parse(request.body).as_object();
    const call::RoomKey room{
        .kind = asked.at("kind").as_string() == "chat" ? call::RoomKind::Chat : call::RoomKind::Group,
        .id = ChatId{std::string{asked.at("roomId").as_string()}}};
    const auto role = members_.find(room, UserId{std::string{asked.at("userId").as_string()}});
    if (!role) return {.bytes = http_response(403, ""), .afterwards = Afterwards::KeepOpen};
    const json::object body{{"allowed", true}, {"role", call::to_text(*role)}};
    return {.bytes = http_response(200, json::serialize(body)), .afterwards = Afterwards::KeepOpen};
  }

  Members members_;
  std::atomic<bool> broken_ = false;
  HttpStub stub_{[this](const StubRequest& request) { return answer(request); }};
  std::unique_ptr<authorizer_http::HttpAuthorizer> authorizer_;
};

}  // namespace

std::string to_text(AuthorizerKind kind) {
  switch (kind) {
    case AuthorizerKind::Store: return "store";
    case AuthorizerKind::Token: return "token";
    case AuthorizerKind::Http: return "http";
  }
  std::abort();
}

void PrintTo(AuthorizerKind kind, std::ostream* out) {
  *out << to_text(kind);
}

std::unique_ptr<AuthorizerSubject> make_subject(AuthorizerKind kind) {
  switch (kind) {
    case AuthorizerKind::Store: return std::make_unique<StoreSubject>();
    case AuthorizerKind::Token: return std::make_unique<TokenSubject>();
    case AuthorizerKind::Http: return std::make_unique<HttpSubject>();
  }
  std::abort();
}

std::string summary(const port::RoomAnswer& answer) {
  return std::visit(Overloaded{[](const port::RoomAllowed& allowed) {
                                 return std::string{allowed.role ? call::to_text(*allowed.role) : "allowed"};
                               },
                               [](port::RoomDenied) { return std::string{"denied"}; },
                               [](const port::AuthorizerUnavailable&) { return std::string{"unavailable"}; }},
                    answer);
}

}  // namespace zvonok::test
