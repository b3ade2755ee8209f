
CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_events_keep BEFORE DELETE ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM audit_links l WHERE l.event_id = OLD.id AND l.seq <= (SELECT MAX(seq) FROM audit_cuts))
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_links_stay BEFORE UPDATE ON audit_links
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_links_keep BEFORE DELETE ON audit_links
WHEN OLD.seq > (SELECT COALESCE(MAX(seq), 0) FROM audit_cuts)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_cuts_stay BEFORE UPDATE ON audit_cuts
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_cuts_keep BEFORE DELETE ON audit_cuts
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
