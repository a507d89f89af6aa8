-- How often a job's worker died while it had it, so that one that kills its workers does not do so for ever.
ALTER TABLE jobs ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;

-- Artifacts of runs that are under way, for whoever takes one over on another machine.
CREATE TABLE run_files (
    run_id      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
);
