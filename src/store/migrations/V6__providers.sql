-- Log-ins at OpenID Connect providers.

-- Those that `wonder provider add` keeps; the settings file may name more. Client secrets are in sealed_secrets.
CREATE TABLE providers (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL
);

-- Who somebody is to an issuer. An account may have several.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_user ON identities (user_id);

-- A browser that is away at a provider. Kept for a while after its use, so that a second one is known as such.
CREATE TABLE login_states (
    state_hash BYTEA PRIMARY KEY,
    browser_hash BYTEA NOT NULL, -- of the secret in its cookie
    provider TEXT NOT NULL,
    next_path TEXT,
    link_to TEXT REFERENCES users (id) ON DELETE CASCADE, -- who wants this identity for their account
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX login_states_by_expiry ON login_states (expires_at);

-- Which session at a provider a log-in here came from, so that both can end together.
CREATE TABLE session_origins (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    sid TEXT,
    id_token TEXT NOT NULL -- over after minutes; names the session when its owner logs out
);
CREATE INDEX session_origins_of_subject ON session_origins (issuer, subject);

-- Logout tokens that were used, until they are over.
CREATE TABLE logout_tokens (
    issuer TEXT NOT NULL,
    token_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, token_id)
);
CREATE INDEX logout_tokens_by_expiry ON logout_tokens (expires_at);

-- Memberships that a provider's rules made, and may change and end. Others are never touched by rules.
CREATE TABLE ruled_memberships (
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    PRIMARY KEY (org_id, user_id),
    FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id) ON DELETE CASCADE
);
CREATE INDEX ruled_memberships_of_user ON ruled_memberships (user_id, issuer);
