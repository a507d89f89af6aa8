-- By which right an answer was confirmed or rejected (link, support, responder, admin): a lower one does not overrule it.
-- And whether the confirmation suffices for the answer to be presented as known without a proof.
ALTER TABLE resolutions ADD COLUMN approval_authority TEXT;
ALTER TABLE resolutions ADD COLUMN approval_suffices BIGINT NOT NULL DEFAULT 0;
UPDATE resolutions SET approval_authority = CASE
    WHEN approved_by LIKE '%(by a link in the ticket)' THEN 'link'
    WHEN approved_by LIKE 'slack:%' THEN 'support'
    ELSE coalesce(
        (SELECT CASE t.role WHEN 'viewer' THEN 'support' ELSE t.role END FROM tokens t
         WHERE resolutions.approved_by = t.name || ' (' || t.id || ')'),
        'admin')
    END
WHERE approval <> 'none';
UPDATE resolutions SET approval_suffices = 1
WHERE approval = 'confirmed' AND approval_authority IN ('responder', 'admin');

-- Links in notes by which an answer was judged already; each is good for once.
CREATE TABLE spent_links (
    id           TEXT PRIMARY KEY,
    incident_id  TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    spent_at     TEXT NOT NULL
);
CREATE INDEX spent_links_by_incident ON spent_links (incident_id);
