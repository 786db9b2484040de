#!/usr/bin/env python3
"""Asks both databases who takes writes; needs neither the daemon nor its files.

usage: control_rows.py SQLITE_FILE POSTGRES_URL MIGRATION      prints sqlite, fenced or postgres
"""
import sqlite3
import subprocess
import sys


def traffic(sqlite_file, postgres_url, migration):
    connection = sqlite3.connect(f"file:{sqlite_file}?mode=ro", uri=True)
    try:
        fenced = connection.execute("SELECT fenced FROM _sluice_control WHERE id = 1").fetchone()[0]
    finally:
        connection.close()
    if fenced == 0:
        return "sqlite"  # while SQLite is open, PostgreSQL is not
    row = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", f"m={migration}", "-d", postgres_url],
        input="SELECT traffic FROM sluice.control WHERE migration = :'m';", text=True, capture_output=True, check=True)
    return "postgres" if row.stdout.strip() == "postgres" else "fenced"


if __name__ == "__main__":
    print(traffic(*sys.argv[1:4]))
