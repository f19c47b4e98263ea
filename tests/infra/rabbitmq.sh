#!/usr/bin/env bash
# A private RabbitMQ for tests: loopback only, free ports, no system service, everything in one folder.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<'U'
rabbitmq.sh start DIR [--owner PID]   start it; prints its URIs, which are also in DIR/env; with an owner it is removed when that process ends
rabbitmq.sh stop DIR                  orderly; data and ports stay for the next start
rabbitmq.sh kill DIR                  at once, as if the power had failed
rabbitmq.sh restart DIR               stop and start
rabbitmq.sh remove DIR                kill it and delete the folder
rabbitmq.sh ctl DIR ARGUMENTS...      rabbitmqctl
rabbitmq.sh call DIR 'MODULE FUNCTION [ARGUMENTS]'  calls a function in the broker; at once, where rabbitmqctl first starts a runtime of its own
Environment: RABBIT_ROOT    root folder of a Debian system with another rabbitmq-server (made by trixie.sh)
             RABBIT_CONFIG  further lines of rabbitmq.conf, for the first start
             VLWORKER_TEST_PORTS  FIRST-LAST, the ports to choose from
U
}

root=${RABBIT_ROOT:-}  # fixed by the first start

# Runs a command where the broker is installed. In another root the server's folder appears as /mnt, and the folder for temporary files, where tests
# put certificates, in its own place; the network stays the same.
installed() {
    if [[ -z $root ]]; then
        exec "$@"
    fi
    local user=()
    ((EUID == 0)) || user=(--user --map-root-user)
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec unshare --mount "${user[@]}" bash -c '
        root=$1 folder=$2 temporary=$3
        shift 3
        for place in proc dev sys; do mount --rbind /$place "$root/$place" || exit; done
        mkdir -p "$root$temporary" && mount --bind "$temporary" "$root$temporary" || exit
        mount --bind "$folder" "$root/mnt" && exec chroot "$root" "$@"' - "$root" "$folder" "${TMPDIR:-/tmp}" "$@"
}

