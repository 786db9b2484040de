#!/usr/bin/env python3
"""An application that follows Sluice: it writes where the flag file says, and does a refused write again.

usage: refused_write.py FLAG_FILE COUNT      appends the numbers 1 to COUNT to the table log(n)
"""
import shlex
import sqlite3
import subprocess
import sys
import time


class Refused(Exception):
    """The other side takes writes; nothing was written."""


def read_flag(path):
    with open(path, encoding="utf-8") as flag:
        words = shlex.split(flag.read(), comments=True)
    return dict(word.split("=", 1) for word in words)


def write_sqlite(url, n):
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=5)
    try:
        with connection:  # one transaction
            connection.execute("INSERT INTO log(n) VALUES (?)", (n,))
    except sqlite3.IntegrityError as e:
        if "sluice: writes have moved to PostgreSQL" in str(e):
            raise Refused from e
        raise
    finally:
        connection.close()


def write_postgres(url, n):
    # With psycopg: except psycopg.Error as e: if e.sqlstate == "SL001": raise Refused from e
    done = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate", "-v", f"n={n}", "-d", url],
        input="INSERT INTO log(n) VALUES (:n);", text=True, capture_output=True)
    if "SL001" in done.stderr:
        raise Refused
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def write(flag_file, n, patience=30):
    """Writes on the side that takes writes; returns its name."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        flag = read_flag(flag_file)
        try:
            if flag["SLUICE_TRAFFIC"] == "sqlite":
                write_sqlite(flag["DATABASE_URL"], n)
                return "sqlite"
            if flag["SLUICE_TRAFFIC"] == "postgres":
                write_postgres(flag["DATABASE_URL"], n)
                return "postgres"
        except Refused:
            pass  # a switch has begun: the flag file will say where it ended
        time.sleep(0.005)
    raise TimeoutError("neither side takes writes")


if __name__ == "__main__":
    for number in range(1, int(sys.argv[2]) + 1):
        print(number, write(sys.argv[1], number), flush=True)
