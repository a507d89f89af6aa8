-- When an incident was taken up again because its answer was not it: reports from before do not end the job.
ALTER TABLE jobs ADD COLUMN reopened_at TEXT;

-- Files that hang on a ticket elsewhere: fetched before its investigation begins, or left with a reason.
CREATE TABLE incident_files (
    id           TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    system       TEXT NOT NULL,
    url          TEXT NOT NULL,
    name         TEXT NOT NULL,
    media_type   TEXT NOT NULL,
    -- wanted, taken, left
    state        TEXT NOT NULL,
    -- Why it was left.
    because      TEXT,
    UNIQUE (incident_id, system, url)
);
