-- A figure that was measured stays as it was measured.
CREATE TRIGGER evaluations_are_final BEFORE UPDATE ON evaluations
BEGIN SELECT RAISE (ABORT, 'evaluations are append-only'); END;
CREATE TRIGGER evaluations_are_kept BEFORE DELETE ON evaluations
BEGIN SELECT RAISE (ABORT, 'evaluations are append-only'); END;
