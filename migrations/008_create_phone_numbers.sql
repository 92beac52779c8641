-- Whose telephone numbers: who is rung when one of them is called. '*' has every number that nobody else has. A user of
-- a messenger may have no row in users.
CREATE TABLE phone_numbers (
  number TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX phone_numbers_by_user ON phone_numbers (user_id, number);
