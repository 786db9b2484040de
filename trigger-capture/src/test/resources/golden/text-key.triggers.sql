CREATE TRIGGER "_sluice_1_bi" BEFORE INSERT ON "settings"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."name" FROM "settings" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_bu" BEFORE UPDATE ON "settings"
WHEN OLD."name" IS NOT NEW."name" OR typeof(OLD."name") <> typeof(NEW."name") OR CAST(OLD."name" AS BLOB) IS NOT CAST(NEW."name" AS BLOB) OR OLD._rowid_ <> NEW._rowid_
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'N', NEW."name" WHERE OLD."name" IS NOT NEW."name" OR typeof(OLD."name") <> typeof(NEW."name") OR CAST(OLD."name" AS BLOB) IS NOT CAST(NEW."name" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'K', OLD."name" WHERE OLD."name" IS NOT NEW."name" OR typeof(OLD."name") <> typeof(NEW."name") OR CAST(OLD."name" AS BLOB) IS NOT CAST(NEW."name" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."name" FROM "settings" AS t WHERE t._rowid_ = NEW._rowid_ AND t._rowid_ <> OLD._rowid_;
END;

CREATE TRIGGER "_sluice_1_fi" BEFORE INSERT ON "settings"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fu" BEFORE UPDATE ON "settings"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fd" BEFORE DELETE ON "settings"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_ai" AFTER INSERT ON "settings"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'I', t."name" FROM "settings" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_au" AFTER UPDATE ON "settings"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'U', t."name" FROM "settings" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_bd" BEFORE DELETE ON "settings"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'D', OLD."name");
END;

CREATE TRIGGER "_sluice_2_bi" BEFORE INSERT ON "folded"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'R', t."name" FROM "folded" AS t WHERE t."name" = NEW."name" COLLATE "NOCASE";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'R', t."name" FROM "folded" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_2_bu" BEFORE UPDATE ON "folded"
WHEN OLD."name" IS NOT NEW."name" OR typeof(OLD."name") <> typeof(NEW."name") OR CAST(OLD."name" AS BLOB) IS NOT CAST(NEW."name" AS BLOB) OR OLD._rowid_ <> NEW._rowid_
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'N', NEW."name" WHERE OLD."name" IS NOT NEW."name" OR typeof(OLD."name") <> typeof(NEW."name") OR CAST(OLD."name" AS BLOB) IS NOT CAST(NEW."name" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'K', OLD."name" WHERE OLD."name" IS NOT NEW."name" OR typeof(OLD."name") <> typeof(NEW."name") OR CAST(OLD."name" AS BLOB) IS NOT CAST(NEW."name" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'R', t."name" FROM "folded" AS t WHERE t."name" = NEW."name" COLLATE "NOCASE";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'R', t."name" FROM "folded" AS t WHERE t._rowid_ = NEW._rowid_ AND t._rowid_ <> OLD._rowid_;
END;

CREATE TRIGGER "_sluice_2_fi" BEFORE INSERT ON "folded"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_fu" BEFORE UPDATE ON "folded"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_fd" BEFORE DELETE ON "folded"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_ai" AFTER INSERT ON "folded"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'I', t."name" FROM "folded" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_2_au" AFTER UPDATE ON "folded"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'U', t."name" FROM "folded" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_2_bd" BEFORE DELETE ON "folded"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(2, 'D', OLD."name");
END;

CREATE TRIGGER "_sluice_3_bi" BEFORE INSERT ON "typeless"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'R', t."k", t."n" FROM "typeless" AS t WHERE t."u" = NEW."u" COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'R', t."k", t."n" FROM "typeless" AS t WHERE t."k" = NEW."k" COLLATE "BINARY" AND t."n" = coalesce(NEW."n", 0) COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'R', t."k", t."n" FROM "typeless" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_3_bu" BEFORE UPDATE ON "typeless"
WHEN OLD."k" IS NOT NEW."k" OR typeof(OLD."k") <> typeof(NEW."k") OR CAST(OLD."k" AS BLOB) IS NOT CAST(NEW."k" AS BLOB) OR OLD."n" IS NOT NEW."n" OR typeof(OLD."n") <> typeof(NEW."n") OR CAST(OLD."n" AS BLOB) IS NOT CAST(NEW."n" AS BLOB) OR OLD."u" IS NOT NEW."u" COLLATE BINARY OR OLD._rowid_ <> NEW._rowid_
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'N', NEW."k", coalesce(NEW."n", 0) WHERE OLD."k" IS NOT NEW."k" OR typeof(OLD."k") <> typeof(NEW."k") OR CAST(OLD."k" AS BLOB) IS NOT CAST(NEW."k" AS BLOB) OR OLD."n" IS NOT NEW."n" OR typeof(OLD."n") <> typeof(NEW."n") OR CAST(OLD."n" AS BLOB) IS NOT CAST(NEW."n" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'K', OLD."k", OLD."n" WHERE OLD."k" IS NOT NEW."k" OR typeof(OLD."k") <> typeof(NEW."k") OR CAST(OLD."k" AS BLOB) IS NOT CAST(NEW."k" AS BLOB) OR OLD."n" IS NOT NEW."n" OR typeof(OLD."n") <> typeof(NEW."n") OR CAST(OLD."n" AS BLOB) IS NOT CAST(NEW."n" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'R', t."k", t."n" FROM "typeless" AS t WHERE t."u" = NEW."u" COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'R', t."k", t."n" FROM "typeless" AS t WHERE t."k" = NEW."k" COLLATE "BINARY" AND t."n" = coalesce(NEW."n", 0) COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'R', t."k", t."n" FROM "typeless" AS t WHERE t._rowid_ = NEW._rowid_ AND t._rowid_ <> OLD._rowid_;
END;

CREATE TRIGGER "_sluice_3_fi" BEFORE INSERT ON "typeless"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_3_fu" BEFORE UPDATE ON "typeless"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_3_fd" BEFORE DELETE ON "typeless"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_3_ai" AFTER INSERT ON "typeless"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'I', t."k", t."n" FROM "typeless" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_3_au" AFTER UPDATE ON "typeless"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) SELECT 3, 'U', t."k", t."n" FROM "typeless" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_3_bd" BEFORE DELETE ON "typeless"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1, k2) VALUES(3, 'D', OLD."k", OLD."n");
END;

