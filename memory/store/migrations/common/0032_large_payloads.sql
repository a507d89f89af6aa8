-- Payloads of events that are too large for their row, in parts; the row's own payload is empty then.
CREATE TABLE run_event_parts (
    run_id  TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    part    BIGINT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (run_id, seq, part),
    FOREIGN KEY (run_id, seq) REFERENCES run_events (run_id, seq) ON DELETE CASCADE
);
