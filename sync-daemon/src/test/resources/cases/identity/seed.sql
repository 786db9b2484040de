INSERT INTO plain VALUES (7, 'a'), (3, 'b');
INSERT INTO auto VALUES (1, 'a'), (100, 'deleted');
DELETE FROM auto WHERE id = 100;
INSERT INTO emptied VALUES (50, 'x');
DELETE FROM emptied;
INSERT INTO largest VALUES (9223372036854775807, 'x'), (1, 'y');
INSERT INTO negative VALUES (-5, 'x');
INSERT INTO int_key VALUES (5, 'x');
