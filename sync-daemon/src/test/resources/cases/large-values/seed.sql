INSERT INTO t VALUES (1, zeroblob(5000000), replace(hex(zeroblob(1500000)), '0', 'ä'), '["' || replace(hex(zeroblob(500000)), '00', 'text ') || '"]', zeroblob(3000000));
INSERT INTO t VALUES (2, randomblob(100000), hex(randomblob(100000)), '{}', CAST(zeroblob(100000) AS TEXT));
INSERT INTO t VALUES (3, x'', '', '[]', '');
