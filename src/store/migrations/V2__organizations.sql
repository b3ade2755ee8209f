-- Several people in an organization: exactly one owner each, and invitations.

-- A personal organization whose person was never written down as its owner gets them now.
INSERT INTO memberships (org_id, user_id, role, created_at)
    SELECT o.id, o.personal_of, 'owner', o.created_at FROM organizations o
    WHERE o.personal_of IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.org_id = o.id AND m.user_id = o.personal_of);
UPDATE memberships SET role = 'owner'
    WHERE EXISTS (SELECT 1 FROM organizations o WHERE o.id = org_id AND o.personal_of = user_id);

-- Of several owners the person whose own it is stays the owner, else the one who was there first.
UPDATE memberships SET role = 'admin' WHERE role = 'owner' AND user_id <> (
    SELECT earliest.user_id FROM memberships earliest JOIN organizations o ON o.id = earliest.org_id
    WHERE earliest.org_id = memberships.org_id AND earliest.role = 'owner'
    ORDER BY CASE WHEN o.personal_of = earliest.user_id THEN 0 ELSE 1 END, earliest.created_at, earliest.user_id
    LIMIT 1
);
CREATE UNIQUE INDEX memberships_one_owner ON memberships (org_id) WHERE role = 'owner';

CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email TEXT NOT NULL, -- whose account alone may accept it, in lower case
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    code_hash BYTEA NOT NULL UNIQUE,
    invited_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT, -- used up
    revoked_at BIGINT
);
CREATE INDEX invitations_of_org ON invitations (org_id, id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);
