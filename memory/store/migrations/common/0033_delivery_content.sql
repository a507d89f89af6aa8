-- A hash of what was delivered, where the sender chose the id: the same id with other content is refused.
ALTER TABLE deliveries ADD COLUMN content TEXT;
