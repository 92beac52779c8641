// A Store in memory that keeps every promise of port/store.h, for tests of what stands on it. Thread-safe.
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "port/store.h"

namespace zvonok::test {

class MemoryStore final : public port::Store {
 public:
  /// While down, every method fails with Unavailable and changes nothing.
  enum class Health { Up, Down };
  void set_health(Health health) {
    const std::lock_guard lock{mutex_};
    health_ = health;
  }
  /// Lets `calls` more calls pass, then is down until set_health(Up).
  void go_down_after(std::size_t calls) {
    const std::lock_guard lock{mutex_};
    calls_left_ = calls;
  }

  // ---- users -----------------------------------------------------------------------------------------------------
  port::StoreResult<void> create_user(const port::User& user) override {
    const std::lock_guard lock{mutex_};
    if (const auto ok = writable(user); !ok) return ok;
    if (users_.contains(user.id) || email_owner(user.email) != nullptr) return error(Kind::Conflict);
    users_.emplace(user.id, lower_cased(user));
    return {};
  }
  port::StoreResult<port::User> ensure_user(const port::User& user) override {
    const std::lock_guard lock{mutex_};
    if (const auto ok = writable(user); !ok) return fail(ok.error());
    if (const auto found = users_.find(user.id); found != users_.end()) return found->second;
    if (email_owner(user.email) != nullptr) return error(Kind::Conflict);
    return users_.emplace(user.id, lower_cased(user)).first->second;
  }
  port::StoreResult<std::optional<port::User>> find_user(const UserId& id) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    return find_in(users_, id);
  }
  port::StoreResult<std::optional<port::User>> find_user_by_email(std::string_view email) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const port::User* owner = email_owner(std::string{email});
    return owner == nullptr ? std::nullopt : std::optional{*owner};
  }
  port::StoreResult<port::Page<port::User>> list_users(const ListUsers& request) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const std::string part = folded(request.search);
    std::vector<port::User> rows;
    for (const auto& [id, user] : users_) {
      if (user.disabled && !request.include_disabled) continue;
      const bool hit = folded(user.display_name).find(part) != std::string::npos ||
                       folded(user.email.value_or("")).find(part) != std::string::npos;
      if (hit) rows.push_back(user);
    }
    std::sort(rows.begin(), rows.end(), [](const port::User& a, const port::User& b) {
      return std::pair{folded(a.display_name), a.id} < std::pair{folded(b.display_name), b.id};
    });
    return page_of(std::move(rows), request.page, "users:", [](const port::User& user) { return user.id.value(); });
  }
  port::StoreResult<void> set_user_disabled(const UserId& id, bool disabled) override {
    const std::lock_guard lock{mutex_};
    return change_user(id, [disabled](port::User& user) { user.disabled = disabled; });
  }
  port::StoreResult<void> set_display_name(const UserId& id, std::string_view name) override {
    const std::lock_guard lock{mutex_};
    if (up_peek() && !is_text(name, {0, port::kDisplayNameBytesMax})) return error(Kind::Invalid);
    return change_user(id, [name](port::User& user) { user.display_name = name; });
  }

  // ---- sessions --------------------------------------------------------------------------------------------------
  port::StoreResult<void> create_session(const port::Session& session, std::string_view refresh_hash) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    if (!is_id(session.id) || !is_id(refresh_hash)) return error(Kind::Invalid);
    if (!users_.contains(session.user)) return error(Kind::NotFound);
    if (sessions_.contains(session.id) || tokens_.contains(refresh_hash)) return error(Kind::Conflict);
    sessions_.emplace(session.id, SessionRow{session, std::nullopt});
    tokens_.emplace(refresh_hash, TokenRow{session.id, session.expires_at, Used::No});
    return {};
  }
  port::StoreResult<port::RotateResult> rotate_refresh(const port::RotateRequest& request) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    if (!is_id(request.new_hash)) return error(Kind::Invalid);
    const auto token = tokens_.find(request.old_hash);
    if (token == tokens_.end()) return port::RotateResult{};
    SessionRow& row = sessions_.at(token->second.session_id);
    if (row.revoked_at) return port::RotateResult{port::RotateOutcome::Revoked, row.session};
    if (token->second.used == Used::Yes) {
      row.revoked_at = request.now;
      return port::RotateResult{port::RotateOutcome::Reused, row.session};
    }
    if (request.now >= token->second.expires_at) return port::RotateResult{port::RotateOutcome::Expired, std::nullopt};
    if (tokens_.contains(request.new_hash)) return error(Kind::Conflict);
    token->second.used = Used::Yes;
    row.session.expires_at = request.new_expires_at;
    tokens_.emplace(request.new_hash, TokenRow{row.session.id, request.new_expires_at, Used::No});
    return port::RotateResult{port::RotateOutcome::Rotated, row.session};
  }
  port::StoreResult<std::optional<port::Session>> revoke_by_refresh(std::string_view hash, WallTime now) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto token = tokens_.find(hash);
    if (token == tokens_.end()) return std::nullopt;
    SessionRow& row = sessions_.at(token->second.session_id);
    if (!row.revoked_at) row.revoked_at = now;
    return row.session;
  }
  port::StoreResult<void> revoke_session(std::string_view session_id, WallTime now) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto found = sessions_.find(session_id);
    if (found != sessions_.end() && !found->second.revoked_at) found->second.revoked_at = now;
    return {};
  }
  port::StoreResult<std::vector<std::string>> revoke_user_sessions(const UserId& user, WallTime now) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::vector<std::string> revoked;
    for (auto& [id, row] : sessions_) {
      if (row.session.user != user || row.revoked_at) continue;
      row.revoked_at = now;
      revoked.push_back(id);
    }
    return revoked;
  }
  port::StoreResult<std::vector<port::RevokedSession>> revoked_since(WallTime since) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::vector<port::RevokedSession> revoked;
    for (const auto& [id, row] : sessions_) {
      if (row.revoked_at && *row.revoked_at >= since) revoked.push_back({id, *row.revoked_at});
    }
    std::stable_sort(revoked.begin(), revoked.end(),
                     [](const auto& a, const auto& b) { return a.revoked_at < b.revoked_at; });
    return revoked;
  }
  port::StoreResult<std::int64_t> purge_sessions(WallTime before) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto purged =
        std::erase_if(sessions_, [before](const auto& entry) { return entry.second.session.expires_at < before; });
    std::erase_if(tokens_, [this, before](const auto& entry) {
      return entry.second.expires_at < before || !sessions_.contains(entry.second.session_id);
    });
    return static_cast<std::int64_t>(purged);
  }

  // ---- calls -----------------------------------------------------------------------------------------------------
  port::StoreResult<void> save_calls(const std::vector<call::CallRecord>& records, std::string_view node) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const bool valid = is_id(node) && std::all_of(records.begin(), records.end(), is_valid_call);
    if (!valid) return error(Kind::Invalid);
    for (const call::CallRecord& record : records) save_call(record, node);
    return {};
  }
  port::StoreResult<port::Page<call::CallRecord>> list_calls(const UserId& user,
                                                             const port::PageRequest& page) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::vector<call::CallRecord> rows;
    for (const auto& [id, row] : calls_) {
      if (row.record.caller == user || row.record.callee == user) rows.push_back(row.record);
    }
    std::sort(rows.begin(), rows.end(), [](const call::CallRecord& a, const call::CallRecord& b) {
      return std::pair{a.started_at, a.id} > std::pair{b.started_at, b.id};
    });
    return page_of(std::move(rows), page, "calls:", [](const call::CallRecord& record) { return record.id.value(); });
  }
  /// Of the filter only the kind counts here: searching is the SQL store's, and its contract tests'.
  port::StoreResult<port::Page<call::CallRecord>> search_calls(const UserId& user, const port::CallFilter& filter,
                                                               const port::PageRequest& page) override {
    auto all = list_calls(user, page);
    if (all && filter.kind) std::erase_if(all->items, [&](const auto& record) { return record.kind != filter.kind; });
    return all;
  }
  port::StoreResult<std::vector<port::PhoneUsage>> phone_usage(WallTime) override {
    return std::vector<port::PhoneUsage>{};
  }
  port::StoreResult<std::optional<call::CallRecord>> find_call(const CallId& id) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto found = calls_.find(id);
    return found == calls_.end() ? std::nullopt : std::optional{found->second.record};
  }
  port::StoreResult<std::optional<call::CallRecord>> find_keyed_call(const UserId& user, std::string_view key,
                                                                     WallTime since) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::optional<call::CallRecord> newest;
    for (const auto& [id, row] : calls_) {
      const call::CallRecord& record = row.record;
      if (record.caller != user || !record.phone || record.phone->key != key || record.started_at < since) continue;
      if (!newest || newest->started_at <= record.started_at) newest = record;
    }
    return newest;
  }
  port::StoreResult<std::optional<UserId>> find_phone_user(std::string_view number) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    for (const std::string_view wanted : {number, std::string_view{"*"}}) {
      const auto owner = numbers_.find(wanted);
      if (owner == numbers_.end()) continue;
      const auto user = users_.find(owner->second.user);
      if (user == users_.end() || !user->second.disabled) return owner->second.user;
    }
    return std::nullopt;
  }
  port::StoreResult<void> put_phone_number(const port::PhoneNumberOwner& owner) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    numbers_[owner.number] = owner;
    return {};
  }
  port::StoreResult<void> remove_phone_number(std::string_view number) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    if (numbers_.erase(std::string{number}) == 0) return error(Kind::NotFound);
    return {};
  }
  port::StoreResult<port::Page<port::PhoneNumberOwner>> list_phone_numbers(const std::optional<UserId>& user,
                                                                           const port::PageRequest& page) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::vector<port::PhoneNumberOwner> rows;
    for (const auto& [number, owner] : numbers_) {
      if (!user || owner.user == *user) rows.push_back(owner);
    }
    return page_of(std::move(rows), page, "numbers", [](const port::PhoneNumberOwner& owner) { return owner.number; });
  }
  port::StoreResult<std::int64_t> settle_open_calls(std::string_view node, WallTime now,
                                                    Duration phone_call_max) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::int64_t settled = 0;
    for (auto& [id, row] : calls_) {
      call::CallRecord& record = row.record;
      if (row.node != node || record.state == call::CallState::Ended) continue;
      record.state = call::CallState::Ended;
      record.reason = call::EndReason::ServerShutdown;
      record.ended_at = std::max({now, record.started_at, record.answered_at.value_or(record.started_at)});
      if (record.kind == call::CallKind::Phone && record.answered_at) {
        record.ended_at =
            std::min(*record.ended_at, *record.answered_at + std::chrono::duration_cast<milliseconds>(phone_call_max));
      }
      if (record.answered_at) {
        record.duration_seconds = std::chrono::floor<seconds>(*record.ended_at - *record.answered_at).count();
      }
      ++settled;
    }
    return settled;
  }

  // ---- chats -----------------------------------------------------------------------------------------------------
  port::StoreResult<port::PrivateChat> ensure_private_chat(const port::PrivateChat& wanted) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    if (!is_id(wanted.id.value())) return error(Kind::Invalid);
    if (!users_.contains(wanted.first) || !users_.contains(wanted.second)) return error(Kind::NotFound);
    if (wanted.first == wanted.second) return error(Kind::Conflict);
    port::PrivateChat chat = wanted;
    if (chat.second < chat.first) std::swap(chat.first, chat.second);
    for (const auto& [id, known] : chats_) {
      if (known.first == chat.first && known.second == chat.second) return known;
    }
    if (!chats_.emplace(chat.id, chat).second) return error(Kind::Conflict);
    return chat;
  }
  port::StoreResult<std::optional<port::PrivateChat>> find_private_chat(const ChatId& id) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    return find_in(chats_, id);
  }
  port::StoreResult<port::Page<port::PrivateChat>> list_private_chats(const UserId& user,
                                                                      const port::PageRequest& page) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::vector<port::PrivateChat> rows;
    for (const auto& [id, chat] : chats_) {
      if (chat.first == user || chat.second == user) rows.push_back(chat);
    }
    std::sort(rows.begin(), rows.end(), [](const port::PrivateChat& a, const port::PrivateChat& b) {
      return std::pair{a.created_at, a.id} > std::pair{b.created_at, b.id};
    });
    return page_of(std::move(rows), page, "chats:", [](const port::PrivateChat& chat) { return chat.id.value(); });
  }

  // ---- groups ----------------------------------------------------------------------------------------------------
  port::StoreResult<port::GroupOutcome> create_group(const port::NewGroup& wanted) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const port::Group& group = wanted.group;
    const bool valid = is_id(group.id.value()) && is_text(group.title, {1, port::kGroupTitleBytesMax}) &&
                       is_id(group.created_by.value()) && wanted.members.size() <= port::kNewGroupMembersMax &&
                       std::all_of(wanted.members.begin(), wanted.members.end(),
                                   [](const UserId& user) { return is_id(user.value()); });
    if (!valid) return error(Kind::Invalid);
    std::set<UserId> everybody{wanted.members.begin(), wanted.members.end()};
    everybody.insert(group.created_by);
    for (const UserId& user : everybody) {
      if (!users_.contains(user)) return port::GroupOutcome::NoSuchUser;
    }
    for (const UserId& user : everybody) {
      if (in_too_many_groups(user)) return port::GroupOutcome::TooManyGroups;
    }
    const auto [made, is_new] = groups_.try_emplace(group.id, GroupRow{group, {}});
    if (!is_new) return port::GroupOutcome::IdTaken;
    for (const UserId& user : everybody) {
      const auto role = user == group.created_by ? port::GroupRole::Owner : port::GroupRole::Member;
      made->second.members[user] = MemberRow{role, group.created_at};
    }
    return port::GroupOutcome::Added;
  }
  port::StoreResult<std::optional<port::Membership>> find_membership(const port::GroupId& id,
                                                                     const UserId& user) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto found = groups_.find(id);
    if (found == groups_.end() || !found->second.members.contains(user)) return std::nullopt;
    return membership(found->second, user);
  }
  port::StoreResult<std::optional<port::GroupMember>> find_member(const port::GroupId& id,
                                                                  const UserId& user) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto found = groups_.find(id);
    if (found == groups_.end() || !found->second.members.contains(user)) return std::nullopt;
    return member(found->second, user);
  }
  port::StoreResult<port::Page<port::Membership>> list_groups(const UserId& user,
                                                              const port::PageRequest& page) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::vector<port::Membership> rows;
    for (const auto& [id, row] : groups_) {
      if (row.members.contains(user)) rows.push_back(membership(row, user));
    }
    std::sort(rows.begin(), rows.end(), [](const port::Membership& a, const port::Membership& b) {
      return std::pair{a.since, a.group.id} > std::pair{b.since, b.group.id};
    });
    return page_of(std::move(rows), page, "groups:", [](const port::Membership& row) { return row.group.id.value(); });
  }
  port::StoreResult<port::Page<port::GroupMember>> list_members(const port::GroupId& id,
                                                                const port::PageRequest& page) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    std::vector<port::GroupMember> rows;
    if (const auto found = groups_.find(id); found != groups_.end()) {
      for (const auto& [user, row] : found->second.members) rows.push_back(member(found->second, user));
    }
    std::sort(rows.begin(), rows.end(), [](const port::GroupMember& a, const port::GroupMember& b) {
      return std::pair{a.since, a.user} < std::pair{b.since, b.user};
    });
    return page_of(std::move(rows), page, "members:", [](const port::GroupMember& row) { return row.user.value(); });
  }
  port::StoreResult<port::GroupOutcome> rename_group(const port::GroupId& id, std::string_view title,
                                                     const std::optional<UserId>& by) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    if (!is_text(title, {1, port::kGroupTitleBytesMax})) return error(Kind::Invalid);
    const auto rights = rights_of(id, by);
    if (!rights) return port::GroupOutcome::NoSuchGroup;
    if (!port::may_rename_group(*rights)) return port::GroupOutcome::Forbidden;
    std::string& kept = groups_.at(id).group.title;
    if (kept == title) return port::GroupOutcome::Unchanged;
    kept = title;
    return port::GroupOutcome::Changed;
  }
  port::StoreResult<port::GroupOutcome> delete_group(const port::GroupId& id,
                                                     const std::optional<UserId>& by) override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto rights = rights_of(id, by);
    if (!rights) return port::GroupOutcome::NoSuchGroup;
    if (!port::may_delete_group(*rights)) return port::GroupOutcome::Forbidden;
    groups_.erase(id);
    return port::GroupOutcome::Changed;
  }
  port::StoreResult<port::GroupOutcome> put_member(const port::MemberChange& change) override {
    using port::GroupOutcome;
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    if (!is_id(change.user.value())) return error(Kind::Invalid);
    const auto rights = rights_of(change.group, change.by);
    if (!rights) return GroupOutcome::NoSuchGroup;
    GroupRow& group = groups_.at(change.group);
    const auto found = group.members.find(change.user);
    const auto current = found == group.members.end() ? std::nullopt : std::optional{found->second.role};
    const auto asker = change.by == change.user ? port::Asker::Self : port::Asker::Other;
    if (!port::may_set_role(*rights, asker, current, change.role)) return GroupOutcome::Forbidden;
    if (current == change.role) return GroupOutcome::Unchanged;
    if (current) {
      if (is_last_owner(group, change.user)) return GroupOutcome::LastOwner;
      found->second.role = change.role;
      return GroupOutcome::Changed;
    }
    if (!users_.contains(change.user)) return GroupOutcome::NoSuchUser;
    if (group.members.size() >= port::kGroupMembersMax) return GroupOutcome::GroupFull;
    if (in_too_many_groups(change.user)) return GroupOutcome::TooManyGroups;
    group.members[change.user] = MemberRow{change.role, change.now};
    return GroupOutcome::Added;
  }
  port::StoreResult<port::GroupOutcome> remove_member(const port::MemberRemoval& removal) override {
    using port::GroupOutcome;
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    const auto rights = rights_of(removal.group, removal.by);
    if (!rights) return GroupOutcome::NoSuchGroup;
    GroupRow& group = groups_.at(removal.group);
    const auto found = group.members.find(removal.user);
    if (found == group.members.end()) return GroupOutcome::NoSuchMember;
    const auto asker = removal.by == removal.user ? port::Asker::Self : port::Asker::Other;
    if (!port::may_remove_member(*rights, asker, found->second.role)) return GroupOutcome::Forbidden;
    if (is_last_owner(group, removal.user)) return GroupOutcome::LastOwner;
    group.members.erase(found);
    return GroupOutcome::Changed;
  }

  port::StoreResult<void> ping() override {
    const std::lock_guard lock{mutex_};
    if (!up()) return error(Kind::Unavailable);
    return {};
  }

 private:
  using Kind = port::StoreErrorKind;
  enum class Used { No, Yes };
  struct SessionRow {
    port::Session session;
    std::optional<WallTime> revoked_at;
  };
  struct TokenRow {
    std::string session_id;
    WallTime expires_at{};
    Used used = Used::No;
  };
  struct CallRow {
    call::CallRecord record;
    std::string node;
  };
  struct MemberRow {
    port::GroupRole role = port::GroupRole::Member;
    WallTime since{};
  };
  struct GroupRow {
    port::Group group;
    std::map<UserId, MemberRow> members;
  };
  struct Sizes {
    std::size_t min = 0;
    std::size_t max = 0;
  };

  static std::unexpected<port::StoreError> error(Kind kind) {
    return fail(port::StoreError{.kind = kind, .detail = "memory store"});
  }
  /// Counts one call against go_down_after().
  bool up() {
    if (calls_left_ && *calls_left_ == 0) {
      health_ = Health::Down;
      calls_left_.reset();
    }
    if (calls_left_) --*calls_left_;
    return up_peek();
  }
  [[nodiscard]] bool up_peek() const { return health_ == Health::Up; }

  static bool is_text(std::string_view text, Sizes sizes) {
    return text.size() >= sizes.min && text.size() <= sizes.max && text.find('\0') == std::string_view::npos &&
           is_utf8(text);
  }
  static bool is_id(std::string_view text) { return is_text(text, {1, port::kIdBytesMax}); }
  static bool is_valid_call(const call::CallRecord& record) {
    return is_id(record.id.value()) && is_text(record.caller.value(), {0, port::kIdBytesMax}) &&
           is_text(record.callee.value(), {0, port::kIdBytesMax}) && (!record.chat || is_id(record.chat->value()));
  }
  /// RFC 3629 section 4.
  static bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
      const auto lead = static_cast<unsigned char>(text[i]);
      const std::size_t size = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
      if (size == 0 || i + size > text.size()) return false;
      for (std::size_t k = 1; k < size; ++k) {
        if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
      }
      const auto second = size > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
      if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
          (lead == 0xF4 && second > 0x8F)) {
        return false;
      }
      i += size;
    }
    return true;
  }
  /// Lower case of ASCII, Latin-1, Greek and Cyrillic letters; all of these have two bytes at most.
  static std::string folded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      unsigned c = static_cast<unsigned char>(text[i]);
      if (c < 0x80) {
        out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        continue;
      }
      if ((c & 0xE0) != 0xC0 || i + 1 >= text.size()) {
        out += text[i];
        continue;
      }
      c = (c & 0x1F) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F);
      const bool latin = c >= 0xC0 && c <= 0xDE && c != 0xD7;
      const bool greek = c >= 0x391 && c <= 0x3A9;
      const bool cyrillic = c >= 0x410 && c <= 0x42F;
      if (latin || greek || cyrillic) c += 0x20;
      if (c >= 0x400 && c <= 0x40F) c += 0x50;
      out += static_cast<char>(0xC0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3F));
    }
    return out;
  }
  static std::string ascii_lower(std::string text) {
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return text;
  }
  static port::User lower_cased(port::User user) {
    if (user.email) user.email = ascii_lower(*user.email);
    return user;
  }

  port::StoreResult<void> writable(const port::User& user) {
    if (!up()) return error(Kind::Unavailable);
    const bool valid = is_id(user.id.value()) && (!user.email || is_text(*user.email, {1, port::kEmailBytesMax})) &&
                       is_text(user.display_name, {0, port::kDisplayNameBytesMax}) &&
                       is_text(user.password_hash, {0, port::kPasswordHashBytesMax});
    if (!valid) return error(Kind::Invalid);
    return {};
  }
  const port::User* email_owner(const std::optional<std::string>& email) const {
    if (!email) return nullptr;
    const std::string wanted = ascii_lower(*email);
    const auto found = std::find_if(users_.begin(), users_.end(),
                                    [&wanted](const auto& entry) { return entry.second.email == wanted; });
    return found == users_.end() ? nullptr : &found->second;
  }
  port::StoreResult<void> change_user(const UserId& id, const std::function<void(port::User&)>& change) {
    if (!up()) return error(Kind::Unavailable);
    const auto found = users_.find(id);
    if (found == users_.end()) return error(Kind::NotFound);
    change(found->second);
    return {};
  }
  void save_call(const call::CallRecord& record, std::string_view node) {
    const auto [entry, is_new] = calls_.try_emplace(record.id, CallRow{record, std::string{node}});
    call::CallRecord& kept = entry->second.record;
    if (is_new || kept.state == call::CallState::Ended) return;
    entry->second.node = node;
    kept.state = std::max(kept.state, record.state);
    if (!kept.ringing_at) kept.ringing_at = record.ringing_at;
    if (!kept.answered_at) kept.answered_at = record.answered_at;
    if (!kept.ended_at) kept.ended_at = record.ended_at;
    if (!kept.reason) kept.reason = record.reason;
    kept.duration_seconds = std::max(kept.duration_seconds, record.duration_seconds);
    kept.tunnel = record.tunnel;
  }
  /// The rights of the one who asks; nullopt for a stranger, and when there is no such group.
  std::optional<port::GroupRole> rights_of(const port::GroupId& id, const std::optional<UserId>& by) const {
    const auto group = groups_.find(id);
    if (group == groups_.end()) return std::nullopt;
    if (!by) return port::GroupRole::Owner;
    const auto member_row = group->second.members.find(*by);
    return member_row == group->second.members.end() ? std::nullopt : std::optional{member_row->second.role};
  }
  static bool is_last_owner(const GroupRow& group, const UserId& user) {
    if (group.members.at(user).role != port::GroupRole::Owner) return false;
    return std::none_of(group.members.begin(), group.members.end(), [&user](const auto& entry) {
      return entry.first != user && entry.second.role == port::GroupRole::Owner;
    });
  }
  bool in_too_many_groups(const UserId& user) const {
    const auto in = std::count_if(groups_.begin(), groups_.end(),
                                  [&user](const auto& entry) { return entry.second.members.contains(user); });
    return static_cast<std::size_t>(in) >= port::kGroupsPerUserMax;
  }
  static port::Membership membership(const GroupRow& row, const UserId& user) {
    const MemberRow& own = row.members.at(user);
    port::Membership out{.group = row.group, .role = own.role, .since = own.since};
    out.group.member_count = static_cast<std::int64_t>(row.members.size());
    return out;
  }
  port::GroupMember member(const GroupRow& row, const UserId& user) const {
    const MemberRow& own = row.members.at(user);
    return {.user = user, .display_name = users_.at(user).display_name, .role = own.role, .since = own.since};
  }
  template <class Id, class Row>
  static std::optional<Row> find_in(const std::map<Id, Row>& rows, const Id& id) {
    const auto found = rows.find(id);
    return found == rows.end() ? std::nullopt : std::optional{found->second};
  }
  /// A cursor is the listing's name and the id of the last row that was given out.
  template <class Row, class IdOf>
  static port::Page<Row> page_of(std::vector<Row> rows, const port::PageRequest& request, std::string_view listing,
                                 IdOf id_of) {
    std::size_t begin = 0;
    if (!request.after.empty()) {
      const auto last = std::find_if(
          rows.begin(), rows.end(), [&](const Row& row) { return request.after == std::string{listing} + id_of(row); });
      if (last == rows.end()) return {};
      begin = static_cast<std::size_t>(last - rows.begin()) + 1;
    }
    const std::size_t limit = std::clamp<std::size_t>(request.limit, 1, port::kPageLimitMax);
    const std::size_t end = std::min(rows.size(), begin + limit);
    port::Page<Row> page;
    for (std::size_t i = begin; i < end; ++i) page.items.push_back(std::move(rows[i]));
    if (end < rows.size()) page.next = std::string{listing} + id_of(page.items.back());
    return page;
  }

  std::mutex mutex_;
  Health health_ = Health::Up;
  std::optional<std::size_t> calls_left_;
  std::map<UserId, port::User> users_;
  std::map<std::string, SessionRow, std::less<>> sessions_;
  std::map<std::string, TokenRow, std::less<>> tokens_;
  std::map<CallId, CallRow> calls_;
  std::map<std::string, port::PhoneNumberOwner, std::less<>> numbers_;
  std::map<ChatId, port::PrivateChat> chats_;
  std::map<port::GroupId, GroupRow> groups_;
};

}  // namespace zvonok::test
