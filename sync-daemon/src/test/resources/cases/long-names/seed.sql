INSERT INTO a_name_that_is_longer_than_the_sixty_three_bytes_which_postgresql_keeps_one VALUES (1, 'a', 'b');
INSERT INTO a_name_that_is_longer_than_the_sixty_three_bytes_which_postgresql_keeps_two VALUES (1, 1), (2, NULL);
INSERT INTO "ääääääääääääääääääääääääääääääääääääääää" VALUES (1);
