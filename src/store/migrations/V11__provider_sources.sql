-- Who named a provider: the host, whose providers may be anywhere, or an administrator on a page. Of those that are there
-- already the audit trail tells; where it does not any more, the page, which is trusted less.
ALTER TABLE providers ADD COLUMN source TEXT NOT NULL DEFAULT 'page' CHECK (source IN ('host', 'page'));
UPDATE providers SET source = 'host' WHERE EXISTS (
    SELECT 1 FROM audit_events e WHERE e.action = 'provider.create' AND e.actor_kind = 'local'
        AND e.code IS NULL AND e.target_id = providers.name AND e.at = providers.created_at
);

-- What the coordinator that started last was told by its flags and its settings file, for the commands beside it.
CREATE TABLE last_starts (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    url TEXT NOT NULL,
    providers TEXT NOT NULL, -- JSON list; without client secrets
    at BIGINT NOT NULL
);
