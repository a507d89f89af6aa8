-- What was run beyond the replay when a fix was verified; NULL for resolutions that are older than these checks.
ALTER TABLE resolutions ADD COLUMN fix_checks TEXT;
