#!/bin/sh
# Appends a number to the table log(n), on the side that takes writes.
# usage: append.sh FLAG_FILE NUMBER
set -u
flag=$1 n=$2
case $flag in */*) ;; *) flag=./$flag ;; esac # else "." would look along PATH
case $n in *[!0-9]* | '') echo "append.sh: a number, please" >&2; exit 2 ;; esac

tries=0
while [ $tries -lt 600 ]; do
    tries=$((tries + 1))
    . "$flag"
    case $SLUICE_TRAFFIC in
    sqlite)
        said=$(sqlite3 -bail -cmd '.timeout 5000' "${DATABASE_URL#sqlite:///}" "INSERT INTO log(n) VALUES ($n)" 2>&1) \
            && { echo "$n sqlite"; exit 0; }
        refusal='sluice: writes have moved to PostgreSQL' ;;
    postgres)
        said=$(psql -X -q -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -d "$DATABASE_URL" \
            -c "INSERT INTO log(n) VALUES ($n)" 2>&1) && { echo "$n postgres"; exit 0; }
        refusal=SL001 ;;
    *)
        said= refusal= ;; # a switch is under way
    esac
    case $said in
    *"$refusal"*) sleep 0.02 ;; # not written: look again where it belongs
    *) echo "append.sh: $said" >&2; exit 1 ;;
    esac
done
echo "append.sh: neither side takes writes" >&2
exit 1
