
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
CREATE FUNCTION audit_event_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM audit_links l WHERE l.event_id = OLD.id AND l.seq <= (SELECT MAX(seq) FROM audit_cuts))
    THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE FUNCTION audit_link_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq <= (SELECT COALESCE(MAX(seq), 0) FROM audit_cuts) THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_events_keep BEFORE DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_event_keeps();
CREATE TRIGGER audit_events_whole BEFORE TRUNCATE ON audit_events EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_links_stay BEFORE UPDATE ON audit_links FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_links_keep BEFORE DELETE ON audit_links FOR EACH ROW EXECUTE FUNCTION audit_link_keeps();
CREATE TRIGGER audit_links_whole BEFORE TRUNCATE ON audit_links EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_cuts_stay BEFORE UPDATE OR DELETE ON audit_cuts FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_cuts_whole BEFORE TRUNCATE ON audit_cuts EXECUTE FUNCTION audit_stays();
