WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999) INSERT INTO composite SELECT 'tenant ' || (i % 7), i / 7, CAST(i AS BLOB), 'v' || i FROM n;
INSERT INTO nocase VALUES ('Straße', 1), ('STRASSE', 2), ('a', 3);
INSERT INTO typeless VALUES (1, 'i'), (1.5, 'r'), ('1', 't'), (x'31', 'b'), (-0.0, 'zero');
INSERT INTO reordered VALUES ('x', 2, 1), ('y', 1, 1), (NULL, 1, 2);
