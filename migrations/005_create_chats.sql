-- Private chats: exactly one for two users, kept with first_user_id < second_user_id byte by byte.
CREATE TABLE private_chats (
  id TEXT NOT NULL PRIMARY KEY,
  first_user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  second_user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX private_chats_pair ON private_chats (first_user_id, second_user_id);
CREATE INDEX private_chats_by_first ON private_chats (first_user_id, created_at, id);
CREATE INDEX private_chats_by_second ON private_chats (second_user_id, created_at, id);
