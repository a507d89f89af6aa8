-- Whether there was something new for a job while somebody worked on it: then its end is no end. Kept here and not in the
-- worker, who may be killed between the two.
ALTER TABLE jobs ADD COLUMN woken BIGINT NOT NULL DEFAULT 0;
