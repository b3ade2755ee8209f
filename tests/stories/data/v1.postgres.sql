SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.api_keys (
    id text NOT NULL,
    org_id text NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    secret_hash bytea NOT NULL,
    previous_hash bytea,
    previous_until bigint,
    scopes text NOT NULL,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    ttl bigint NOT NULL,
    last_used_at bigint,
    revoked_at bigint
);
CREATE TABLE public.approvals (
    id text NOT NULL,
    code_hash bytea NOT NULL,
    machine_key bytea NOT NULL,
    node_key bytea NOT NULL,
    hostname text NOT NULL,
    os text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    realm_id text,
    approved_by text
);
CREATE TABLE public.audit_events (
    id text NOT NULL,
    at bigint NOT NULL,
    actor_kind text NOT NULL,
    actor_id text,
    actor_name text NOT NULL,
    org_id text,
    action text NOT NULL,
    target_kind text NOT NULL,
    target_id text,
    target_name text NOT NULL,
    address text,
    request_id text
);
CREATE TABLE public.counters (
    name text NOT NULL,
    value bigint NOT NULL
);
CREATE TABLE public.join_tokens (
    id text NOT NULL,
    org_id text NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    uses bigint,
    used bigint DEFAULT 0 NOT NULL,
    ephemeral bigint NOT NULL,
    tags text NOT NULL,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    last_used_at bigint,
    revoked_at bigint,
    CONSTRAINT join_tokens_check CHECK (((used >= 0) AND ((uses IS NULL) OR (used <= uses)))),
    CONSTRAINT join_tokens_ephemeral_check CHECK ((ephemeral = ANY (ARRAY[(0)::bigint, (1)::bigint])))
);
CREATE TABLE public.memberships (
    org_id text NOT NULL,
    user_id text NOT NULL,
    role text NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text])))
);
CREATE TABLE public.nodes (
    id text NOT NULL,
    number bigint NOT NULL,
    realm_id text NOT NULL,
    owner_id text NOT NULL,
    machine_key bytea NOT NULL,
    node_key bytea NOT NULL,
    disco_key bytea NOT NULL,
    name text NOT NULL,
    renamed bigint DEFAULT 0 NOT NULL,
    address bigint NOT NULL,
    tags text NOT NULL,
    ephemeral bigint NOT NULL,
    hostinfo text NOT NULL,
    endpoints text NOT NULL,
    home_relay bigint NOT NULL,
    capability bigint NOT NULL,
    approved_routes text NOT NULL,
    created_at bigint NOT NULL,
    key_expires_at bigint,
    first_seen_at bigint,
    last_seen_at bigint,
    revision bigint NOT NULL,
    CONSTRAINT nodes_ephemeral_check CHECK ((ephemeral = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT nodes_renamed_check CHECK ((renamed = ANY (ARRAY[(0)::bigint, (1)::bigint])))
);
CREATE TABLE public.organizations (
    id text NOT NULL,
    realm_id text NOT NULL,
    name text NOT NULL,
    personal_of text,
    created_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.realms (
    id text NOT NULL,
    label text NOT NULL,
    next_address bigint NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.redemptions (
    id text NOT NULL,
    token_id text NOT NULL,
    auth_key_hash bytea,
    worker_key_hash bytea,
    machine_key bytea,
    node_id text,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE public.sealed_secrets (
    name text NOT NULL,
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.sessions (
    id text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    token_hash bytea NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    last_used_at bigint NOT NULL,
    revoked_at bigint,
    CONSTRAINT sessions_kind_check CHECK ((kind = ANY (ARRAY['cli'::text, 'browser'::text])))
);
CREATE TABLE public.setup_codes (
    id bigint NOT NULL,
    code_hash bytea NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT setup_codes_id_check CHECK ((id = 1))
);
CREATE TABLE public.users (
    id text NOT NULL,
    number bigint NOT NULL,
    email text NOT NULL,
    password_hash text,
    admin bigint NOT NULL,
    disabled_at bigint,
    created_at bigint NOT NULL,
    last_login_at bigint,
    CONSTRAINT users_admin_check CHECK ((admin = ANY (ARRAY[(0)::bigint, (1)::bigint])))
);
INSERT INTO public.api_keys VALUES ('01a20658-4f14-7956-b106-fe1add04a77b', '01a20658-4dc2-7380-9db0-521b61462271', 'ci', 'wnd_14aeb75d', '\x75deee9cb0ba87b7fcd64cd3b9481e76f5dd55ea27b5a726dafae773e753834d', NULL, NULL, '["nodes:read","profile:read"]', '01a20658-4cae-70ce-b93f-b4b314234566', 1795402780436, 1803178780436, 7776000000, NULL, NULL);
INSERT INTO public.api_keys VALUES ('01a20658-4f23-7ec6-9f85-eb0c5d50d3de', '01a20658-4df8-7d00-8526-1922d9997072', 'old', 'wnd_5fe88a90', '\x2dea82a7730a75bd5f962afe6e8a653c17e1b7f4da0318c817a9362d10218c24', NULL, NULL, '["nodes:read"]', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 1795402780451, 1803178780451, 7776000000, NULL, 1795402780471);
INSERT INTO public.audit_events VALUES ('01a20658-4cae-7395-b7dd-7b10b5d3eb60', 1795402779822, 'local', NULL, 'uid 0', NULL, 'user.create', 'user', '01a20658-4cae-70ce-b93f-b4b314234566', 'ada@example.org', NULL, NULL);
INSERT INTO public.audit_events VALUES ('01a20658-4cfa-7301-8452-eca93da01a39', 1795402779898, 'local', NULL, 'uid 0', NULL, 'user.create', 'user', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'bob@example.org', NULL, NULL);
INSERT INTO public.audit_events VALUES ('01a20658-4d48-753a-8a71-e0c29533ea4e', 1795402779976, 'local', NULL, 'uid 0', NULL, 'user.create', 'user', '01a20658-4d48-7e5c-b183-a8c8e1a90ca9', 'cleo@example.org', NULL, NULL);
INSERT INTO public.audit_events VALUES ('01a20658-4d89-720c-9c03-b681c8524291', 1795402780041, 'local', NULL, 'uid 0', NULL, 'user.create', 'user', '01a20658-4d89-7748-b5bc-d84d494c6d34', 'dan@example.org', NULL, NULL);
INSERT INTO public.audit_events VALUES ('01a20658-4dc2-723f-979e-966b86548898', 1795402780098, 'user', '01a20658-4cae-70ce-b93f-b4b314234566', 'ada@example.org', '01a20658-4dc2-7380-9db0-521b61462271', 'organization.create', 'organization', '01a20658-4dc2-7380-9db0-521b61462271', 'ada', '127.0.0.1', '5ac065684c15003c');
INSERT INTO public.audit_events VALUES ('01a20658-4dc2-7765-8bb6-3c1c8890ab42', 1795402780098, 'user', '01a20658-4cae-70ce-b93f-b4b314234566', 'ada@example.org', NULL, 'session.create', 'session', '01a20658-4dc2-711d-98ec-2672d51e7480', 'wonder on vm', '127.0.0.1', '5ac065684c15003c');
INSERT INTO public.audit_events VALUES ('01a20658-4df8-71eb-a7bd-0d274848af5f', 1795402780152, 'user', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'bob@example.org', '01a20658-4df8-7d00-8526-1922d9997072', 'organization.create', 'organization', '01a20658-4df8-7d00-8526-1922d9997072', 'bob', '127.0.0.1', '0925d8b54c6b7197');
INSERT INTO public.audit_events VALUES ('01a20658-4df8-75c3-9cb7-36a5833fe42a', 1795402780152, 'user', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'bob@example.org', NULL, 'session.create', 'session', '01a20658-4df8-79ed-a509-8d7c20c00c01', 'wonder on vm', '127.0.0.1', '0925d8b54c6b7197');
INSERT INTO public.audit_events VALUES ('01a20658-4e33-7237-97f1-9c5e6930483e', 1795402780211, 'user', '01a20658-4d89-7748-b5bc-d84d494c6d34', 'dan@example.org', '01a20658-4e33-7607-bf4e-f31abfa648a1', 'organization.create', 'organization', '01a20658-4e33-7607-bf4e-f31abfa648a1', 'dan', '127.0.0.1', '38d8632b9a3eb254');
INSERT INTO public.audit_events VALUES ('01a20658-4e33-7201-9828-064e6e7f7052', 1795402780211, 'user', '01a20658-4d89-7748-b5bc-d84d494c6d34', 'dan@example.org', NULL, 'session.create', 'session', '01a20658-4e33-7dbd-adbe-2bb63c5fdd98', 'wonder on vm', '127.0.0.1', '38d8632b9a3eb254');
INSERT INTO public.audit_events VALUES ('01a20658-4e56-7874-a6ba-1cc8bb797052', 1795402780246, 'user', '01a20658-4cae-70ce-b93f-b4b314234566', 'ada@example.org', '01a20658-4dc2-7380-9db0-521b61462271', 'token.create', 'token', '01a20658-4e56-7bad-9ad5-845f8c8bf203', 'shed', '127.0.0.1', '850a679d1e541618');
INSERT INTO public.audit_events VALUES ('01a20658-4e79-708f-8301-add363764060', 1795402780281, 'user', '01a20658-4cae-70ce-b93f-b4b314234566', 'ada@example.org', '01a20658-4dc2-7380-9db0-521b61462271', 'token.create', 'token', '01a20658-4e79-70b0-a7f5-3b42b8688382', 'laptops', '127.0.0.1', 'dcb6d9eac9b1749b');
INSERT INTO public.audit_events VALUES ('01a20658-4f02-72c4-bd7a-1adab0077f30', 1795402780418, 'user', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'bob@example.org', '01a20658-4df8-7d00-8526-1922d9997072', 'token.create', 'token', '01a20658-4f02-7b73-b15d-ab33e811e232', '', '127.0.0.1', '1f05ad17ec9026e0');
INSERT INTO public.audit_events VALUES ('01a20658-4f14-70a2-b1bf-b5ab464259aa', 1795402780436, 'user', '01a20658-4cae-70ce-b93f-b4b314234566', 'ada@example.org', '01a20658-4dc2-7380-9db0-521b61462271', 'key.create', 'key', '01a20658-4f14-7956-b106-fe1add04a77b', 'ci', '127.0.0.1', '5138c80e69718bd6');
INSERT INTO public.audit_events VALUES ('01a20658-4f23-7d9c-ae21-a05eeed125c5', 1795402780451, 'user', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'bob@example.org', '01a20658-4df8-7d00-8526-1922d9997072', 'key.create', 'key', '01a20658-4f23-7ec6-9f85-eb0c5d50d3de', 'old', '127.0.0.1', '62393519e176e250');
INSERT INTO public.audit_events VALUES ('01a20658-4f37-7de5-8676-09ef06a9286d', 1795402780471, 'user', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'bob@example.org', '01a20658-4df8-7d00-8526-1922d9997072', 'key.revoke', 'key', '01a20658-4f23-7ec6-9f85-eb0c5d50d3de', 'old', '127.0.0.1', '52f5ba9cecd6eefc');
INSERT INTO public.audit_events VALUES ('01a20658-5729-7560-bd90-41bd1dccd674', 1795402782505, 'node', '01a20658-5729-7045-b812-17a2ea7eeef0', 'laptop', '01a20658-4dc2-7380-9db0-521b61462271', 'node.join', 'node', '01a20658-5729-7045-b812-17a2ea7eeef0', 'laptop', '127.0.0.1', NULL);
INSERT INTO public.audit_events VALUES ('01a20658-99c4-77e5-8ac7-e46a520b295f', 1795402799556, 'local', NULL, 'uid 0', NULL, 'user.disable', 'user', '01a20658-4d89-7748-b5bc-d84d494c6d34', 'dan@example.org', NULL, NULL);
INSERT INTO public.counters VALUES ('user', 4);
INSERT INTO public.counters VALUES ('node', 1);
INSERT INTO public.join_tokens VALUES ('01a20658-4e56-7bad-9ad5-845f8c8bf203', '01a20658-4dc2-7380-9db0-521b61462271', 'shed', '\xeb58b36ae8cc977ede7962344c0aeb7ad0eddb5771f7aa6d333498cda51d2824', 5, 0, 0, '["tag:pi"]', '01a20658-4cae-70ce-b93f-b4b314234566', 1795402780246, 1795431580246, NULL, NULL);
INSERT INTO public.join_tokens VALUES ('01a20658-4f02-7b73-b15d-ab33e811e232', '01a20658-4df8-7d00-8526-1922d9997072', '', '\xb6adf9b20b7edc888584722f0787a61796e056fc77127a331473b5e6624eb204', 1, 0, 1, '[]', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 1795402780418, 1795431580418, NULL, NULL);
INSERT INTO public.join_tokens VALUES ('01a20658-4e79-70b0-a7f5-3b42b8688382', '01a20658-4dc2-7380-9db0-521b61462271', 'laptops', '\x78a12c7b1e0edfa41b00439d919fcc724e8bd2edb99ef7f1bb08ffed3c2c5abb', NULL, 1, 0, '[]', '01a20658-4cae-70ce-b93f-b4b314234566', 1795402780281, 1803178780281, 1795402782505, NULL);
INSERT INTO public.memberships VALUES ('01a20658-4dc2-7380-9db0-521b61462271', '01a20658-4cae-70ce-b93f-b4b314234566', 'owner', 1795402780098);
INSERT INTO public.memberships VALUES ('01a20658-4df8-7d00-8526-1922d9997072', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'owner', 1795402780152);
INSERT INTO public.memberships VALUES ('01a20658-4e33-7607-bf4e-f31abfa648a1', '01a20658-4d89-7748-b5bc-d84d494c6d34', 'owner', 1795402780211);
INSERT INTO public.nodes VALUES ('01a20658-5729-7045-b812-17a2ea7eeef0', 1, '01a20658-4dc2-711d-8757-b9dfcd2cd1bb', '01a20658-4cae-70ce-b93f-b4b314234566', '\x5006f4b42961bae8a74afed464d7837f66ab8460a24f210495852d11fecf2721', '\xa8229445cc5f7617403993bf0760461fd2961acfc623af0f46ff002306b46629', '\x92767d9e91fb6089e831fbfbf59e12e3dcf92f9735533e84179f31897f0ec61b', 'laptop', 0, 1, '[]', 0, '{"hostname":"laptop","os":"linux","client_version":"1.102.3","routes":[],"services":[{"proto":"peerapi4","port":58436},{"proto":"peerapi6","port":58436},{"proto":"peerapi-dns-proxy","port":1}],"ssh_host_keys":[]}', '["192.0.2.2:46266"]', 0, 142, '[]', 1795402782505, 1810954782505, 1795402782520, 1795402799569, 1);
INSERT INTO public.organizations VALUES ('01a20658-4dc2-7380-9db0-521b61462271', '01a20658-4dc2-711d-8757-b9dfcd2cd1bb', 'ada', '01a20658-4cae-70ce-b93f-b4b314234566', 1795402780098, NULL);
INSERT INTO public.organizations VALUES ('01a20658-4df8-7d00-8526-1922d9997072', '01a20658-4df8-70ba-8090-b77003adf0e2', 'bob', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 1795402780152, NULL);
INSERT INTO public.organizations VALUES ('01a20658-4e33-7607-bf4e-f31abfa648a1', '01a20658-4e33-738f-a43a-661337e8b2ca', 'dan', '01a20658-4d89-7748-b5bc-d84d494c6d34', 1795402780211, NULL);
INSERT INTO public.realms VALUES ('01a20658-4df8-70ba-8090-b77003adf0e2', 'bob', 1, 1795402780152, NULL);
INSERT INTO public.realms VALUES ('01a20658-4e33-738f-a43a-661337e8b2ca', 'dan', 1, 1795402780211, NULL);
INSERT INTO public.realms VALUES ('01a20658-4dc2-711d-8757-b9dfcd2cd1bb', 'ada', 2, 1795402780098, NULL);
INSERT INTO public.redemptions VALUES ('01a20658-5729-73a1-a2cf-3ed46777536f', '01a20658-4e79-70b0-a7f5-3b42b8688382', NULL, NULL, '\x5006f4b42961bae8a74afed464d7837f66ab8460a24f210495852d11fecf2721', '01a20658-5729-7045-b812-17a2ea7eeef0', 1795402782505, 1795402782505);
INSERT INTO public.refinery_schema_history VALUES (1, 'foundation', '2026-11-23T02:59:37.790822536Z', '16626729908317504593');
INSERT INTO public.sealed_secrets VALUES ('control key', '56a20f99fb81fd44', '\x5e11aa45e1f665b11534e9e8e2de002cca947cdcf30f1845a9b1e171154e8ff4bdef9a2d85c722a8b79362369fbfa5c82a3fb6e32aee0ca307721620', 1795402777893);
INSERT INTO public.sealed_secrets VALUES ('relay key', '56a20f99fb81fd44', '\x9cbbcd28ee2b206feed4f896d36073bf2a45d141e61c311fd8cc3d14420954f843e6fd2bad47de5292f3e24c93925f1e69eff9ab2a1050d540bf9e85', 1795402777893);
INSERT INTO public.sessions VALUES ('01a20658-4dc2-711d-98ec-2672d51e7480', '01a20658-4cae-70ce-b93f-b4b314234566', 'cli', 'wonder on vm', '\x37352bdd7907192846dac6e02c3865722bc55263d12a4de5768166a6eb0d5082', 1795402780098, 1803178780098, 1795402780098, NULL);
INSERT INTO public.sessions VALUES ('01a20658-4df8-79ed-a509-8d7c20c00c01', '01a20658-4cfa-7fa9-b37f-16f059aea85f', 'cli', 'wonder on vm', '\xc116646b62863d3ca06692cdb81d522ad734a85b5e646280cad7f8a0da54a7c9', 1795402780152, 1803178780152, 1795402780152, NULL);
INSERT INTO public.sessions VALUES ('01a20658-4e33-7dbd-adbe-2bb63c5fdd98', '01a20658-4d89-7748-b5bc-d84d494c6d34', 'cli', 'wonder on vm', '\x054b433cdbd47ef5f9abf314daf7a7b5eff2689630345dc71d7a489c88e02187', 1795402780211, 1803178780211, 1795402780211, 1795402799556);
INSERT INTO public.users VALUES ('01a20658-4d48-7e5c-b183-a8c8e1a90ca9', 3, 'cleo@example.org', '$argon2id$v=19$m=19456,t=2,p=1$2TCT/qvUp1Q/D/4Yly9oVQ$P1P8z3B3aVMMC9pihWELkc57NdaedAqUj8ki6/b0AS4', 0, NULL, 1795402779976, NULL);
INSERT INTO public.users VALUES ('01a20658-4cae-70ce-b93f-b4b314234566', 1, 'ada@example.org', '$argon2id$v=19$m=19456,t=2,p=1$bsjsNhG2CJKbF8Nw8a1DWQ$6eX/LeQtClasZF+9J3np6lx6oTBR8ZZOxOqLYaY9q+0', 1, NULL, 1795402779822, 1795402780098);
INSERT INTO public.users VALUES ('01a20658-4cfa-7fa9-b37f-16f059aea85f', 2, 'bob@example.org', '$argon2id$v=19$m=19456,t=2,p=1$tRUpTR+TcVtHb8SteXRw/Q$7R71zzguSI5++egK5j31Wpu1EOyHVav+iNNZ/uLFjBc', 0, NULL, 1795402779898, 1795402780152);
INSERT INTO public.users VALUES ('01a20658-4d89-7748-b5bc-d84d494c6d34', 4, 'dan@example.org', '$argon2id$v=19$m=19456,t=2,p=1$275XUIHXkNhgyJ4Qsh6vhw$OfoYgiQ5jpR+kIo0g2BqQxIwjDN0QvG8NOhmx2ir6UU', 0, 1795402799556, 1795402780041, 1795402780211);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_previous_hash_key UNIQUE (previous_hash);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_secret_hash_key UNIQUE (secret_hash);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_code_hash_key UNIQUE (code_hash);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_secret_hash_key UNIQUE (secret_hash);
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (org_id, user_id);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_node_key_key UNIQUE (node_key);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_number_key UNIQUE (number);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_realm_id_address_key UNIQUE (realm_id, address);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_realm_id_machine_key_key UNIQUE (realm_id, machine_key);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_realm_id_name_key UNIQUE (realm_id, name);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_personal_of_key UNIQUE (personal_of);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_realm_id_key UNIQUE (realm_id);
ALTER TABLE ONLY public.realms
    ADD CONSTRAINT realms_label_key UNIQUE (label);
ALTER TABLE ONLY public.realms
    ADD CONSTRAINT realms_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.redemptions
    ADD CONSTRAINT redemptions_auth_key_hash_key UNIQUE (auth_key_hash);
ALTER TABLE ONLY public.redemptions
    ADD CONSTRAINT redemptions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.redemptions
    ADD CONSTRAINT redemptions_token_id_machine_key_key UNIQUE (token_id, machine_key);
ALTER TABLE ONLY public.redemptions
    ADD CONSTRAINT redemptions_worker_key_hash_key UNIQUE (worker_key_hash);
ALTER TABLE ONLY public.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.sealed_secrets
    ADD CONSTRAINT sealed_secrets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.setup_codes
    ADD CONSTRAINT setup_codes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_number_key UNIQUE (number);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX api_keys_of_org ON public.api_keys USING btree (org_id, id);
CREATE INDEX approvals_by_expiry ON public.approvals USING btree (expires_at);
CREATE INDEX audit_events_of_org ON public.audit_events USING btree (org_id, id);
CREATE INDEX join_tokens_of_org ON public.join_tokens USING btree (org_id, id);
CREATE INDEX memberships_of_user ON public.memberships USING btree (user_id);
CREATE INDEX nodes_of_realm ON public.nodes USING btree (realm_id, number);
CREATE INDEX redemptions_of_node ON public.redemptions USING btree (node_id);
CREATE INDEX redemptions_unregistered ON public.redemptions USING btree (expires_at) WHERE (machine_key IS NULL);
CREATE INDEX sessions_of_user ON public.sessions USING btree (user_id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_approved_by_fkey FOREIGN KEY (approved_by) REFERENCES public.users(id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_realm_id_fkey FOREIGN KEY (realm_id) REFERENCES public.realms(id);
ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);
ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_realm_id_fkey FOREIGN KEY (realm_id) REFERENCES public.realms(id);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_personal_of_fkey FOREIGN KEY (personal_of) REFERENCES public.users(id);
ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_realm_id_fkey FOREIGN KEY (realm_id) REFERENCES public.realms(id);
ALTER TABLE ONLY public.redemptions
    ADD CONSTRAINT redemptions_node_id_fkey FOREIGN KEY (node_id) REFERENCES public.nodes(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.redemptions
    ADD CONSTRAINT redemptions_token_id_fkey FOREIGN KEY (token_id) REFERENCES public.join_tokens(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
