PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255));
INSERT INTO refinery_schema_history VALUES(1,'foundation','2026-11-23T02:59:08.798518394Z','16626729908317504593');
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters VALUES('node',1);
INSERT INTO counters VALUES('user',4);
CREATE TABLE sealed_secrets (
    name TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO sealed_secrets VALUES('control key','eadf68fe8cfa6ae1',X'4eb6cbc15521fa9bff4e6a05dbd0bfc38f963dd01e3893372c6c5cdbeaafbd4aa4fbf7f63874a5fb81c355b9622638b7b5de2d8ba90377d25d41a7ad',1795402748804);
INSERT INTO sealed_secrets VALUES('relay key','eadf68fe8cfa6ae1',X'a30e660b0d69ec0021a0c9bae906dc9563bb5174d4f44798e55e879d074e1d58a2c7eacd3383a78fa1f334b11cb124930e9e76b4e21f6aa7a141881d',1795402748804);
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
INSERT INTO users VALUES('01a20657-db72-7b60-916d-5d8e49d970b1',1,'ada@example.org','$argon2id$v=19$m=19456,t=2,p=1$bzbklqpnikDCTjFWU70SZA$Dpj5f/oa9mucXHvkJaFcRWCSDF6ZmiSMs2cLQKfbCBw',1,NULL,1795402750834,1795402751147);
INSERT INTO users VALUES('01a20657-dbc8-7347-bb6b-2c2a7744ec96',2,'bob@example.org','$argon2id$v=19$m=19456,t=2,p=1$xgUuI5VZ0DUVhS8sO/CZBg$/BDqdg5WnqHKROkAIEDmZaMS2+OZ95GgS2jAoG5s+74',0,NULL,1795402750920,1795402751250);
INSERT INTO users VALUES('01a20657-dc0e-7da3-aa57-7c38c37f0345',3,'cleo@example.org','$argon2id$v=19$m=19456,t=2,p=1$Cs8R7HVnZ1gzc/V6Dm5O/Q$SQE7/6MjtRckxiMPBOdcHx+Je/ioPE5vj0QXoIKz6Ng',0,NULL,1795402750990,NULL);
INSERT INTO users VALUES('01a20657-dc7b-725c-ace6-25941b517564',4,'dan@example.org','$argon2id$v=19$m=19456,t=2,p=1$zXBeQ5/hC5iKuqc6p3pjNw$cy/8a1VaJOc3JIBVKPKcFnBvpMLFp5UyD4qliTGaCxg',0,1795402770703,1795402751099,1795402751311);
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
INSERT INTO sessions VALUES('01a20657-dcab-7ea4-beae-158de0062fa0','01a20657-db72-7b60-916d-5d8e49d970b1','cli','wonder on vm',X'3b4e6fdc6395ddbfc6427b6423ca08f06579a465c3037ceda74fc3a70d65d79c',1795402751147,1803178751147,1795402751147,NULL);
INSERT INTO sessions VALUES('01a20657-dd12-7817-8ca1-9c95ac3f4e07','01a20657-dbc8-7347-bb6b-2c2a7744ec96','cli','wonder on vm',X'9da52df50ba7b427e27413b3bcc0310aa68bc2483690b0c9d1da91622a401bd9',1795402751250,1803178751250,1795402751250,NULL);
INSERT INTO sessions VALUES('01a20657-dd4f-7246-bf6e-9c0faab13d55','01a20657-dc7b-725c-ace6-25941b517564','cli','wonder on vm',X'f6ace604012c10cc49b215f272e18f5d2ff562a4081204677dc38149a63c32a4',1795402751311,1803178751311,1795402751311,1795402770703);
CREATE TABLE realms (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL UNIQUE, -- the DNS label of its domain
    next_address BIGINT NOT NULL, -- offset of the next address to give, from 100.64.0.0
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);
INSERT INTO realms VALUES('01a20657-dcab-750e-ba21-545b875fc08f','ada',2,1795402751147,NULL);
INSERT INTO realms VALUES('01a20657-dd12-73bb-a7a4-ac118a8fb0a3','bob',1,1795402751250,NULL);
INSERT INTO realms VALUES('01a20657-dd4f-79c2-ab8e-52e142ba42c2','dan',1,1795402751311,NULL);
CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    realm_id TEXT NOT NULL UNIQUE REFERENCES realms (id),
    name TEXT NOT NULL,
    personal_of TEXT UNIQUE REFERENCES users (id), -- exactly one personal organization each
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);
INSERT INTO organizations VALUES('01a20657-dcab-7b5a-b27f-ac4e9d0087be','01a20657-dcab-750e-ba21-545b875fc08f','ada','01a20657-db72-7b60-916d-5d8e49d970b1',1795402751147,NULL);
INSERT INTO organizations VALUES('01a20657-dd12-71fc-9177-2b298f8184f7','01a20657-dd12-73bb-a7a4-ac118a8fb0a3','bob','01a20657-dbc8-7347-bb6b-2c2a7744ec96',1795402751250,NULL);
INSERT INTO organizations VALUES('01a20657-dd4f-7c84-a9ff-5eb19c848ece','01a20657-dd4f-79c2-ab8e-52e142ba42c2','dan','01a20657-dc7b-725c-ace6-25941b517564',1795402751311,NULL);
CREATE TABLE memberships (
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
INSERT INTO memberships VALUES('01a20657-dcab-7b5a-b27f-ac4e9d0087be','01a20657-db72-7b60-916d-5d8e49d970b1','owner',1795402751147);
INSERT INTO memberships VALUES('01a20657-dd12-71fc-9177-2b298f8184f7','01a20657-dbc8-7347-bb6b-2c2a7744ec96','owner',1795402751250);
INSERT INTO memberships VALUES('01a20657-dd4f-7c84-a9ff-5eb19c848ece','01a20657-dc7b-725c-ace6-25941b517564','owner',1795402751311);
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
INSERT INTO join_tokens VALUES('01a20657-dd62-7559-a8cf-485ec73a98b6','01a20657-dcab-7b5a-b27f-ac4e9d0087be','shed',X'c15fdb4daf4ca4b31751bf7753f2d902306eeb5256c4639333271c931dd747a8',5,0,0,'["tag:pi"]','01a20657-db72-7b60-916d-5d8e49d970b1',1795402751330,1795431551330,NULL,NULL);
INSERT INTO join_tokens VALUES('01a20657-dd74-76b6-bf63-fc5f6890a4fe','01a20657-dcab-7b5a-b27f-ac4e9d0087be','laptops',X'7a9e498ea300521ce2f9f4b637a4ce42a57bb5594f8b8e10af8c8ab207d1aeee',NULL,1,0,'[]','01a20657-db72-7b60-916d-5d8e49d970b1',1795402751348,1803178751348,1795402753666,NULL);
INSERT INTO join_tokens VALUES('01a20657-de1e-735d-af8b-9943eeef1eb0','01a20657-dd12-71fc-9177-2b298f8184f7','',X'a29052c1f638334259ec39b00ac7279ce3adee52ae2b5eece0589259b3b2e5c3',1,0,1,'[]','01a20657-dbc8-7347-bb6b-2c2a7744ec96',1795402751518,1795431551518,NULL,NULL);
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
INSERT INTO nodes VALUES('01a20657-e682-7a84-938d-4ee68731d4ce',1,'01a20657-dcab-750e-ba21-545b875fc08f','01a20657-db72-7b60-916d-5d8e49d970b1',X'1df43732a63b4c3ec728e5a02da37730fd1bd709f32c03842cf2e0fe0aab7243',X'34c9eb09db2aef0df6abad664c46a62d9cdbab491b094a32bf7239aa192b987c',X'61631018c851d604e7e083f6e78599481cb734d4e573b3979269d1a766f57104','laptop',0,1,'[]',0,'{"hostname":"laptop","os":"linux","client_version":"1.102.3","routes":[],"services":[{"proto":"peerapi4","port":58436},{"proto":"peerapi6","port":58436},{"proto":"peerapi-dns-proxy","port":1}],"ssh_host_keys":[]}','["192.0.2.2:57971"]',0,142,'[]',1795402753666,1810954753666,1795402753675,1795402770709,1);
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
INSERT INTO redemptions VALUES('01a20657-e682-7d9c-842c-26f9e84edcb3','01a20657-dd74-76b6-bf63-fc5f6890a4fe',NULL,NULL,X'1df43732a63b4c3ec728e5a02da37730fd1bd709f32c03842cf2e0fe0aab7243','01a20657-e682-7a84-938d-4ee68731d4ce',1795402753666,1795402753666);
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
INSERT INTO api_keys VALUES('01a20657-de2e-7158-a56a-3d99a08a6083','01a20657-dcab-7b5a-b27f-ac4e9d0087be','ci','wnd_a22c144e',X'dc13b9417a5871c265caf9c98d42234f33a9913abab569a467a8a1b4c930c894',NULL,NULL,'["nodes:read","profile:read"]','01a20657-db72-7b60-916d-5d8e49d970b1',1795402751534,1803178751534,7776000000,NULL,NULL);
INSERT INTO api_keys VALUES('01a20657-de3b-75c6-b93f-0723bce39f89','01a20657-dd12-71fc-9177-2b298f8184f7','old','wnd_af98f4b1',X'492401e560c6f1fbbb8b846e1bdf88f04c01426eebd4c564cd2ab6816b24910c',NULL,NULL,'["nodes:read"]','01a20657-dbc8-7347-bb6b-2c2a7744ec96',1795402751547,1803178751547,7776000000,NULL,1795402751561);
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
INSERT INTO audit_events VALUES('01a20657-db72-7d8d-9671-360c3ff97826',1795402750834,'local',NULL,'uid 0',NULL,'user.create','user','01a20657-db72-7b60-916d-5d8e49d970b1','ada@example.org',NULL,NULL);
INSERT INTO audit_events VALUES('01a20657-dbc8-7901-b4c4-eaf8792b9c32',1795402750920,'local',NULL,'uid 0',NULL,'user.create','user','01a20657-dbc8-7347-bb6b-2c2a7744ec96','bob@example.org',NULL,NULL);
INSERT INTO audit_events VALUES('01a20657-dc0e-7421-91d6-478658056bed',1795402750990,'local',NULL,'uid 0',NULL,'user.create','user','01a20657-dc0e-7da3-aa57-7c38c37f0345','cleo@example.org',NULL,NULL);
INSERT INTO audit_events VALUES('01a20657-dc7b-7102-8f58-9e7d90144286',1795402751099,'local',NULL,'uid 0',NULL,'user.create','user','01a20657-dc7b-725c-ace6-25941b517564','dan@example.org',NULL,NULL);
INSERT INTO audit_events VALUES('01a20657-dcab-7fee-a8e7-485e2422701b',1795402751147,'user','01a20657-db72-7b60-916d-5d8e49d970b1','ada@example.org','01a20657-dcab-7b5a-b27f-ac4e9d0087be','organization.create','organization','01a20657-dcab-7b5a-b27f-ac4e9d0087be','ada','127.0.0.1','97c2326c89f0f2b6');
INSERT INTO audit_events VALUES('01a20657-dcab-77cf-9345-9037bc1526fa',1795402751147,'user','01a20657-db72-7b60-916d-5d8e49d970b1','ada@example.org',NULL,'session.create','session','01a20657-dcab-7ea4-beae-158de0062fa0','wonder on vm','127.0.0.1','97c2326c89f0f2b6');
INSERT INTO audit_events VALUES('01a20657-dd12-7db5-81f6-1193320eed96',1795402751250,'user','01a20657-dbc8-7347-bb6b-2c2a7744ec96','bob@example.org','01a20657-dd12-71fc-9177-2b298f8184f7','organization.create','organization','01a20657-dd12-71fc-9177-2b298f8184f7','bob','127.0.0.1','ef99cd5c7b971518');
INSERT INTO audit_events VALUES('01a20657-dd12-7a2a-a422-f989178c5967',1795402751250,'user','01a20657-dbc8-7347-bb6b-2c2a7744ec96','bob@example.org',NULL,'session.create','session','01a20657-dd12-7817-8ca1-9c95ac3f4e07','wonder on vm','127.0.0.1','ef99cd5c7b971518');
INSERT INTO audit_events VALUES('01a20657-dd4f-7bf6-bdf3-a6b2f26aafa7',1795402751311,'user','01a20657-dc7b-725c-ace6-25941b517564','dan@example.org','01a20657-dd4f-7c84-a9ff-5eb19c848ece','organization.create','organization','01a20657-dd4f-7c84-a9ff-5eb19c848ece','dan','127.0.0.1','1894b0fac8673307');
INSERT INTO audit_events VALUES('01a20657-dd4f-7d6a-9aee-ab7987448e3b',1795402751311,'user','01a20657-dc7b-725c-ace6-25941b517564','dan@example.org',NULL,'session.create','session','01a20657-dd4f-7246-bf6e-9c0faab13d55','wonder on vm','127.0.0.1','1894b0fac8673307');
INSERT INTO audit_events VALUES('01a20657-dd62-7bd8-b001-5d9258fb2ba0',1795402751330,'user','01a20657-db72-7b60-916d-5d8e49d970b1','ada@example.org','01a20657-dcab-7b5a-b27f-ac4e9d0087be','token.create','token','01a20657-dd62-7559-a8cf-485ec73a98b6','shed','127.0.0.1','e5b92acdf3394996');
INSERT INTO audit_events VALUES('01a20657-dd74-719d-a4f5-4e6ef3ed54fc',1795402751348,'user','01a20657-db72-7b60-916d-5d8e49d970b1','ada@example.org','01a20657-dcab-7b5a-b27f-ac4e9d0087be','token.create','token','01a20657-dd74-76b6-bf63-fc5f6890a4fe','laptops','127.0.0.1','c7194e4d5fca6f75');
INSERT INTO audit_events VALUES('01a20657-de1e-72da-80b9-1bcbf95ed2e1',1795402751518,'user','01a20657-dbc8-7347-bb6b-2c2a7744ec96','bob@example.org','01a20657-dd12-71fc-9177-2b298f8184f7','token.create','token','01a20657-de1e-735d-af8b-9943eeef1eb0','','127.0.0.1','d62b32c13027e133');
INSERT INTO audit_events VALUES('01a20657-de2e-762c-9d83-9a0e41ec0bd6',1795402751534,'user','01a20657-db72-7b60-916d-5d8e49d970b1','ada@example.org','01a20657-dcab-7b5a-b27f-ac4e9d0087be','key.create','key','01a20657-de2e-7158-a56a-3d99a08a6083','ci','127.0.0.1','66d5960581cf11c5');
INSERT INTO audit_events VALUES('01a20657-de3b-70de-bf6d-a669972e47b8',1795402751547,'user','01a20657-dbc8-7347-bb6b-2c2a7744ec96','bob@example.org','01a20657-dd12-71fc-9177-2b298f8184f7','key.create','key','01a20657-de3b-75c6-b93f-0723bce39f89','old','127.0.0.1','3ee55a87165b70c7');
INSERT INTO audit_events VALUES('01a20657-de49-76a9-b1d4-7c474292052d',1795402751561,'user','01a20657-dbc8-7347-bb6b-2c2a7744ec96','bob@example.org','01a20657-dd12-71fc-9177-2b298f8184f7','key.revoke','key','01a20657-de3b-75c6-b93f-0723bce39f89','old','127.0.0.1','fe38c71713041fda');
INSERT INTO audit_events VALUES('01a20657-e682-7a12-9a06-7d7877d347d4',1795402753666,'node','01a20657-e682-7a84-938d-4ee68731d4ce','laptop','01a20657-dcab-7b5a-b27f-ac4e9d0087be','node.join','node','01a20657-e682-7a84-938d-4ee68731d4ce','laptop','127.0.0.1',NULL);
INSERT INTO audit_events VALUES('01a20658-290f-7c1c-9adf-6b0a224e6348',1795402770703,'local',NULL,'uid 0',NULL,'user.disable','user','01a20657-dc7b-725c-ace6-25941b517564','dan@example.org',NULL,NULL);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX memberships_of_user ON memberships (user_id);
CREATE INDEX join_tokens_of_org ON join_tokens (org_id, id);
CREATE INDEX nodes_of_realm ON nodes (realm_id, number);
CREATE INDEX redemptions_unregistered ON redemptions (expires_at) WHERE machine_key IS NULL;
CREATE INDEX redemptions_of_node ON redemptions (node_id);
CREATE INDEX api_keys_of_org ON api_keys (org_id, id);
CREATE INDEX approvals_by_expiry ON approvals (expires_at);
CREATE INDEX audit_events_of_org ON audit_events (org_id, id);
COMMIT;
