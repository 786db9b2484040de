CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT, c TEXT, deleted_at DATETIME, j JSON, UNIQUE (a, b));
CREATE INDEX partial ON t(a) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX partial_unique ON t(b) WHERE deleted_at IS NULL AND a > 0;
CREATE INDEX expression ON t(lower(b), a + 1);
CREATE UNIQUE INDEX expression_unique ON t(coalesce(c, 'none ' || id));
CREATE INDEX descending ON t(a DESC, b);
CREATE INDEX collated ON t(b COLLATE NOCASE);
CREATE INDEX on_json ON t(json_extract(j, '$.name'));
CREATE INDEX "quoted ""name""" ON t("b" DESC);
