-- How good it was: one row a run of a suite, for good.
CREATE TABLE evaluations (
    id     TEXT PRIMARY KEY,
    at     TEXT NOT NULL,
    suite  TEXT NOT NULL,
    body   TEXT NOT NULL
);
CREATE INDEX evaluations_by_suite ON evaluations (suite, id);
