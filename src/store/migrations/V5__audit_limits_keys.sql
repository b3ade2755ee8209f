-- The audit trail: results, and the chain. That rows stay as they are written is seen to by triggers, whose
-- text each engine has for itself (append_only.*.sql).
ALTER TABLE audit_events ADD COLUMN code TEXT; -- of the error, where it was refused; null: it was done
ALTER TABLE audit_events ADD COLUMN unwritten BIGINT NOT NULL DEFAULT 0; -- refusals since the row before, for which there was no room

-- Events that are committed and not linked yet: those of before the chain first.
CREATE TABLE audit_unlinked (
    event_id TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);
INSERT INTO audit_unlinked (event_id, at) SELECT id, at FROM audit_events;
CREATE INDEX audit_unlinked_by_time ON audit_unlinked (at, event_id);

-- The chain. Time and organization are copies, to find events by.
CREATE TABLE audit_links (
    seq BIGINT PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    org_id TEXT,
    hash BYTEA NOT NULL,
    stamp BYTEA -- on the last link of each batch: HMAC under the coordinator's audit key
);
CREATE INDEX audit_links_by_time ON audit_links (at, seq);
CREATE INDEX audit_links_of_org ON audit_links (org_id, seq);

-- Where the retention has cut the chain: the last link that is gone.
CREATE TABLE audit_cuts (
    seq BIGINT PRIMARY KEY,
    hash BYTEA NOT NULL,
    stamp BYTEA,
    at BIGINT NOT NULL
);

-- Whoever links holds this row: one at a time.
INSERT INTO counters (name, value) VALUES ('audit', 0);

-- API keys: where the last use came from.
ALTER TABLE api_keys ADD COLUMN last_used_from TEXT;
-- When the secret that is good now was made; null: never rotated since it was made.
ALTER TABLE api_keys ADD COLUMN rotated_at BIGINT;

-- How old the secret of an API key may get before its owner is warned, in milliseconds; no row: never.
CREATE TABLE key_policies (
    org_id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    max_age BIGINT NOT NULL CHECK (max_age > 0),
    warn_before BIGINT NOT NULL CHECK (warn_before >= 0)
);
