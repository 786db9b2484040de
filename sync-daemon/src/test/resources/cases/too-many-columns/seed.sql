INSERT INTO wide(id, c0, c1998) VALUES (1, 'first', 'last');
INSERT INTO other VALUES (1, 'x');
