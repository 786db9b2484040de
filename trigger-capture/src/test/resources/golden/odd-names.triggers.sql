CREATE TRIGGER "_sluice_1_bi" BEFORE INSERT ON "order"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."we ird; --" FROM "order" AS t WHERE t."a""b" = NEW."a""b" COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."we ird; --" FROM "order" AS t WHERE t."größe" = NEW."größe" COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."we ird; --" FROM "order" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_bu" BEFORE UPDATE ON "order"
WHEN OLD."we ird; --" IS NOT NEW."we ird; --" OR typeof(OLD."we ird; --") <> typeof(NEW."we ird; --") OR CAST(OLD."we ird; --" AS BLOB) IS NOT CAST(NEW."we ird; --" AS BLOB) OR OLD."a""b" IS NOT NEW."a""b" COLLATE BINARY OR OLD."größe" IS NOT NEW."größe" COLLATE BINARY OR OLD._rowid_ <> NEW._rowid_
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'N', NEW."we ird; --" WHERE OLD."we ird; --" IS NOT NEW."we ird; --" OR typeof(OLD."we ird; --") <> typeof(NEW."we ird; --") OR CAST(OLD."we ird; --" AS BLOB) IS NOT CAST(NEW."we ird; --" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'K', OLD."we ird; --" WHERE OLD."we ird; --" IS NOT NEW."we ird; --" OR typeof(OLD."we ird; --") <> typeof(NEW."we ird; --") OR CAST(OLD."we ird; --" AS BLOB) IS NOT CAST(NEW."we ird; --" AS BLOB);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."we ird; --" FROM "order" AS t WHERE t."a""b" = NEW."a""b" COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."we ird; --" FROM "order" AS t WHERE t."größe" = NEW."größe" COLLATE "BINARY";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."we ird; --" FROM "order" AS t WHERE t._rowid_ = NEW._rowid_ AND t._rowid_ <> OLD._rowid_;
END;

CREATE TRIGGER "_sluice_1_fi" BEFORE INSERT ON "order"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fu" BEFORE UPDATE ON "order"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fd" BEFORE DELETE ON "order"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_ai" AFTER INSERT ON "order"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'I', t."we ird; --" FROM "order" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_au" AFTER UPDATE ON "order"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'U', t."we ird; --" FROM "order" AS t WHERE t._rowid_ = NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_bd" BEFORE DELETE ON "order"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'D', OLD."we ird; --");
END;

