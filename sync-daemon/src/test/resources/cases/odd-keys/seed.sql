INSERT INTO real_key VALUES (1, 'a'), (1.5, 'b'), (-0.0, 'zero'), (9e999, 'inf'), (5e-324, 'tiny');
INSERT INTO text_numbers VALUES ('1', 1), ('01', 2), ('1.0', 3), (' 1', 4), ('', 5);
INSERT INTO typeless VALUES (1, 1), ('1', 2), (x'31', 3), (1.5, 4), ('1.5', 5), (9007199254740993, 6);
INSERT INTO int_with_text VALUES (1, 1), ('x', 2), (x'01', 3), (1.5, 4);
INSERT INTO blob_key VALUES (x'', 1), (x'00', 2), (x'0000', 3), ('text', 4);
INSERT INTO long_key VALUES (hex(zeroblob(1200)), 1), (hex(zeroblob(1201)), 2), ('short', 3);
INSERT INTO date_key VALUES ('2024-01-01 00:00:00', 1), ('2024-01-01 00:00:00', 2), ('2024-01-02 00:00:00', 1);
