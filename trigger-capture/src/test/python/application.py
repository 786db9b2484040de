"""An application in Python; speaks the protocol of ApplicationProcess.java."""
import sqlite3
import sys

connection = None
kept = None
cursor = None


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def unescaped(text):
    plain, i = [], 0
    while i < len(text):
        if text[i] == "\\":
            i += 1
            plain.append({"n": "\n", "r": "\r"}.get(text[i], text[i]))
        else:
            plain.append(text[i])
        i += 1
    return "".join(plain)


def text_of(value):
    return "null" if value is None else str(value)


def code(error):
    return getattr(error, "sqlite_errorcode", 19 if isinstance(error, sqlite3.IntegrityError) else 1)


def answer(verb, text):
    global connection, kept, cursor
    if verb == "open":
        if connection is not None:
            connection.close()
        connection = sqlite3.connect(text, isolation_level=None)
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return [sqlite3.sqlite_version]
    if verb == "run":
        return ["|".join(map(text_of, row)) for row in connection.execute(text).fetchall()]
    if verb == "update":
        return [str(connection.execute(text).rowcount)]
    if verb == "insert":
        return [str(connection.execute(text).lastrowid)]
    if verb == "keep":  # the module itself keeps prepared statements
        kept = text
        return []
    if verb == "again":
        return [str(connection.execute(kept).rowcount)]
    if verb == "cursor":
        cursor = connection.execute(text)
        return []
    if verb == "next":
        row = cursor.fetchone()
        return [] if row is None else ["|".join(map(text_of, row))]
    raise sqlite3.ProgrammingError("no such request: " + verb)


def main():
    requests = open(sys.stdin.fileno(), encoding="utf-8", errors="surrogatepass", newline="\n")
    answers = open(sys.stdout.fileno(), "w", encoding="utf-8", errors="surrogatepass", newline="\n")
    for line in requests:
        verb, text = line[:-1].split(" ", 1)
        try:
            rows = answer(verb, unescaped(text))
            answers.write("ok %d\n" % len(rows) + "".join(escaped(row) + "\n" for row in rows))
        except (sqlite3.Error, sqlite3.Warning) as error:
            answers.write("no %d %s\n" % (code(error), escaped(str(error))))
        answers.flush()


main()
