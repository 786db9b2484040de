INSERT INTO articles VALUES (1, 'Äpfel; Birnen', 'It''s a "test" -- not a comment'), (2, NULL, '');
INSERT INTO notes VALUES ('stands alone'), ('has no base table');
INSERT INTO old_notes VALUES ('older');
