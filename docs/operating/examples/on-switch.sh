#!/bin/sh
# Runs a command after a switch, once it sees another side than the one before; DATABASE_URL, SLUICE_TRAFFIC and
# SLUICE_EPOCH are in its environment.
# usage: on-switch.sh DAEMON TOKEN_FILE COMMAND...      on-switch.sh http://127.0.0.1:7717 token systemctl restart app
set -u
daemon=$1 token_file=$2
shift 2

ask() { # the token goes through a pipe, as others can read a command line
    printf 'header = "Authorization: Bearer %s"\n' "$(cat "$token_file")" |
        curl --config - -sS --fail --max-time 90 -H 'Accept: text/plain' "$daemon/v1/traffic$1"
}

mark= served=
while :; do
    if answer=$(ask "${mark:+?after=$mark&timeout=60s}"); then
        eval "$answer" # the daemon quotes for shells
        export DATABASE_URL SLUICE_TRAFFIC SLUICE_EPOCH
        mark=$SLUICE_EPOCH-$SLUICE_TRAFFIC
        if [ "$SLUICE_TRAFFIC" != fenced ]; then
            [ -z "$served" ] || [ "$served" = "$SLUICE_TRAFFIC" ] || "$@"
            served=$SLUICE_TRAFFIC
        fi
    else
        sleep 1 # the daemon is being restarted: what was true stays true
    fi
done
