INSERT INTO t VALUES (1, 'abcde', 'abcdef', 'äöü', 'abc', 'a    ', 'x', '', 'abc');
INSERT INTO t VALUES (2, 'äöü日本', 'a', '😀😀😀', 'a', 'ab', 'y', 'not zero', 'abc');
INSERT INTO t VALUES (3, '', NULL, '', '', '     ', '', NULL, NULL);
