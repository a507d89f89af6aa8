-- Which question an answer belongs to: where a conversation goes on elsewhere, it is told beside the question.
ALTER TABLE incident_messages ADD COLUMN reply_to TEXT;
