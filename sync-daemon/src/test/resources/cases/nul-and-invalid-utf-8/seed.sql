INSERT INTO t VALUES (1, CAST(x'610062' AS TEXT), CAST(x'c328' AS TEXT), CAST(x'00ff' AS TEXT), 'fine', CAST(x'ff' AS TEXT), '{"a":"\u0000"}');
INSERT INTO t VALUES (2, CAST(x'00' AS TEXT), CAST(x'eda080' AS TEXT), CAST(x'ff00' AS TEXT), CAST(x'f09f9880' AS TEXT), 'ok', '[]');
INSERT INTO t VALUES (3, '', CAST(x'f4908080' AS TEXT), 'plain', CAST(x'efbfbd' AS TEXT), '', CAST(x'7b7d00' AS TEXT));
INSERT INTO t VALUES (4, NULL, CAST(x'c080' AS TEXT), NULL, char(65533), NULL, NULL);
INSERT INTO t VALUES (5, '\b00', '\bff', '\b00ff', '\', '\b', '"\\"');
INSERT INTO keyed VALUES (CAST(x'6b00' AS TEXT), 1), ('k', 2), (CAST(x'6bff' AS TEXT), 3);
INSERT INTO keyed_without SELECT * FROM keyed;
