-- How often a job's worker died while it had it, so that one that kills its workers does not do so for ever.
ALTER TABLE jobs ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;
