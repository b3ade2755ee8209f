-- The shared dialect of SQLite and PostgreSQL. Ids are UUIDv7 as text; times are milliseconds since the
-- epoch; flags are 0 or 1; keys and hashes are bytes; lists are JSON text.

-- Numbers that the coordination protocol needs; never given twice.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('node', 0), ('user', 0);

-- What the coordinator must read back (its own private keys), sealed with the master key `key_id`.
CREATE TABLE sealed_secrets (
    name TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE, -- lower case
    password_hash TEXT, -- Argon2id; null for somebody who logs in elsewhere
    admin BIGINT NOT NULL CHECK (admin IN (0, 1)),
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT
);

-- The one-time code that makes the first account over HTTP; gone as soon as there is one.
CREATE TABLE setup_codes (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    code_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('cli', 'browser')),
    label TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX sessions_of_user ON sessions (user_id);

CREATE TABLE realms (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL UNIQUE, -- the DNS label of its domain
    next_address BIGINT NOT NULL, -- offset of the next address to give, from 100.64.0.0
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    realm_id TEXT NOT NULL UNIQUE REFERENCES realms (id),
    name TEXT NOT NULL,
    personal_of TEXT UNIQUE REFERENCES users (id), -- exactly one personal organization each
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);

CREATE TABLE memberships (
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_of_user ON memberships (user_id);

CREATE TABLE join_tokens (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    uses BIGINT, -- null: reusable
    used BIGINT NOT NULL DEFAULT 0 CHECK (used >= 0 AND (uses IS NULL OR used <= uses)),
    ephemeral BIGINT NOT NULL CHECK (ephemeral IN (0, 1)),
    tags TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX join_tokens_of_org ON join_tokens (org_id, id);

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    realm_id TEXT NOT NULL REFERENCES realms (id),
    owner_id TEXT NOT NULL REFERENCES users (id), -- who brought it in; tagged nodes answer to the realm
    machine_key BYTEA NOT NULL,
    node_key BYTEA NOT NULL UNIQUE,
    disco_key BYTEA NOT NULL,
    name TEXT NOT NULL, -- DNS label, unique in the realm
    renamed BIGINT NOT NULL DEFAULT 0 CHECK (renamed IN (0, 1)), -- a person chose the name: the device's own does not replace it
    address BIGINT NOT NULL, -- offset from 100.64.0.0
    tags TEXT NOT NULL,
    ephemeral BIGINT NOT NULL CHECK (ephemeral IN (0, 1)),
    hostinfo TEXT NOT NULL, -- JSON, as the device sent it, reduced to what is used
    endpoints TEXT NOT NULL, -- JSON list of address:port
    home_relay BIGINT NOT NULL, -- relay region, 0: none yet
    capability BIGINT NOT NULL, -- the client's capability version
    approved_routes TEXT NOT NULL, -- JSON list of CIDR
    created_at BIGINT NOT NULL,
    key_expires_at BIGINT, -- null: never
    first_seen_at BIGINT, -- first map stream; before it, others are not told of the node
    last_seen_at BIGINT,
    revision BIGINT NOT NULL, -- grows with each change, so that a late writer cannot undo a newer one
    UNIQUE (realm_id, machine_key),
    UNIQUE (realm_id, name),
    UNIQUE (realm_id, address)
);
CREATE INDEX nodes_of_realm ON nodes (realm_id, number);

-- One use of a join token. It is bound to the machine key that took it.
CREATE TABLE redemptions (
    id TEXT PRIMARY KEY,
    token_id TEXT NOT NULL REFERENCES join_tokens (id) ON DELETE CASCADE,
    auth_key_hash BYTEA UNIQUE, -- null: the token's own auth key was used directly
    worker_key_hash BYTEA UNIQUE, -- what the device shows for `worker status` and `worker leave`
    machine_key BYTEA, -- null: not registered yet
    node_id TEXT REFERENCES nodes (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, -- when an unregistered use goes back to the token
    UNIQUE (token_id, machine_key)
);
CREATE INDEX redemptions_unregistered ON redemptions (expires_at) WHERE machine_key IS NULL;
CREATE INDEX redemptions_of_node ON redemptions (node_id);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    previous_hash BYTEA UNIQUE, -- still good until previous_until, after a rotation
    previous_until BIGINT,
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ttl BIGINT NOT NULL, -- milliseconds that each secret is good for: a rotation begins them anew
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_keys_of_org ON api_keys (org_id, id);

-- A device that registered without a key and waits for a person.
CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    code_hash BYTEA NOT NULL UNIQUE,
    machine_key BYTEA NOT NULL,
    node_key BYTEA NOT NULL,
    hostname TEXT NOT NULL,
    os TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    realm_id TEXT REFERENCES realms (id), -- set when approved
    approved_by TEXT REFERENCES users (id)
);
CREATE INDEX approvals_by_expiry ON approvals (expires_at);

-- No foreign keys: a row outlives what it speaks of.
CREATE TABLE audit_events (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL, -- user, api_key, node, local, coordinator
    actor_id TEXT,
    actor_name TEXT NOT NULL,
    org_id TEXT,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT,
    target_name TEXT NOT NULL,
    address TEXT,
    request_id TEXT
);
CREATE INDEX audit_events_of_org ON audit_events (org_id, id);
