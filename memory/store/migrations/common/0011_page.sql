-- What the web page stands on: who is signed in, what the service signs with, and what is shown beside a report.

-- A session belongs to a token and ends with it. Only a hash of the cookie is kept.
CREATE TABLE page_sessions (
    id_sha256   TEXT PRIMARY KEY,
    token_id    TEXT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    created_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL
);
CREATE INDEX page_sessions_by_token ON page_sessions (token_id);

-- Keys that every process of one installation signs and checks with.
CREATE TABLE server_secrets (
    name        TEXT PRIMARY KEY,
    created_at  TEXT NOT NULL,
    value       TEXT NOT NULL
);

-- What a page shows beside a report, so that a process without the repository can show it, and the figures by
-- which learning is drawn without reading reports.
CREATE TABLE report_views (
    report_id       TEXT PRIMARY KEY,
    incident_id     TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    wall_ms         BIGINT NOT NULL,
    cost_micro_usd  BIGINT NOT NULL,
    body            TEXT NOT NULL
);
CREATE INDEX report_views_by_incident ON report_views (incident_id);

CREATE INDEX deliveries_by_source ON deliveries (source, received_at);
