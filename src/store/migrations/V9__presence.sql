-- What a device without a key wishes, and which devices are connected.

-- It asked to be forgotten when it stays away.
ALTER TABLE approvals ADD COLUMN ephemeral BIGINT NOT NULL DEFAULT 0 CHECK (ephemeral IN (0, 1));

-- Its map stream is open, as far as it has been written down: who is connected after a start was so when the
-- coordinator died, without a word.
ALTER TABLE nodes ADD COLUMN connected BIGINT NOT NULL DEFAULT 0 CHECK (connected IN (0, 1));
