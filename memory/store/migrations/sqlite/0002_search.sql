-- SQLite's own: the word index (FTS5) and the guards of what may only be appended.

CREATE TABLE incident_words (
    doc    INTEGER PRIMARY KEY REFERENCES incidents (doc) ON DELETE CASCADE,
    title  TEXT NOT NULL,
    body   TEXT NOT NULL,
    -- One token that stands for the repository, so that a search stays within it without a join.
    scope  TEXT NOT NULL
);

-- The words come split and folded by recall::words, so the tokenizer only has to cut at spaces.
CREATE VIRTUAL TABLE incident_fts USING fts5 (
    title, body, scope,
    content = 'incident_words', content_rowid = 'doc',
    tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);
-- Without this a deleted text would live on in the index until the next merge.
INSERT INTO incident_fts (incident_fts, rank) VALUES ('secure-delete', 1);
CREATE VIRTUAL TABLE incident_vocabulary USING fts5vocab ('incident_fts', 'row');

CREATE TRIGGER run_events_are_final BEFORE UPDATE ON run_events
BEGIN SELECT RAISE (ABORT, 'run events are append-only'); END;
CREATE TRIGGER evidence_is_final BEFORE UPDATE ON evidence
BEGIN SELECT RAISE (ABORT, 'evidence is append-only'); END;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
