-- Vectors: which incidents are embedded, by which model, in which engine.

-- One row for each model in each engine. Vectors of different rows are never compared.
CREATE TABLE vector_spaces (
    id         INTEGER PRIMARY KEY,
    -- `embedded`, or the server's collection.
    engine     TEXT NOT NULL,
    model      TEXT NOT NULL,
    dimension  INTEGER NOT NULL,
    -- 0 once every incident has its vector; back to 1 when one is stored without.
    behind     INTEGER NOT NULL DEFAULT 1,
    -- Counts removals, so that a copy held in memory knows that it holds too much.
    removals   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (engine, model, dimension)
);

-- `vector` holds little-endian 32-bit floats of unit length; NULL where the vector itself lies in a server.
-- `seq` only ever grows: what was added or replaced since a reading is what has a larger one.
CREATE TABLE incident_vectors (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    space   INTEGER NOT NULL REFERENCES vector_spaces (id) ON DELETE CASCADE,
    doc     INTEGER NOT NULL REFERENCES incidents (doc) ON DELETE CASCADE,
    vector  BLOB,
    UNIQUE (space, doc)
);
CREATE INDEX incident_vectors_by_doc ON incident_vectors (doc);
CREATE INDEX incident_vectors_by_seq ON incident_vectors (space, seq);
CREATE TRIGGER incident_vectors_removed AFTER DELETE ON incident_vectors
BEGIN UPDATE vector_spaces SET removals = removals + 1 WHERE id = OLD.space; END;

-- Incidents forgotten here whose vectors a server may still hold.
CREATE TABLE vector_removals (
    engine       TEXT NOT NULL,
    incident_id  TEXT NOT NULL,
    PRIMARY KEY (engine, incident_id)
);

-- When the failure was last seen, as far as the ticket tells; otherwise when it came in.
ALTER TABLE incidents ADD COLUMN seen_at TEXT;
UPDATE incidents SET seen_at = coalesce(json_extract(ticket, '$.context.last_seen'),
    json_extract(ticket, '$.context.first_seen'), created_at);
