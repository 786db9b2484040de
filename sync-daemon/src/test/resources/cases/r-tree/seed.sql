INSERT INTO places VALUES (1, 'Berlin', 13.4, 52.5), (2, 'Hamburg', 10.0, 53.55);
INSERT INTO places_index SELECT id, x, x, y, y FROM places;
INSERT INTO whole VALUES (1, -5, 5);
