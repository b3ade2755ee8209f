-- OAuth 2.0: the apps of third parties, what people granted them, and what came of it. Secrets, codes and
-- tokens are here as SHA-256 only; scopes are words with a space between.

CREATE TABLE apps (
    id TEXT PRIMARY KEY, -- the client_id
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret_hash BYTEA UNIQUE, -- null: a public client
    redirect_uris TEXT NOT NULL, -- JSON list
    scopes TEXT NOT NULL, -- the most that it may ask for
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX apps_of_org ON apps (org_id, id);

-- What a person allowed an app in one organization; or, where `own` is 1, what an app does for its own one.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, -- who answers for it
    own BIGINT NOT NULL CHECK (own IN (0, 1)),
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX grants_live ON grants (app_id, user_id, org_id, own) WHERE revoked_at IS NULL;
CREATE INDEX grants_of_org ON grants (org_id, id);
CREATE INDEX grants_of_user ON grants (user_id, id);

-- The tokens of one authorization. A refresh token that is shown twice ends them all.
CREATE TABLE token_families (
    id TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    nonce TEXT, -- for the ID token, as the app gave it
    logged_in_at BIGINT, -- when the person logged in who authorized it
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX token_families_of_grant ON token_families (grant_id);
CREATE INDEX token_families_by_age ON token_families (created_at);

CREATE TABLE authorization_codes (
    code_hash BYTEA PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    challenge TEXT, -- PKCE, S256
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);
CREATE INDEX authorization_codes_of_family ON authorization_codes (family_id);

CREATE TABLE oauth_tokens (
    token_hash BYTEA PRIMARY KEY,
    family_id TEXT NOT NULL REFERENCES token_families (id) ON DELETE CASCADE,
    refresh BIGINT NOT NULL CHECK (refresh IN (0, 1)),
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT -- a refresh token that another has replaced
);
CREATE INDEX oauth_tokens_of_family ON oauth_tokens (family_id);
CREATE INDEX oauth_tokens_by_expiry ON oauth_tokens (expires_at);

-- A device without a browser that waits for a person (RFC 8628).
CREATE TABLE device_codes (
    device_hash BYTEA PRIMARY KEY,
    user_hash BYTEA NOT NULL UNIQUE,
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE, -- null: the command line of wonder itself
    label TEXT NOT NULL, -- what the device calls itself
    address TEXT, -- where it asked from
    scopes TEXT NOT NULL,
    poll_interval BIGINT NOT NULL, -- milliseconds; grows when the device asks too often
    polled_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    refused_at BIGINT,
    approved_by TEXT REFERENCES users (id) ON DELETE CASCADE,
    family_id TEXT REFERENCES token_families (id) ON DELETE CASCADE -- approved for an app
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);

-- What ID tokens are signed with (ES256). The private half is in sealed_secrets.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY, -- the kid
    public_key BYTEA NOT NULL, -- a point of P-256, uncompressed: 65 bytes
    created_at BIGINT NOT NULL
);

-- By which grant a platform's own node came: it ends with that.
ALTER TABLE join_tokens ADD COLUMN grant_id TEXT REFERENCES grants (id) ON DELETE SET NULL;
CREATE INDEX join_tokens_of_grant ON join_tokens (grant_id);
