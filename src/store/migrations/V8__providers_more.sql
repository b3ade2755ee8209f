-- Where an app may have browsers led after a log-out (OpenID Connect RP-Initiated Logout 1.0 section 3).
ALTER TABLE apps ADD COLUMN post_logout_redirect_uris TEXT NOT NULL DEFAULT '[]'; -- JSON list
