INSERT INTO "order" VALUES (1, 'Robert''); DROP TABLE students;--', 2, 'O''Hara', '"quoted"');
INSERT INTO "order" VALUES (2, '$$ $1 ? :x %s \n', NULL, '', NULL);
INSERT INTO "group by" VALUES ('x', 1, 2, 3, 4, 5, 6);
INSERT INTO MixedCase VALUES (1, 'a', 'B', 'ü');
INSERT INTO [brackets in name] VALUES (1, '`');
INSERT INTO "user" VALUES (1, 1, 2, 3, 4, 5), (2, NULL, NULL, NULL, NULL, NULL);
