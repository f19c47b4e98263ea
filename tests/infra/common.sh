# shellcheck shell=bash
# Shared by rabbitmq.sh and ceph.sh; sourced, never run.
# A server's folder holds a NAME.pid for each process ("pid start-time"), its ports, configuration, data and logs.

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Start time in ticks since boot; with the pid it names one process for good, however often pids are used again.
# Fails for a process that is gone. A zombie is gone too: nobody may be left to reap it.
start_time() {
    local stat
    read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # the fields behind the command's name, which may hold blanks and parentheses
    set -- ${stat##*) }
    [[ $1 != [ZX] ]] && printf '%s\n' "${20}"
}

record() { # NAME PID
    printf '%s %s\n' "$2" "$(start_time "$2" || echo gone)" >"$folder/$1.pid"
}

running() { # NAME
    local pid started
    read -r pid started 2>/dev/null <"$folder/$1.pid" && [[ $(start_time "$pid") == "$started" ]]
}

# Sends the signal, waits for the end, and after so many seconds ends the process for certain.
end() { # NAME SIGNAL SECONDS
    local pid rest
    if running "$1"; then
        read -r pid rest <"$folder/$1.pid"
        kill "-$2" "$pid" 2>/dev/null || true
        if ! wait_until "$3" not running "$1"; then
            kill -KILL "$pid" 2>/dev/null || true
            wait_until 10 not running "$1" || fail "process $pid ($1) does not end"
        fi
    fi
    rm -f "$folder/$1.pid"
}

not() { ! "$@"; }

wait_until() { # SECONDS CONDITION...
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

# Waits for the condition as long as the process lives, else fails with the ends of the logs.
await_ready() { # NAME SECONDS WHAT CONDITION...
    local name=$1 seconds=$2 what=$3
    shift 3
    ready_or_dead() { "$@" || ! running "$name"; }
    if wait_until "$seconds" ready_or_dead "$@" && running "$name"; then
        return 0
    fi
    {
        running "$name" && echo "$name is not ready after $seconds s: $what" || echo "$name has ended before it was ready"
        for log in "$folder"/log/*; do
            [[ -s $log ]] && printf -- '--- the end of %s\n' "$log" && tail -n 25 "$log"
        done
    } >&2
    return 1
}

# Runs a server in the background, apart from this terminal and its signals.
launch() { # NAME COMMAND...
    local name=$1
    shift
    setsid "$@" >>"$folder/log/$name.out" 2>&1 </dev/null 9>&- &
    record "$name" $!
}

# A TCP port that nothing on this machine uses now, from VLWORKER_TEST_PORTS (FIRST-LAST). The default lies below the ports
# that the kernel gives to outgoing connections.
free_port() {
    local range=${VLWORKER_TEST_PORTS:-20000-32000} first last port tries
    first=${range%-*} last=${range#*-}
    for ((tries = 0; tries < 1000; tries++)); do
        port=$((first + (RANDOM * 32768 + RANDOM) % (last - first + 1)))
        if ! grep -qiE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$port") " /proc/net/tcp /proc/net/tcp6 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    fail "no free port in $range"
}

answers() { # URL
    curl -fs --max-time 5 -o /dev/null "$1"
}

# From now on the server lives no longer than the process OWNER: a guard removes it then.
guard() { # OWNER
    [[ -n $1 ]] || return 0
    running guard && return 0
    local since
    since=$(start_time "$1") || fail "there is no process $1 to be the owner"
    launch guard bash "$0" guard "$folder" "$1" "$since"
}

keep_guard() { # OWNER SINCE
    while [[ -d $folder && $(start_time "$1") == "$2" ]]; do
        sleep 0.5
    done
    [[ ! -d $folder ]] || remove
}

# Ends it at once, since nobody needs the data any more.
remove() {
    lock
    kill_server
    rm -rf "$folder"
}

# One command at a time works on a folder.
lock() {
    exec 9>"$folder/lock"
    flock -w 120 9 || fail "another command still works on $folder"
}

# Reads "COMMAND DIR [--owner PID] [ARGUMENTS]" into command, folder, owner and arguments.
read_arguments() {
    [[ $# -ge 2 ]] || { usage >&2 && exit 2; }
    command=$1 folder=$2 owner=
    shift 2
    if [[ ${1:-} == --owner ]]; then
        owner=${2:?--owner needs a process id}
        shift 2
    fi
    arguments=("$@")
    [[ $command == start ]] && mkdir -p "$folder/log"
    [[ -d $folder ]] || fail "there is no folder $folder"
    folder=$(cd "$folder" && pwd -P)
    if [[ $command =~ ^(start|stop|kill|restart|.*-gateway)$ ]]; then
        lock
    fi
}
