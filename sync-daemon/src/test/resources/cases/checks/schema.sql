CREATE TABLE t (
  id INTEGER PRIMARY KEY, n INT CHECK (n >= 0), kind TEXT CHECK (kind IN ('a', 'b')), s TEXT CHECK (length(s) <= 3), g TEXT CHECK (g GLOB '[a-z]*'), t TEXT CHECK (typeof(t) = 'text'),
  CONSTRAINT both_or_none CHECK ((n IS NULL) = (kind IS NULL)), CHECK (n <> 13 OR s LIKE 'X%')
);
CREATE TABLE broken (id INTEGER PRIMARY KEY, n INT CHECK (n > 0));
