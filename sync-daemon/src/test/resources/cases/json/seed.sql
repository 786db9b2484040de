INSERT INTO documents VALUES (1, '{"a": 1, "b": [1, 2, {"c": null}]}', '{"a": 1}', '5', '{"a":1}', '{ "b":2 , "a":1.0, "a":1.00 }', '{}');
INSERT INTO documents VALUES (2, '[]', '{a: 1}', '"x"', '[1,', '{"u":"\u00e4","big":12345678901234567890.123456789012345678901234567890}', x'7b7d');
INSERT INTO documents VALUES (3, '{"text":"ä 😀 \ud83d\ude00"}', '', 'null', 'no json', '{"lone":"\ud800","nul":"\u0000"}', NULL);
INSERT INTO documents VALUES (4, '{"deep":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}', NULL, 'true', NULL, '1e400', NULL);
