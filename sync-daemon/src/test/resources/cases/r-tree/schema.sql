CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT NOT NULL, x REAL, y REAL);
CREATE VIRTUAL TABLE places_index USING rtree(id, x_min, x_max, y_min, y_max);
CREATE VIRTUAL TABLE whole USING rtree_i32(id, x_min, x_max);
