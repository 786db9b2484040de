CREATE TABLE "order"("we ird; --" TEXT NOT NULL PRIMARY KEY, "a""b" UNIQUE, [größe] UNIQUE);
