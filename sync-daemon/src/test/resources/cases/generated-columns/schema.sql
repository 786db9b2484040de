CREATE TABLE t (
  id INTEGER PRIMARY KEY, net DECIMAL(10,2) NOT NULL, rate INT, gross AS (net * (100 + rate) / 100) STORED, label TEXT GENERATED ALWAYS AS ('#' || id) VIRTUAL,
  data JSON, name TEXT GENERATED ALWAYS AS (json_extract(data, '$.name')), last TEXT
);
CREATE UNIQUE INDEX t_label ON t(label);
CREATE INDEX t_name ON t(name);
