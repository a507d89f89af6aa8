-- Work that is due now and then, and who has this turn: however many workers there are, one does it.
CREATE TABLE periodic_leases (
    task         TEXT PRIMARY KEY,
    holder       TEXT NOT NULL,
    lease_until  TEXT NOT NULL
);
