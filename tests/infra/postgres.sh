#!/usr/bin/env bash
# A private PostgreSQL for tests: no TCP port, a socket in its own folder, no system service. With pgvector where that is installed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<'U'
postgres.sh start DIR [--owner PID]   start it; prints its DSN, which is also in DIR/env; with an owner it is removed when that process ends
postgres.sh remove DIR                kill it and delete the folder
U
}

find_server() {
    bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    [[ -n $bin ]] || fail "there is no PostgreSQL: install the package postgresql"
}

# The server refuses to run as root: it then runs as the user that Debian's package made.
as_user() {
    if ((EUID == 0)); then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        "$@"
    fi
}

accepts() { as_user "$bin/pg_isready" -q -h "$place" -U postgres; }

# A socket's path has a hundred characters at most, and the folder above may be closed to the server's user: it lives in a short one beside /tmp's.
start_server() {
    find_server
    if [[ ! -e $folder/place ]]; then
        place=$(mktemp -d /tmp/vlpg.XXXXXX)
        echo "$place" >"$folder/place"
        ((EUID != 0)) || chown postgres "$place"
        as_user "$bin/initdb" -D "$place/data" -U postgres -A trust --no-sync >"$folder/log/initdb" 2>&1 || fail "initdb: $(tail -n 3 "$folder/log/initdb")"
        echo "VLWORKER_TEST_POSTGRES=host=$place user=postgres dbname=postgres" >"$folder/env"
    fi
    place=$(<"$folder/place")
    if ! running postgres; then
        if ((EUID == 0)); then
            launch postgres setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$place/data" -k "$place" -c listen_addresses=
        else
            launch postgres "$bin/postgres" -D "$place/data" -k "$place" -c listen_addresses=
        fi
    fi
    await_ready postgres 60 "it takes no connections" accepts
}

kill_server() {
    end postgres INT 10
    [[ ! -e $folder/place ]] || rm -rf "$(<"$folder/place")"
}

main() {
    read_arguments "$@"
    case $command in
        start)
            start_server
            guard "$owner"
            cat "$folder/env"
            ;;
        remove) remove ;;
        guard) keep_guard "${arguments[@]}" ;;
        *) usage >&2 && exit 2 ;;
    esac
}

main "$@"
