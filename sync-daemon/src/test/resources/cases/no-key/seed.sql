INSERT INTO heap VALUES (1, 'same'), (1, 'same'), (NULL, NULL), (1, 'same');
INSERT INTO heap(rowid, a, b) VALUES (-5, 1, 'negative'), (9223372036854775807, 1, 'largest'), (-9223372036854775808, 1, 'smallest');
INSERT INTO indexed VALUES (1, 'a'), (1, 'a'), (NULL, 'a');
INSERT INTO unique_only VALUES (NULL, 'a'), (NULL, 'a'), (1, 'b');
INSERT INTO one_name_taken VALUES ('x', 1), ('x', 1);
INSERT INTO two_names_taken VALUES ('x', 1, 1), ('x', 1, 1);
