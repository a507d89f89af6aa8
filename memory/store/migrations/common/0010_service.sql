-- What the service stands on: the queue, what arrived by which door, what persons say, what is told outside.

-- A lease says who works on a job; a dead worker's lease runs out, and another one takes the job over.
CREATE TABLE jobs (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    -- What it is about: an incident, a note. One job of a kind for each.
    subject      TEXT NOT NULL,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    state        TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    due_at       TEXT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    failures     BIGINT NOT NULL DEFAULT 0,
    holder       TEXT,
    lease_until  TEXT,
    error        TEXT,
    -- What was decided about it once, so that every attempt does the same.
    plan         TEXT,
    UNIQUE (kind, subject)
);
CREATE INDEX jobs_by_state ON jobs (state, due_at);
CREATE INDEX jobs_by_incident ON jobs (incident_id);

-- Every arrival by its own id in the system it came from, so that one delivered twice changes nothing.
CREATE TABLE deliveries (
    id           TEXT PRIMARY KEY,
    source       TEXT NOT NULL,
    received_at  TEXT NOT NULL,
    -- opened, joined, resolved, ignored
    effect       TEXT NOT NULL,
    incident_id  TEXT REFERENCES incidents (id) ON DELETE CASCADE,
    title        TEXT NOT NULL
);
CREATE INDEX deliveries_by_incident ON deliveries (incident_id);

-- Which incident an arrival of the same failure joins.
CREATE TABLE correlations (
    key          TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    last_at      TEXT NOT NULL,
    arrivals     BIGINT NOT NULL
);
CREATE INDEX correlations_by_incident ON correlations (incident_id);

CREATE TABLE incident_messages (
    id           TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    at           TEXT NOT NULL,
    author       TEXT NOT NULL,
    -- remark, decision, stop, question, answer
    kind         TEXT NOT NULL,
    body         TEXT NOT NULL,
    -- When the run had stored it.
    taken_at     TEXT
);
CREATE INDEX incident_messages_by_incident ON incident_messages (incident_id, id);

-- Calls that wait for a person's consent.
CREATE TABLE approvals (
    id           TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    run_id       TEXT NOT NULL,
    call_id      TEXT NOT NULL,
    tool         TEXT NOT NULL,
    arguments    TEXT NOT NULL,
    asked_at     TEXT NOT NULL,
    decided_at   TEXT,
    decision     TEXT,
    decided_by   TEXT
);
CREATE INDEX approvals_by_incident ON approvals (incident_id);

-- What ran where since when.
CREATE TABLE deployments (
    id           TEXT PRIMARY KEY,
    service      TEXT NOT NULL,
    environment  TEXT NOT NULL,
    revision     TEXT NOT NULL,
    at           TEXT NOT NULL,
    reported_by  TEXT NOT NULL,
    UNIQUE (service, environment, revision, at)
);
CREATE INDEX deployments_by_service ON deployments (service, at);

-- Only a hash of the secret is kept.
CREATE TABLE tokens (
    id             TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    role           TEXT NOT NULL,
    secret_sha256  TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    created_by     TEXT NOT NULL,
    expires_at     TEXT,
    revoked_at     TEXT,
    last_used_at   TEXT
);

-- Notes in other systems. The id is the marker by which one is found there when the outcome of sending is unknown.
CREATE TABLE notes (
    id           TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    system       TEXT NOT NULL,
    target       TEXT NOT NULL,
    -- wanted, sending (the outcome is unknown until it is sent), sent
    state        TEXT NOT NULL,
    remote_id    TEXT,
    sent_sha256  TEXT,
    updated_at   TEXT NOT NULL,
    UNIQUE (incident_id, system, target)
);
