#!/usr/bin/env bash
# A folder with Debian trixie and its RabbitMQ 4, to start private brokers from. Nothing in it runs as a service.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<'U'
trixie.sh make DIR     make it, unless it is there; about a minute, 400 MB; needs root, or sudo without a password
trixie.sh remove DIR   delete it
Then: RABBIT_ROOT=DIR rabbitmq.sh start ...
Environment: VLWORKER_TEST_DEBIAN  a mirror, http://deb.debian.org/debian by default
U
}

mirror=${VLWORKER_TEST_DEBIAN:-http://deb.debian.org/debian}
keys=/usr/share/keyrings/debian-archive-keyring.gpg

is_there() { compgen -G "$1/usr/lib/rabbitmq/lib/rabbitmq_server-4*/sbin" >/dev/null; }

become_root() {
    as_root=
    ((EUID == 0)) && return
    sudo -n true 2>/dev/null || fail "a Debian folder is made by root, and sudo asks for a password: run '$0 make DIR' once as root and name the folder in VLWORKER_TEST_TRIXIE"
    as_root=sudo
}

# Packages are verified by Debian's keys. Inside the folder no service can start: there is nothing to start it.
make_folder() { # DIR
    is_there "$1" && return
    become_root
    type -P debootstrap >/dev/null || fail "there is no debootstrap: install the packages debootstrap and debian-archive-keyring"
    [[ -e $keys ]] || fail "there is no $keys: install the package debian-archive-keyring"
    $as_root mkdir -p "$1"
    local log
    log=$($as_root debootstrap --variant=minbase --keyring="$keys" --include=rabbitmq-server trixie "$1" "$mirror" 2>&1) && is_there "$1" && return
    tail -n 15 <<<"$log" >&2
    $as_root rm -rf "$1"
    fail "Debian trixie with RabbitMQ 4 is not to be had from $mirror"
}

remove_folder() { # DIR
    become_root
    ! grep -qsF " $(realpath "$1")/" /proc/self/mounts || fail "something is still mounted in $1"
    $as_root rm -rf --one-file-system "$1"
}

[[ $# -eq 2 ]] || { usage >&2 && exit 2; }
case $1 in
    make) make_folder "$2" ;;
    remove) remove_folder "$2" ;;
    *) usage >&2 && exit 2 ;;
esac
