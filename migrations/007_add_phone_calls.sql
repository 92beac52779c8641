-- The telephone on the other side of a phone call: E.164 with its plus. Its side has no user id.
ALTER TABLE calls ADD COLUMN phone_number TEXT;
-- What the day has cost so far is summed up when the server starts.
CREATE INDEX calls_phone ON calls (started_at) WHERE kind = 'phone';
