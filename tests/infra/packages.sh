# shellcheck shell=bash
# Installs what the tests need from Debian's packages; sourced by test.sh.

policy=/usr/sbin/policy-rc.d
policy_kept=$policy.before-vlworker-tests
policy_mark='# put here by VlWorker'\''s test.sh while it installs packages'

# The packages that are missing, one a line.
missing_packages() {
    [[ -n ${VLWORKER_TEST_RABBITMQ:-} && -z $full ]] || [[ -n $(find /usr/lib/rabbitmq/lib -maxdepth 1 -name 'rabbitmq_server-*' 2>/dev/null) ]] ||
        echo rabbitmq-server
    local pair
    for pair in ceph:ceph-common ceph-mon:ceph-mon ceph-osd:ceph-osd radosgw:radosgw curl:curl ps:procps promtool:prometheus \
        node:nodejs npm:npm chromium:chromium gcc:gcc; do
        type -P "${pair%%:*}" >/dev/null || echo "${pair##*:}"
    done
    /usr/bin/python3 -c 'import pika' 2>/dev/null || echo python3-pika
    /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || echo python3-psycopg2
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || echo postgresql
    [[ -e /usr/include/stdlib.h ]] || echo libc6-dev
    compgen -G '/usr/lib/*/libturbojpeg.so.0' >/dev/null || echo libturbojpeg0
    [[ -z $full || -n ${VLWORKER_TEST_TRIXIE:-} ]] || type -P debootstrap >/dev/null || printf '%s\n' debootstrap debian-archive-keyring
}

# Debian starts a service as it is installed, unless this policy forbids it. One that forbids already stays as it is.
forbid_services() {
    restore_policy
    if [[ -x $policy ]] && ! $as_root "$policy" rabbitmq-server start >/dev/null 2>&1; then
        return
    fi
    [[ ! -e $policy ]] || $as_root mv "$policy" "$policy_kept"
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
}

# Also after an earlier run that was killed in between.
restore_policy() {
    if grep -qsF "$policy_mark" "$policy"; then
        $as_root rm -f "$policy"
    fi
    if [[ -e $policy_kept && ! -e $policy ]]; then
        $as_root mv "$policy_kept" "$policy"
    fi
}

# Fails, saying what to install, where this can't be done.
install_packages() {
    local -a missing
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    local advice="missing: ${missing[*]}; install: apt-get install --no-install-recommends ${missing[*]}"
    type -P apt-get >/dev/null || { echo "$advice (there is no apt-get here)" >&2 && return 1; }
    as_root=
    if ((EUID != 0)); then
        sudo -n true 2>/dev/null || { echo "$advice (needs root, and sudo asks for a password)" >&2 && return 1; }
        as_root=sudo
    fi
    echo "installing ${missing[*]}"
    forbid_services
    apt_install "${missing[@]}" || { $as_root apt-get update -q </dev/null && apt_install "${missing[@]}"; }
    local status=$?
    restore_policy
    keep_services_off "${missing[@]}"
    ((status == 0)) || echo "$advice" >&2
    return $status
}

apt_install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" </dev/null >"$work/apt.log" 2>&1 ||
        { tail -n 15 "$work/apt.log" && return 1; }
}

# What has just been installed is not to start with the machine either.
keep_services_off() {
    type -P systemctl >/dev/null || return 0
    [[ " $* " != *" rabbitmq-server "* ]] || $as_root systemctl disable rabbitmq-server.service epmd.service epmd.socket >/dev/null 2>&1 || true
    [[ " $* " != *" prometheus "* ]] || $as_root systemctl disable prometheus.service >/dev/null 2>&1 || true
    [[ " $* " != *" postgresql "* ]] || $as_root systemctl disable postgresql.service >/dev/null 2>&1 || true
}
