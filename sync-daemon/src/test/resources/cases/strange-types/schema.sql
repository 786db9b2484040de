CREATE TABLE t (
  id INTEGER PRIMARY KEY, a varchar2(250), b "BLOB SUB_TYPE TEXT", c DOUBLE  PRECISION, d byte[], e MEDIUMINT UNSIGNED, f "long; DROP TABLE t", g ENUM,
  h POINT, i FLOATING POINT, j STRING, k NVARCHAR(20), l CHARINT, m XML, n INET, o MONEY, p BIT(1), q ROWVERSION, r TEXT(100), s INTERVAL, u "timestamp with time zone", v datetime2(7)
);
