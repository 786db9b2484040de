INSERT INTO t VALUES (1, 0, 'a', 'abc', 'a', ''), (2, NULL, NULL, NULL, NULL, 'x'), (3, 13, 'b', 'xyz', 'z', 'y');
PRAGMA ignore_check_constraints = ON;
INSERT INTO broken VALUES (1, 1), (2, -1);
PRAGMA ignore_check_constraints = OFF;
