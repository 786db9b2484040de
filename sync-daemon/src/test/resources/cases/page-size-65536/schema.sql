PRAGMA page_size = 65536;
CREATE TABLE blobs (id INTEGER PRIMARY KEY, content BLOB, note TEXT);
CREATE TABLE small (a, b, c);
CREATE INDEX small_a ON small(a);
