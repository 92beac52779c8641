-- Groups of users. member_count is the number of the group's rows in group_members; it changes with them, under a lock
-- of the group's row.
CREATE TABLE chat_groups (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  member_count BIGINT NOT NULL
);
-- role is member, admin or owner. Users can't be deleted under a group: it would miscount, or be left without an owner.
CREATE TABLE group_members (
  group_id TEXT NOT NULL REFERENCES chat_groups (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id),
  role TEXT NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_by_user ON group_members (user_id, since, group_id);
CREATE INDEX group_members_by_time ON group_members (group_id, since, user_id);
