-- How far the runs of a job's incident were, in events, when its worker last died with it: one that gets further each time is
-- not what they die of.
ALTER TABLE jobs ADD COLUMN lost_at BIGINT NOT NULL DEFAULT 0;
