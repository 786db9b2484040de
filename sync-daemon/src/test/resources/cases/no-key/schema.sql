CREATE TABLE heap (a INT, b TEXT);
CREATE TABLE indexed (a INT, b TEXT);
CREATE INDEX indexed_a ON indexed(a);
CREATE TABLE unique_only (a INT UNIQUE, b TEXT);
CREATE TABLE one_name_taken ("rowid" TEXT, v INT);
CREATE TABLE two_names_taken ("rowid" TEXT, "_rowid_" INT, v INT);
