-- Second factors: codes by time (RFC 6238), passkeys (WebAuthn) and recovery codes, and the log-ins that wait for one.

-- When the owner of a log-in last showed who they are; null: when it began.
ALTER TABLE sessions ADD COLUMN proven_at BIGINT;

-- At most one an account. Its secret is in sealed_secrets.
CREATE TABLE totp (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT, -- null: no code of it has been shown yet, and it counts for nothing
    last_step BIGINT NOT NULL -- of the last code that was accepted: neither it nor an older one counts again
);

-- Those of an account are made together.
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential_id BYTEA NOT NULL UNIQUE, -- as its authenticator calls it
    public_key BYTEA NOT NULL, -- and what else never changes
    state BYTEA NOT NULL, -- the counter of its signatures, and what else changes with use
    transports BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkeys_of_user ON passkeys (user_id);

-- What a browser was asked to sign. Each counts once, for that browser alone.
CREATE TABLE passkey_challenges (
    challenge BYTEA PRIMARY KEY,
    browser_hash BYTEA NOT NULL, -- of what its forms are bound to
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE, -- who makes a passkey; null: one is to be shown
    state BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires_at);

-- Log-ins whose password was right, and whose second factor is still to come.
CREATE TABLE half_log_ins (
    token_hash BYTEA PRIMARY KEY, -- of the secret in the browser's cookie
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX half_log_ins_of_user ON half_log_ins (user_id);
CREATE INDEX half_log_ins_by_expiry ON half_log_ins (expires_at);
