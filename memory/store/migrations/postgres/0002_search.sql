-- PostgreSQL's own: the word index and the guards of what may only be appended.

CREATE TABLE incident_words (
    doc     BIGINT PRIMARY KEY REFERENCES incidents (doc) ON DELETE CASCADE,
    title   TEXT NOT NULL,
    body    TEXT NOT NULL,
    -- As in SQLite's index, where it keeps a search within a repository; here it is a column to filter by.
    scope   TEXT NOT NULL,
    -- How many words, for weighing long tickets against short ones.
    length  BIGINT NOT NULL
);

-- How often a word stands in title and body of an incident.
CREATE TABLE incident_terms (
    term   TEXT COLLATE "C" NOT NULL,
    doc    BIGINT NOT NULL REFERENCES incident_words (doc) ON DELETE CASCADE,
    title  INTEGER NOT NULL,
    body   INTEGER NOT NULL,
    PRIMARY KEY (term, doc) INCLUDE (title, body)
);
CREATE INDEX incident_terms_by_doc ON incident_terms (doc);

-- One row: how many incidents and words there are in all.
CREATE TABLE word_totals (incidents BIGINT NOT NULL, words BIGINT NOT NULL);
INSERT INTO word_totals VALUES (0, 0);

-- In how many incidents each word stands; the same name and columns as SQLite's table of it.
CREATE VIEW incident_vocabulary AS SELECT term, count(*) AS doc FROM incident_terms GROUP BY term;

CREATE FUNCTION refuse_change () RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_ARGV[0]; END $$;
CREATE TRIGGER run_events_are_final BEFORE UPDATE ON run_events
FOR EACH ROW EXECUTE FUNCTION refuse_change ('the log of run events');
CREATE TRIGGER evidence_is_final BEFORE UPDATE ON evidence
FOR EACH ROW EXECUTE FUNCTION refuse_change ('evidence');
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_change ('the audit log');
