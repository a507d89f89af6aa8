-- A figure that was measured stays as it was measured.
CREATE TRIGGER evaluations_are_final BEFORE UPDATE OR DELETE ON evaluations
FOR EACH ROW EXECUTE FUNCTION refuse_change ('the history of evaluations');
