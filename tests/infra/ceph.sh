#!/usr/bin/env bash
# A private S3 for tests: Ceph's gateway on one monitor and one in-memory store; loopback only, free ports, no system service.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<'U'
ceph.sh start DIR [--owner PID]  start it, empty, with two users; prints their URIs, which are also in DIR/env;
                                 with an owner it is removed when that process ends
ceph.sh remove DIR               stop all of it and delete the folder
ceph.sh kill-gateway DIR         connections are refused from now on; the objects stay
ceph.sh start-gateway DIR        serve them again on the same port
ceph.sh user DIR NAME            make a user, print "ACCESS SECRET"
ceph.sh admin DIR ARGUMENTS...   radosgw-admin
Environment: VLWORKER_TEST_PORTS  FIRST-LAST, the ports to choose from
U
}

find_ceph() {
    local program
    for program in ceph ceph-mon ceph-osd monmaptool radosgw radosgw-admin; do
        type -P "$program" >/dev/null || fail "there is no $program: install the packages ceph-mon ceph-osd ceph-common radosgw"
    done
}

# One copy of everything, no encryption between the parts, nothing that runs by itself in the background.
write_configuration() {
    local range=${VLWORKER_TEST_PORTS:-20000-32000}
    gateway_port=$(free_port) monitor_port=$(free_port) id=$(uuid)
    mkdir -p "$folder/monitor" "$folder/store" "$folder/gateway" "$folder/run"
    : >"$folder/keyring"
    cat >"$folder/ceph.conf" <<C
[global]
fsid = $id
mon initial members = a
mon host = [v2:127.0.0.1:$monitor_port]
public addr = 127.0.0.1
public network = 127.0.0.1/32
ms bind msgr1 = false
ms bind port min = $(free_port)
ms bind port max = ${range#*-}
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
keyring = $folder/keyring
run dir = $folder/run
crash dir = $folder/run
admin socket = $folder/run/\$name.sock
pid file = $folder/run/\$name.pid
log file = $folder/log/\$name.log
mon data = $folder/monitor
mon data avail warn = 1
mon data avail crit = 1
mon allow pool size one = true
mon max pg per osd = 1000
paxos propose interval = 0.05
osd data = $folder/store
osd objectstore = memstore
memstore device bytes = 3221225472
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 2
osd pool default pgp num = 2
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd op num shards = 2
osd op num threads per shard = 1
[client.rgw.a]
rgw data = $folder/gateway
rgw frontends = beast endpoint=127.0.0.1:$gateway_port tcp_nodelay=1
rgw thread pool size = 64
rgw dynamic resharding = false
rgw override bucket index max shards = 1
rgw enable gc threads = false
rgw enable lc threads = false
rgw enable quota threads = false
rgw run sync thread = false
C
}

uuid() { cat /proc/sys/kernel/random/uuid; }

start_store() {
    local osd
    monmaptool --create --clobber --fsid "$id" --addv a "[v2:127.0.0.1:$monitor_port]" "$folder/monmap" >"$folder/log/monmap.out" 2>&1
    ceph-mon --mkfs -i a --monmap "$folder/monmap" --keyring "$folder/keyring" >"$folder/log/monitor.out" 2>&1
    launch monitor ceph-mon -f -i a
    osd=$(uuid)
    await_ready monitor 60 "no answer on port $monitor_port" quietly timeout 10 ceph --connect-timeout 5 osd new "$osd"
    ceph-osd -i 0 --mkfs --osd-uuid "$osd" >"$folder/log/store.out" 2>&1
    launch store ceph-osd -f -i 0
}

quietly() { "$@" >/dev/null 2>&1; }

start_gateway() {
    gateway_port=$(sed -n 's/^rgw frontends = .*:\([0-9]*\) .*/\1/p' "$folder/ceph.conf")
    running gateway || launch gateway radosgw -f -n client.rgw.a
    await_ready gateway 60 "no answer on port $gateway_port" answers "http://127.0.0.1:$gateway_port/"
}

admin() {
    timeout 30 radosgw-admin -n client.rgw.a "$@" 2>>"$folder/log/admin.out"
}

make_user() { # NAME
    local secret
    secret=$(uuid)
    admin user create --uid="$1" --display-name="$1" --access-key="$1" --secret-key="${secret//-/}" >/dev/null ||
        fail "the user $1 could not be made: $(tail -n 3 "$folder/log/admin.out")"
    printf '%s %s\n' "$1" "${secret//-/}"
}

start_server() {
    local first second
    find_ceph
    kill_server
    find "$folder" -mindepth 1 -maxdepth 1 ! -name lock ! -name guard.pid -exec rm -rf {} +
    mkdir -p "$folder/log"
    write_configuration
    start_store && start_gateway || return 1
    first=$(make_user vl-owner) second=$(make_user vl-other)
    cat >"$folder/env" <<C
VLWORKER_TEST_S3=http://${first/ /:}@127.0.0.1:$gateway_port
VLWORKER_TEST_S3_OTHER=http://${second/ /:}@127.0.0.1:$gateway_port
C
}

# What stands on something goes first. The data live in memory, so there is nothing to save.
kill_server() {
    end gateway KILL 10
    end store KILL 10
    end monitor KILL 10
}

start_anew() {
    local try
    for try in 1 2 3; do
        (start_server) && return 0
        kill_server
        grep -qsi 'in use' "$folder"/log/* && ((try < 3)) || exit 1
    done
}

main() {
    read_arguments "$@"
    export CEPH_CONF=$folder/ceph.conf
    case $command in
        start)
            start_anew
            guard "$owner"
            cat "$folder/env"
            ;;
        remove) remove ;;
        kill-gateway) end gateway KILL 10 ;;
        start-gateway) start_gateway ;;
        user) make_user "${arguments[@]}" ;;
        admin) admin "${arguments[@]}" ;;
        guard) keep_guard "${arguments[@]}" ;;
        *) usage >&2 && exit 2 ;;
    esac
}

main "$@"
