-- Everybody who can log in, or was provisioned from a messenger's token. Times are Unix milliseconds.
-- name_key is the display name folded to lower case by the server: the order and the search of the listing.
CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT,
  display_name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  disabled SMALLINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);
CREATE INDEX users_by_name ON users (name_key, id);
