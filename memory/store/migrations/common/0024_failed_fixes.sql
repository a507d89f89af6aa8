-- Fixes that were tried and are known to be wrong although the replay passes with them, as JSON; NULL where there are none.
ALTER TABLE resolutions ADD COLUMN failed_fixes TEXT;
