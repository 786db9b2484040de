CREATE TABLE t (id UUID PRIMARY KEY, upper GUID, blob UUID, mixed UUID, in_text CHAR(36), broken UUID);
