-- The history of calls of every kind. No foreign keys to users: the sides of a call may be users of a messenger that
-- this server does not keep. node is the server node that owns the call while it is open.
CREATE TABLE calls (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  caller_id TEXT NOT NULL,
  callee_id TEXT NOT NULL,
  chat_id TEXT,
  started_at BIGINT NOT NULL,
  ringing_at BIGINT,
  answered_at BIGINT,
  ended_at BIGINT,
  end_reason TEXT,
  duration_seconds BIGINT NOT NULL,
  node TEXT NOT NULL
);
-- A user's history is read as two ranges, one of each index, newest first.
CREATE INDEX calls_by_caller ON calls (caller_id, started_at, id);
CREATE INDEX calls_by_callee ON calls (callee_id, started_at, id);
-- Open calls are few: this index stays small and serves the clean-up after a crash.
CREATE INDEX calls_open ON calls (node) WHERE state <> 'ended';