find_broker() {
    sbin=$(find "$root"/usr/lib/rabbitmq/lib -maxdepth 2 -path '*/rabbitmq_server-*/sbin' 2>/dev/null | head -n 1)
    [[ -n $sbin ]] || fail "there is no RabbitMQ in ${root:-/}: install the package rabbitmq-server"
    sbin=${sbin#"$root"}
}

choose_ports() {
    printf 'amqp=%s management=%s distribution=%s epmd=%s root=%q\n' \
        "$(free_port)" "$(free_port)" "$(free_port)" "$(free_port)" "$root" >"$folder/settings"
}

# The environment of the broker and of rabbitmqctl. HOME holds the Erlang cookie, so no two brokers know each other.
set_environment() {
    local amqp management distribution epmd inside=$folder
    # shellcheck disable=SC1091
    source "$folder/settings"
    [[ -z $root ]] || inside=/mnt
    export HOME=$inside LANG=C.UTF-8 ERL_EPMD_PORT=$epmd ERL_EPMD_ADDRESS=127.0.0.1
    export RABBITMQ_USE_LONGNAME=true RABBITMQ_NODENAME="vl$amqp@127.0.0.1" RABBITMQ_DIST_PORT=$distribution
    export RABBITMQ_MNESIA_BASE=$inside/data RABBITMQ_LOG_BASE=$inside/log RABBITMQ_PID_FILE=$inside/beam
    export RABBITMQ_CONFIG_FILE=$inside/rabbitmq.conf RABBITMQ_GENERATED_CONFIG_DIR=$inside/generated
    export RABBITMQ_ADVANCED_CONFIG_FILE=$inside/none.config RABBITMQ_ENABLED_PLUGINS_FILE=$inside/plugins
    export RABBITMQ_CONF_ENV_FILE=/dev/null
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none'
    # The start script becomes the broker instead of watching over it: signals and pids are the broker's own.
    export RUNNING_UNDER_SYSTEMD=1
    amqp_port=$amqp management_port=$management
}

# RabbitMQ 4 still permits what a later version will refuse: here it is refused already. The management API's figures stay: autoscaling reads them.
refuse_deprecated() {
    [[ $sbin == */rabbitmq_server-4* ]] || return 0
    printf 'deprecated_features.permit.%s = false\n' transient_nonexcl_queues global_qos queue_master_locator
}

write_configuration() {
    mkdir -p "$folder/data"
    echo '[rabbitmq_management].' >"$folder/plugins"
    cat >"$folder/rabbitmq.conf" <<C
listeners.tcp.1 = 127.0.0.1:$amqp_port
management.tcp.ip = 127.0.0.1
management.tcp.port = $management_port
default_user = guest
default_pass = guest
num_acceptors.tcp = 2
collect_statistics_interval = 1000
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
$(refuse_deprecated)
${RABBIT_CONFIG:-}
C
    cat >"$folder/env" <<C
VLWORKER_TEST_RABBITMQ=amqp://guest:guest@127.0.0.1:$amqp_port/
VLWORKER_TEST_RABBITMQ_MANAGEMENT=http://guest:guest@127.0.0.1:$management_port/
C
}

# The broker greets with a method frame (first byte 1) as soon as it takes connections.
greets() {
    local first
    # shellcheck disable=SC2016
    first=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "AMQP\0\0\11\1" >&3 && head -c 1 <&3 | od -An -tx1' - "$amqp_port" 2>/dev/null)
    [[ $first == *01* ]] && answers "http://guest:guest@127.0.0.1:$management_port/api/overview"
}

start_server() {
    [[ -e $folder/settings ]] || choose_ports
    set_environment
    find_broker
    [[ -e $folder/rabbitmq.conf ]] || write_configuration
    if ! running broker; then
        # epmd, Erlang's port mapper, would be started as a daemon that nobody stops.
        running epmd || launch epmd bash "$0" exec "$folder" epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1
        launch broker bash "$0" exec "$folder" "$sbin/rabbitmq-server"
    fi
    await_ready broker 90 "no greeting on port $amqp_port" greets
}

stop_server() {
    end broker TERM 30
    end epmd TERM 5
}

# In a shell of its own: the command takes the shell's place.
call_broker() (
    set_environment
    installed /usr/lib/erlang/bin/erl_call -name "$RABBITMQ_NODENAME" -c "$(<"$folder/.erlang.cookie")" -timeout 60 -a "$@"
)

# A broker before 4 writes the names of new quorum queues down some seconds late (rabbitmq/ra#443): one that is killed before that knows its last
# queues no more. Not what tests that kill brokers are about, so they are written down first.
keep_queue_names() {
    running broker || return 0
    set_environment
    find_broker
    [[ $sbin == */rabbitmq_server-4* ]] || call_broker 'dets sync [ra_directory_reverse]' >/dev/null
}

kill_server() {
    end broker KILL 10
    end epmd KILL 5
}

# Somebody else may have taken a port between the choice and the start: choose again, unless data exist already.
start_anew() {
    local try
    [[ ! -e $folder/settings ]] || { start_server && return 0 || exit 1; }
    for try in 1 2 3; do
        start_server && return 0
        stop_server
        grep -qsi 'eaddrinuse\|in use' "$folder"/log/* && ((try < 3)) || exit 1
        rm -rf "$folder/settings" "$folder/rabbitmq.conf" "$folder/data" "$folder"/log/*
    done
}

main() {
    read_arguments "$@"
    case $command in
        start)
            start_anew
            guard "$owner"
            cat "$folder/env"
            ;;
        stop) stop_server ;;
        kill)
            keep_queue_names
            end broker KILL 10
            ;;
        remove) remove ;;
        restart)
            stop_server
            start_anew
            ;;
        ctl)
            running broker || fail "no broker is running in $folder"
            set_environment
            find_broker
            installed "$sbin/rabbitmqctl" "${arguments[@]}"
            ;;
        call)
            running broker || fail "no broker is running in $folder"
            call_broker "${arguments[@]}"
            ;;
        exec)
            set_environment
            installed "${arguments[@]}"
            ;;
        guard) keep_guard "${arguments[@]}" ;;
        *) usage >&2 && exit 2 ;;
    esac
}

main "$@"
