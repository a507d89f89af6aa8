-- What every engine holds alike. Times are RFC 3339 in UTC with microseconds, so that text order is time order;
-- JSON is text; enums are the words of the report schema.

CREATE TABLE problems (
    id          TEXT PRIMARY KEY,
    created_at  TEXT NOT NULL,
    repository  TEXT,
    title       TEXT NOT NULL
);

CREATE TABLE incidents (
    id             TEXT PRIMARY KEY,
    -- Small number for the recall index; never shown.
    doc            BIGINT NOT NULL UNIQUE,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    state          TEXT NOT NULL,
    repository     TEXT,
    problem_id     TEXT REFERENCES problems (id),
    source         TEXT,
    external_id    TEXT,
    service        TEXT,
    environment    TEXT,
    release_name   TEXT,
    title          TEXT NOT NULL,
    fingerprint    TEXT,
    ticket_sha256  TEXT NOT NULL,
    ticket         TEXT NOT NULL
);
CREATE INDEX incidents_by_fingerprint ON incidents (fingerprint);
CREATE INDEX incidents_by_ticket ON incidents (ticket_sha256);
CREATE INDEX incidents_by_problem ON incidents (problem_id);
CREATE INDEX incidents_by_state ON incidents (state);
CREATE INDEX incidents_by_external ON incidents (source, external_id);

-- Structural keys (fingerprint, symbols, files, guilty units, exception, template) as 63-bit hashes:
-- small, and nothing readable stays behind when an incident is forgotten.
CREATE TABLE incident_keys (
    key_hash  BIGINT NOT NULL,
    doc       BIGINT NOT NULL REFERENCES incidents (doc) ON DELETE CASCADE,
    PRIMARY KEY (key_hash, doc)
);
CREATE INDEX incident_keys_by_doc ON incident_keys (doc);

CREATE TABLE runs (
    id           TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    state        TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    finished_at  TEXT,
    next_seq     BIGINT NOT NULL,
    holder       TEXT,
    lease_until  TEXT
);
CREATE INDEX runs_by_incident ON runs (incident_id);

CREATE TABLE run_events (
    run_id   TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq      BIGINT NOT NULL,
    at       TEXT NOT NULL,
    phase    TEXT NOT NULL,
    effect   TEXT,
    kind     TEXT NOT NULL,
    payload  TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
);

CREATE TABLE evidence (
    sha256      TEXT PRIMARY KEY,
    created_at  TEXT NOT NULL,
    text        TEXT NOT NULL
);
CREATE TABLE incident_evidence (
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    sha256       TEXT NOT NULL REFERENCES evidence (sha256),
    source       TEXT NOT NULL,
    locator      TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (incident_id, sha256, locator)
);
CREATE INDEX incident_evidence_by_hash ON incident_evidence (sha256);

CREATE TABLE hypotheses (
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    id           TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    status       TEXT NOT NULL,
    statement    TEXT NOT NULL,
    evidence     TEXT NOT NULL,
    PRIMARY KEY (incident_id, run_id, id)
);

-- How well proven, what a person said and what became of it are three columns that never stand for one another.
CREATE TABLE resolutions (
    id                TEXT PRIMARY KEY,
    incident_id       TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    repository        TEXT NOT NULL,
    statement         TEXT NOT NULL,
    culprit           TEXT,
    failing_revision  TEXT NOT NULL,
    units             TEXT NOT NULL,
    fix_diff          TEXT NOT NULL,
    fix_kind          TEXT,
    replay            TEXT,
    proof             TEXT NOT NULL,
    approval          TEXT NOT NULL,
    approved_by       TEXT,
    outcome           TEXT NOT NULL
);
CREATE INDEX resolutions_by_incident ON resolutions (incident_id);
CREATE INDEX resolutions_by_culprit ON resolutions (repository, culprit);

CREATE TABLE reports (
    id           TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    created_at   TEXT NOT NULL,
    schema_name  TEXT NOT NULL,
    verdict      TEXT NOT NULL,
    body         TEXT NOT NULL
);
CREATE INDEX reports_by_incident ON reports (incident_id);

-- Who did what when, for good. Free text stands apart in audit_notes, so that `forget` can take it out
-- while the fact that something was done stays.
CREATE TABLE audit (
    id            TEXT PRIMARY KEY,
    at            TEXT NOT NULL,
    actor         TEXT NOT NULL,
    action        TEXT NOT NULL,
    subject       TEXT NOT NULL,
    incident_id   TEXT,
    before_value  TEXT,
    after_value   TEXT
);
CREATE INDEX audit_by_incident ON audit (incident_id);
CREATE INDEX audit_by_subject ON audit (subject);
CREATE TABLE audit_notes (
    audit_id  TEXT PRIMARY KEY REFERENCES audit (id),
    note      TEXT NOT NULL
);
