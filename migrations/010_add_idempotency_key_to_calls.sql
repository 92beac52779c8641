-- The Idempotency-Key of the request that began a phone call: the same request gets the same call after a restart, and
-- from another node.
ALTER TABLE calls ADD COLUMN idempotency_key TEXT;
CREATE INDEX calls_by_key ON calls (caller_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
