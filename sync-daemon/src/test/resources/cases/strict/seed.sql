INSERT INTO typed VALUES (1, 1, NULL, 1.5, 'x', x'00ff', 'text');
INSERT INTO typed VALUES (2, -1, 9223372036854775807, 5, '', x'', 5);
INSERT INTO typed VALUES (3, 0, -9223372036854775808, -0.0, '5', NULL, 5.0);
INSERT INTO typed VALUES (4, 2, 3, NULL, NULL, x'61', x'61');
INSERT INTO typed VALUES (5, 2, 3, 1e308, '1.0', x'61', '5');
INSERT INTO keyed VALUES ('a', 1), (1, 'a'), ('1', 1.0), (x'31', NULL), (1.5, '1.5');
