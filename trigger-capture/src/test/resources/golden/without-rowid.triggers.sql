CREATE TRIGGER "_sluice_1_bi" BEFORE INSERT ON "pairs"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) VALUES(1, 'N', NEW."b", NEW."a");
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 1, 'R', t."b", t."a" FROM "pairs" AS t WHERE t."c" = NEW."c" COLLATE "RTRIM";
END;

CREATE TRIGGER "_sluice_1_bu" BEFORE UPDATE ON "pairs"
WHEN OLD."b" IS NOT NEW."b" OR typeof(OLD."b") <> typeof(NEW."b") OR CAST(OLD."b" AS BLOB) IS NOT CAST(NEW."b" AS BLOB) OR OLD."a" IS NOT NEW."a" OR typeof(OLD."a") <> typeof(NEW."a") OR CAST(OLD."a" AS BLOB) IS NOT CAST(NEW."a" AS BLOB) OR OLD."c" IS NOT NEW."c" COLLATE BINARY
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 1, 'N', NEW."b", NEW."a" WHERE OLD."b" IS NOT NEW."b" OR typeof(OLD."b") <> typeof(NEW."b") OR CAST(OLD."b" AS BLOB) IS NOT CAST(NEW."b" AS BLOB) OR OLD."a" IS NOT NEW."a" OR typeof(OLD."a") <> typeof(NEW."a") OR CAST(OLD."a" AS BLOB) IS NOT CAST(NEW."a" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 1, 'K', OLD."b", OLD."a" WHERE OLD."b" IS NOT NEW."b" OR typeof(OLD."b") <> typeof(NEW."b") OR CAST(OLD."b" AS BLOB) IS NOT CAST(NEW."b" AS BLOB) OR OLD."a" IS NOT NEW."a" OR typeof(OLD."a") <> typeof(NEW."a") OR CAST(OLD."a" AS BLOB) IS NOT CAST(NEW."a" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 1, 'R', t."b", t."a" FROM "pairs" AS t WHERE t."c" = NEW."c" COLLATE "RTRIM";
END;

CREATE TRIGGER "_sluice_1_fi" BEFORE INSERT ON "pairs"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fu" BEFORE UPDATE ON "pairs"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fd" BEFORE DELETE ON "pairs"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_bk" BEFORE UPDATE ON "pairs"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) VALUES(1, 'U', OLD."b", OLD."a");
END;

CREATE TRIGGER "_sluice_1_ai" AFTER INSERT ON "pairs"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) VALUES(1, 'I', NEW."b", NEW."a");
END;

CREATE TRIGGER "_sluice_1_au" AFTER UPDATE ON "pairs"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) VALUES(1, 'U', NEW."b", NEW."a");
END;

CREATE TRIGGER "_sluice_1_bd" BEFORE DELETE ON "pairs"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) VALUES(1, 'D', OLD."b", OLD."a");
END;

