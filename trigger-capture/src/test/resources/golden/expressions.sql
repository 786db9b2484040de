CREATE TABLE t(
    id INTEGER PRIMARY KEY,
    state TEXT COLLATE NOCASE NOT NULL DEFAULT "open",
    owner,
    size INT NOT NULL DEFAULT (1 + 1),
    label TEXT AS (state || size)
);
CREATE UNIQUE INDEX t_open ON t(owner) WHERE t.state = "open" -- one open row per owner
;
CREATE UNIQUE INDEX t_owner ON t(coalesce(owner, "nobody"));
CREATE UNIQUE INDEX t_main ON t(CASE WHEN state = 1 THEN owner END);
CREATE UNIQUE INDEX t_label ON t(label COLLATE NOCASE DESC);
