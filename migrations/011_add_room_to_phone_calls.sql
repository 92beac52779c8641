-- Of a telephone that was invited into a room: 'chat' or 'group'; chat_id says which.
ALTER TABLE calls ADD COLUMN room_kind TEXT;
