-- What a tunnelled call sent through its tunnels: how long they were there, and what each side sent and got. Bytes and
-- packets are known where the tunnel is this server's own.
ALTER TABLE calls ADD COLUMN tunnel_seconds BIGINT;
ALTER TABLE calls ADD COLUMN caller_bytes_sent BIGINT;
ALTER TABLE calls ADD COLUMN caller_packets_sent BIGINT;
ALTER TABLE calls ADD COLUMN caller_bytes_received BIGINT;
ALTER TABLE calls ADD COLUMN caller_packets_received BIGINT;
ALTER TABLE calls ADD COLUMN callee_bytes_sent BIGINT;
ALTER TABLE calls ADD COLUMN callee_packets_sent BIGINT;
ALTER TABLE calls ADD COLUMN callee_bytes_received BIGINT;
ALTER TABLE calls ADD COLUMN callee_packets_received BIGINT;
