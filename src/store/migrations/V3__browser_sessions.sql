-- What a person needs to know a log-in again, and a waiting device that is refused: each is shown where it
-- came from. A refused device is told so, rather than given another code.
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE approvals ADD COLUMN address TEXT;
ALTER TABLE approvals ADD COLUMN refused_at BIGINT;
