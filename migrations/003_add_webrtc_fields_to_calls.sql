-- The browser's side of a phone call.
ALTER TABLE calls ADD COLUMN session_id TEXT;
ALTER TABLE calls ADD COLUMN sdp_offer TEXT;
ALTER TABLE calls ADD COLUMN sdp_answer TEXT;
