CREATE TRIGGER "_sluice_1_bi" BEFORE INSERT ON "users"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "users" AS t WHERE t."email" = NEW."email" COLLATE "NOCASE";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "users" AS t WHERE (lower(slug)) = (SELECT lower(slug) FROM (SELECT coalesce(NEW."slug", 'x') AS "slug")) COLLATE "BINARY" AND (org > 0);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "users" AS t WHERE t."org" = NEW."org" COLLATE "BINARY" AND t."slug" = coalesce(NEW."slug", 'x') COLLATE "BINARY";
END;

CREATE TRIGGER "_sluice_1_bu" BEFORE UPDATE ON "users"
WHEN OLD."id" <> NEW."id" OR OLD."email" IS NOT NEW."email" COLLATE BINARY OR OLD."slug" IS NOT NEW."slug" OR typeof(OLD."slug") <> typeof(NEW."slug") OR CAST(OLD."slug" AS BLOB) IS NOT CAST(NEW."slug" AS BLOB) OR OLD."org" IS NOT NEW."org" OR typeof(OLD."org") <> typeof(NEW."org") OR CAST(OLD."org" AS BLOB) IS NOT CAST(NEW."org" AS BLOB)
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'N', NEW."id" WHERE OLD."id" <> NEW."id";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "users" AS t WHERE t."email" = NEW."email" COLLATE "NOCASE";
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "users" AS t WHERE (lower(slug)) = (SELECT lower(slug) FROM (SELECT coalesce(NEW."slug", 'x') AS "slug")) COLLATE "BINARY" AND (org > 0);
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'R', t."id" FROM "users" AS t WHERE t."org" = NEW."org" COLLATE "BINARY" AND t."slug" = coalesce(NEW."slug", 'x') COLLATE "BINARY";
END;

CREATE TRIGGER "_sluice_1_fi" BEFORE INSERT ON "users"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fu" BEFORE UPDATE ON "users"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_fd" BEFORE DELETE ON "users"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_1_ai" AFTER INSERT ON "users"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'I', NEW."id");
END;

CREATE TRIGGER "_sluice_1_au" AFTER UPDATE ON "users"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'U', NEW."id");
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 1, 'K', OLD."id" WHERE OLD."id" <> NEW."id";
END;

CREATE TRIGGER "_sluice_1_ad" AFTER DELETE ON "users"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(1, 'D', OLD."id");
END;

CREATE TRIGGER "_sluice_2_bu" BEFORE UPDATE ON "plain"
WHEN OLD."id" <> NEW."id"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'N', NEW."id" WHERE OLD."id" <> NEW."id";
END;

CREATE TRIGGER "_sluice_2_fi" BEFORE INSERT ON "plain"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_fu" BEFORE UPDATE ON "plain"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_fd" BEFORE DELETE ON "plain"
WHEN (SELECT fenced FROM "_sluice_control" WHERE id = 1) = 1
BEGIN
  SELECT RAISE(ABORT, 'sluice: writes have moved to PostgreSQL');
END;

CREATE TRIGGER "_sluice_2_ai" AFTER INSERT ON "plain"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(2, 'I', NEW."id");
END;

CREATE TRIGGER "_sluice_2_au" AFTER UPDATE ON "plain"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(2, 'U', NEW."id");
  INSERT INTO "_sluice_changelog"(tid, op, k1) SELECT 2, 'K', OLD."id" WHERE OLD."id" <> NEW."id";
END;

CREATE TRIGGER "_sluice_2_ad" AFTER DELETE ON "plain"
BEGIN
  INSERT INTO "_sluice_changelog"(tid, op, k1) VALUES(2, 'D', OLD."id");
END;

