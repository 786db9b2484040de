CREATE TABLE documents (id INTEGER PRIMARY KEY, valid JSON NOT NULL, invalid JSON, scalar JSON, in_text TEXT, exact JSON, blob JSON);
