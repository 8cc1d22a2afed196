#!/usr/bin/env bash
# A PostgreSQL server for tests: tests/common/postgres.sh FOLDER [--keep] [-c SETTING=VALUE]…
#
# Runs in FOLDER, which it makes and removes, until its standard input ends: so it ends also when whoever started it is killed.
# It listens on the socket in FOLDER alone and lets everybody in, unless settings say otherwise. What it wrote does not outlive
# the machine (fsync = off): tests of crashes start their own. With --keep the folder stays, and is taken up again.
set -euo pipefail

readonly FOLDER=$1 BIN=/usr/lib/postgresql/15/bin
shift
keep=
[[ ${1:-} != --keep ]] || { keep=1; shift; }
become=()
mkdir -p "$FOLDER"
if [[ $EUID -eq 0 ]]; then
    # The server does not run as root.
    become=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    chown -R postgres: "$FOLDER"
fi
server=
end() {
    [[ -z $server ]] || { kill -INT "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; }
    [[ $keep ]] || rm -rf "$FOLDER"
}
trap end EXIT
if [[ ! -e $FOLDER/data/PG_VERSION ]]; then
    "${become[@]}" "$BIN/initdb" --pgdata="$FOLDER/data" --username=kdp --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        --no-sync >/dev/null
fi
cd "$FOLDER"
"${become[@]}" "$BIN/postgres" -D "$FOLDER/data" -k "$FOLDER" -c listen_addresses= -c max_connections=500 \
    -c fsync=off -c full_page_writes=off -c shared_buffers=64MB -c logging_collector=off "$@" </dev/null >"$FOLDER/log" 2>&1 &
server=$!
cat >/dev/null || true
