INSERT INTO words VALUES (1, 'Straße', 'äöüß€'), (2, '日本語', ''), (3, '😀 emoji', '😀😀😀😀😀'), (4, '', NULL);
INSERT INTO by_word SELECT coalesce(word, ''), id FROM words;
