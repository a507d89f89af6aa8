-- Whose an incident is. `repository_name` is what the configuration calls the repository that holds the failing code, known
-- before any clone of it is there; `repository` stays its identity, which all clones share. `conversation` is the closed
-- conversation in which it was reported, and which alone may read it; NULL where it was none.
ALTER TABLE incidents ADD COLUMN repository_name TEXT;
ALTER TABLE incidents ADD COLUMN conversation TEXT;
CREATE INDEX incidents_by_repository_name ON incidents (repository_name, id);

-- The repositories whose incidents exist for a token, as a JSON list of names; NULL where all do.
ALTER TABLE tokens ADD COLUMN repositories TEXT;
