CREATE TRIGGER "_sluice_1_bu" BEFORE UPDATE ON "events"
WHEN OLD._rowid_ <> NEW._rowid_
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'N', NEW._rowid_ WHERE OLD._rowid_ <> NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_fi" BEFORE INSERT ON "events"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fu" BEFORE UPDATE ON "events"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fd" BEFORE DELETE ON "events"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_ai" AFTER INSERT ON "events"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'I', NEW._rowid_);
END;

CREATE TRIGGER "_sluice_1_au" AFTER UPDATE ON "events"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'U', NEW._rowid_);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'K', OLD._rowid_ WHERE OLD._rowid_ <> NEW._rowid_;
END;

CREATE TRIGGER "_sluice_1_ad" AFTER DELETE ON "events"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'D', OLD._rowid_);
END;

CREATE TRIGGER "_sluice_2_bi" BEFORE INSERT ON "nullable"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'R', t._rowid_ FROM "nullable" AS t WHERE t."k" = NEW."k" COLLATE "BINARY";
END;

CREATE TRIGGER "_sluice_2_bu" BEFORE UPDATE ON "nullable"
WHEN OLD._rowid_ <> NEW._rowid_ OR OLD."k" IS NOT NEW."k" COLLATE BINARY
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'N', NEW._rowid_ WHERE OLD._rowid_ <> NEW._rowid_;
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'R', t._rowid_ FROM "nullable" AS t WHERE t."k" = NEW."k" COLLATE "BINARY";
END;

CREATE TRIGGER "_sluice_2_fi" BEFORE INSERT ON "nullable"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_fu" BEFORE UPDATE ON "nullable"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_fd" BEFORE DELETE ON "nullable"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_ai" AFTER INSERT ON "nullable"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(2, 'I', NEW._rowid_);
END;

CREATE TRIGGER "_sluice_2_au" AFTER UPDATE ON "nullable"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(2, 'U', NEW._rowid_);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'K', OLD._rowid_ WHERE OLD._rowid_ <> NEW._rowid_;
END;

CREATE TRIGGER "_sluice_2_ad" AFTER DELETE ON "nullable"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(2, 'D', OLD._rowid_);
END;

