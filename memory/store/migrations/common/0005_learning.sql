-- What the ranking saw of an incident's candidates, to learn from once somebody or something has settled the culprit.
-- The label is not here: it is the trusted resolution at the time of learning, so a later word of a person counts.
CREATE TABLE ranking_samples (
    incident_id  TEXT PRIMARY KEY REFERENCES incidents (id) ON DELETE CASCADE,
    created_at   TEXT NOT NULL,
    body         TEXT NOT NULL
);

-- Every set of weights that was learned, the rejected ones too, with the figures that decided.
-- At most one is active; none means the weights that ship.
CREATE TABLE weight_versions (
    version     BIGINT PRIMARY KEY,
    created_at  TEXT NOT NULL,
    adopted     BOOLEAN NOT NULL,
    active      BOOLEAN NOT NULL,
    body        TEXT NOT NULL
);
