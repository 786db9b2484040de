CREATE TABLE "_sluice_1_candidate"("state" TEXT COLLATE "NOCASE", "owner", "size" INTEGER, "label" TEXT AS (state || size));

CREATE TRIGGER "_sluice_1_bi" BEFORE INSERT ON "t"
BEGIN
  DELETE FROM "_sluice_1_candidate";
  INSERT INTO "_sluice_1_candidate"("state", "owner", "size") VALUES(coalesce(NEW."state", 'open'), NEW."owner", coalesce(NEW."size", 1 + 1));
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE t."label" = (SELECT "label" FROM "_sluice_1_candidate") COLLATE "NOCASE";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE (CASE WHEN state = 1 THEN owner END) = (SELECT CASE WHEN state = 1 THEN owner END FROM "_sluice_1_candidate") COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE t."owner" = NEW."owner" COLLATE "BINARY" AND (state = 'open');
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE (coalesce(owner, 'nobody')) = (SELECT coalesce(owner, 'nobody') FROM (SELECT NEW."owner" AS "owner")) COLLATE "BINARY";
  DELETE FROM "_sluice_1_candidate";
END;

CREATE TRIGGER "_sluice_1_bu" BEFORE UPDATE ON "t"
WHEN OLD."id" <> NEW."id" OR OLD."size" IS NOT NEW."size" OR typeof(OLD."size") <> typeof(NEW."size") OR CAST(OLD."size" AS BLOB) IS NOT CAST(NEW."size" AS BLOB) OR OLD."state" IS NOT NEW."state" OR typeof(OLD."state") <> typeof(NEW."state") OR CAST(OLD."state" AS BLOB) IS NOT CAST(NEW."state" AS BLOB) OR OLD."owner" IS NOT NEW."owner" OR typeof(OLD."owner") <> typeof(NEW."owner") OR CAST(OLD."owner" AS BLOB) IS NOT CAST(NEW."owner" AS BLOB)
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'N', NEW."id" WHERE OLD."id" <> NEW."id";
  DELETE FROM "_sluice_1_candidate";
  INSERT INTO "_sluice_1_candidate"("state", "owner", "size") VALUES(coalesce(NEW."state", 'open'), NEW."owner", coalesce(NEW."size", 1 + 1));
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE t."label" = (SELECT "label" FROM "_sluice_1_candidate") COLLATE "NOCASE";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE (CASE WHEN state = 1 THEN owner END) = (SELECT CASE WHEN state = 1 THEN owner END FROM "_sluice_1_candidate") COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE t."owner" = NEW."owner" COLLATE "BINARY" AND (state = 'open');
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "t" AS t WHERE (coalesce(owner, 'nobody')) = (SELECT coalesce(owner, 'nobody') FROM (SELECT NEW."owner" AS "owner")) COLLATE "BINARY";
  DELETE FROM "_sluice_1_candidate";
END;

CREATE TRIGGER "_sluice_1_fi" BEFORE INSERT ON "t"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fu" BEFORE UPDATE ON "t"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fd" BEFORE DELETE ON "t"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_ai" AFTER INSERT ON "t"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'I', NEW."id");
END;

CREATE TRIGGER "_sluice_1_au" AFTER UPDATE ON "t"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'U', NEW."id");
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'K', OLD."id" WHERE OLD."id" <> NEW."id";
END;

CREATE TRIGGER "_sluice_1_ad" AFTER DELETE ON "t"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'D', OLD."id");
END;

