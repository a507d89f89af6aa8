-- Who reads what is told of an incident: internal, public, or unknown, which gets as little as the public does and gives
-- as little as what is internal does.
ALTER TABLE incidents ADD COLUMN audience TEXT NOT NULL DEFAULT 'internal';
-- Whether these issues were open to everybody was not kept.
UPDATE incidents SET audience = 'unknown' WHERE source = 'github';

-- A note has the readers of its channel. Before, a report could join an incident that others may read than its own readers.
ALTER TABLE notes ADD COLUMN audience TEXT NOT NULL DEFAULT 'internal';
UPDATE notes SET audience = 'unknown' WHERE system = 'github';

-- Reports join only reports of the same audience: the keys of others than internal ones begin with theirs.
UPDATE correlations SET key = 'unknown:' || key
WHERE incident_id IN (SELECT id FROM incidents WHERE audience = 'unknown');

-- Incidents that would be one, had they the same readers. Shown to those who are signed in.
CREATE TABLE related_incidents (
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    related_id   TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    PRIMARY KEY (incident_id, related_id)
);
CREATE INDEX related_incidents_by_other ON related_incidents (related_id);
