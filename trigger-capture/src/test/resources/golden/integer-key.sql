CREATE TABLE users(
    id INTEGER PRIMARY KEY,
    email TEXT COLLATE NOCASE UNIQUE,
    org INT,
    slug TEXT NOT NULL DEFAULT 'x'
);
CREATE UNIQUE INDEX users_slug ON users(org, slug);
CREATE UNIQUE INDEX users_lower ON users(lower(slug)) WHERE org > 0;
CREATE TABLE plain(id INTEGER PRIMARY KEY AUTOINCREMENT, x);
