CREATE TABLE nameless ("rowid" INT, "_rowid_" INT, "oid" INT);
CREATE TABLE keyed ("rowid" INT PRIMARY KEY, "_rowid_" INT, "oid" INT);
