INSERT INTO "Ä" VALUES (1, 'upper');
INSERT INTO "ä" VALUES (1, 'lower');
INSERT INTO Users VALUES (1, 'x'), (2, 'X');
INSERT INTO users_pkey VALUES (1, 'y');
INSERT INTO users_name_key VALUES (1);
INSERT INTO one VALUES (1, 1);
INSERT INTO two VALUES (1, 1);
INSERT INTO pg_class VALUES (1, 1);
INSERT INTO no_key VALUES (1, 'a'), (1, 'a');
