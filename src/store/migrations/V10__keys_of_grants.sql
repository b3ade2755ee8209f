-- By which grant an app made an API key, or was last given its secret: it ends with that.
ALTER TABLE api_keys ADD COLUMN grant_id TEXT REFERENCES grants (id) ON DELETE SET NULL;
CREATE INDEX api_keys_of_grant ON api_keys (grant_id);
