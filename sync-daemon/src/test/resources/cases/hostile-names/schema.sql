CREATE TABLE "order" ("select" INTEGER PRIMARY KEY, "we ird; --" TEXT, "from" INT, "O'Brien" TEXT, "say ""hi""" TEXT);
CREATE TABLE "group by" ("" TEXT, "a.b" INT, "tab	name" INT, "%s %d \n" INT, "$1" INT, "?" INT, ":name" INT);
CREATE TABLE MixedCase (CamelId INTEGER PRIMARY KEY, "lower" TEXT, "UPPER" TEXT, "Ünïcödé" TEXT);
CREATE TABLE [brackets in name] ([id] INTEGER PRIMARY KEY, `back``tick` TEXT);
CREATE TABLE "user" (id INTEGER PRIMARY KEY, "order" INTEGER REFERENCES "order"("select"), "ctid" INT, "xmin" INT, "oid" INT, "tableoid" INT);
CREATE INDEX "index; DROP TABLE x; --" ON "order"("we ird; --", "from" DESC);
CREATE VIEW "view with spaces" AS SELECT "we ird; --" AS "a b" FROM "order";
