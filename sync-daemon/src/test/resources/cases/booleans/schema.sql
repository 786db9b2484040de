CREATE TABLE flags (
  id INTEGER PRIMARY KEY, numbers BOOLEAN NOT NULL DEFAULT 0, letters BOOLEAN, words BOOL, mixed BOOLEAN, too_many BOOLEAN DEFAULT false,
  yes_no BOOLEAN, in_int INTEGER, empty BOOLEAN, quoted BOOLEAN DEFAULT 'f'
);
