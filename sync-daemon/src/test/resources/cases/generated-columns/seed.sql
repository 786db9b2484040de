INSERT INTO t(id, net, rate, data, last) VALUES (1, 10.5, 19, '{"name":"a"}', 'x'), (2, 0, NULL, NULL, 'y'), (3, -1, 7, '[]', NULL);
