#!/usr/bin/env bash
# Runs the tests against a real RabbitMQ and a real S3, and ends with a line "N passed, N failed".
#   ./test.sh [--full] [--no-build] [FILTER...]
#   --full      also what takes long (Category=Full), and all that needs a broker once more on RabbitMQ 4, from a folder with Debian trixie
#               (VLWORKER_TEST_TRIXIE, else made for this run)
#   --no-build  the Release build is there already
#   FILTER      as in `dotnet test --filter`: a part of a test's name, or an expression; several mean any of them
# Broker: VLWORKER_TEST_RABBITMQ (amqp://...), else a container where a Docker engine has or gets the image, else Debian's rabbitmq-server.
# Store: VLWORKER_TEST_S3 (http://ACCESS:SECRET@host:port), else Ceph's gateway from Debian. What is missing is installed; nothing is skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
source tests/infra/common.sh
source tests/infra/packages.sh

passed=0 failed=0 skipped=0 full='' build=yes filter='' chosen='' work='' finished=''

read_options() {
    while (($#)); do
        case $1 in
            --full) full=yes ;;
            --no-build) build='' ;;
            -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' test.sh && trap - EXIT && exit 0 ;;
            -*) problem "unknown option $1" && exit 2 ;;
            *) filter+="${filter:+|}$1" ;;
        esac
        shift
    done
    chosen=$filter
    [[ -n $full ]] || filter="${filter:+($filter)&}Category!=Full"
}

problem() {
    echo "FAILED: $*"
    failed=$((failed + 1))
}

# Runs a command so that a signal to this script is answered at once and not when the command has ended.
# The shell lets background commands ignore SIGINT, and tests send it: they get it back.
run() {
    env --default-signal=INT,QUIT "$@" </dev/null &
    wait $!
}

# Everything that a run starts inherits VLWORKER_TEST_RUN, so it can be found whatever became of its parents.
processes_of() { # RUN
    grep -lzsxF "VLWORKER_TEST_RUN=$1" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 | while read -r pid; do
        start_time "$pid" >/dev/null && echo "$pid"
    done
}

none_left() { [[ -z $(processes_of "$1") ]]; }

clear_run() { # RUN
    local script
    for script in rabbitmq:broker rabbitmq:broker4 ceph:store; do
        [[ ! -d $1/${script#*:} ]] || "tests/infra/${script%:*}.sh" remove "$1/${script#*:}"
    done
    # Servers that tests started are removed by their guards, a moment after the tests' end.
    if ! wait_until 10 none_left "$1"; then
        processes_of "$1" | xargs -r kill -KILL 2>/dev/null
        wait_until 10 none_left "$1"
    fi
    [[ ! -d $1/trixie ]] || tests/infra/trixie.sh remove "$1/trixie"
    rm -rf "$1"
}

# What a run left behind that was killed for good.
clear_earlier_runs() {
    local folder
    for folder in "${TMPDIR:-/tmp}"/vlworker-test.*; do
        [[ -O $folder && -e $folder/owner.pid ]] && ! running owner && clear_run "$folder"
    done
}

prepare() {
    clear_earlier_runs
    work=$(mktemp -d "${TMPDIR:-/tmp}/vlworker-test.XXXXXX") && work=$(cd "$work" && pwd -P) || exit 1
    folder=$work record owner $$
    export VLWORKER_TEST_RUN=$work TMPDIR=$work XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
    local sdk
    sdk=$(dotnet --version 2>&1) || { problem "no .NET SDK 10 (https://dot.net): $sdk" && exit 1; }
    install_packages || { problem "the packages above are missing" && exit 1; }
}

docker_has_image() {
    local image=${VLWORKER_TEST_RABBITMQ_IMAGE:-rabbitmq:4.1-management}
    type -P docker >/dev/null && timeout 10 docker version >/dev/null 2>&1 &&
        { timeout 10 docker image inspect "$image" >/dev/null 2>&1 || timeout 180 docker pull --quiet "$image" >/dev/null 2>&1; }
}

start_server() { # SCRIPT NAME
    tests/infra/"$1".sh start "$work/$2" --owner $$ >"$work/$2.env" || { problem "the $2 did not start" && exit 1; }
    set -a
    # shellcheck disable=SC1090
    source "$work/$2.env"
    set +a
}

start_servers() {
    if [[ -n ${VLWORKER_TEST_RABBITMQ:-} ]]; then
        echo "broker: given"
    elif docker_has_image; then
        echo "broker: container"
    else
        start_server rabbitmq broker
        echo "broker: rabbitmq-server at ${VLWORKER_TEST_RABBITMQ#*@}"
    fi
    if [[ -n ${VLWORKER_TEST_S3:-} ]]; then
        echo "store: given"
    else
        start_server ceph store
        echo "store: Ceph's gateway at ${VLWORKER_TEST_S3#*@}"
    fi
}

build() {
    [[ -n $build ]] || return 0
    run dotnet build VlWorker.sln -c Release --disable-build-servers -nodeReuse:false -clp:ErrorsOnly -v quiet ||
        { problem "the build" && exit 1; }
}

# One of the numbers in a result file's <Counters ...>.
counter() { # FILE NAME
    sed -n "s/.*<Counters [^>]*\\b$2=\"\\([0-9]*\\)\".*/\\1/p" "$1" | head -n 1
}

# A project counts as failed beyond its failed tests when its host crashed or hung, or when it ran nothing although nothing was filtered.
run_project() { # PROJECT [NAME]
    local name results status hang=10m total
    name=${2:-$(basename "$1" .csproj)} results=$work/results/${2:-$(basename "$1" .csproj)}.trx
    [[ -z $full ]] || hang=60m
    run dotnet test "$1" -c Release --no-build --filter "$filter" --results-directory "$work/results" --logger "trx;LogFileName=$name.trx" \
        --logger 'console;verbosity=minimal' --blame-hang --blame-hang-timeout $hang --blame-hang-dump-type none
    status=$?
    total=0
    if [[ -s $results ]]; then
        total=$(counter "$results" total)
        passed=$((passed + $(counter "$results" passed)))
        failed=$((failed + $(counter "$results" failed) + $(counter "$results" error) + $(counter "$results" timeout) + $(counter "$results" aborted)))
        skipped=$((skipped + total - $(counter "$results" executed)))
    fi
    if ((status != 0)) && [[ $(counter "$results" failed 2>/dev/null) == @(|0) ]]; then
        problem "$name: the test host ended with $status"
    elif ((total == 0)) && [[ -z $chosen ]]; then
        problem "$name: no test ran"
    fi
}

# docker-compose.yml ships RabbitMQ 4, Debian 12 has 3.10: what goes over a broker must pass on both.
run_on_rabbitmq4() {
    local root=${VLWORKER_TEST_TRIXIE:-$work/trixie} filter="${filter:+($filter)&}FullyQualifiedName!~.Fetching."
    tests/infra/trixie.sh make "$root" || { problem "no RabbitMQ 4: its half of the full run is missing" && return; }
    export RABBIT_ROOT=$root
    start_server rabbitmq broker4
    echo "broker: RabbitMQ 4 at ${VLWORKER_TEST_RABBITMQ#*@}"
    run_project tests/Integration/Integration.csproj Integration.RabbitMQ4
}

finish() {
    local status=$?
    trap - EXIT
    trap '' INT TERM
    unset VLWORKER_TEST_RUN # what runs from here on is not left behind
    [[ -n $finished ]] || ((failed > 0)) || problem "ended early with $status"
    if [[ -n $work ]]; then
        clear_run "$work"
    fi
    ((passed + failed > 0)) || problem "no test ran"
    printf '%d passed, %d failed%s\n' $passed $failed "$( ((skipped == 0)) || echo ", $skipped skipped")"
    ((failed == 0)) || exit $((status == 0 ? 1 : status))
    exit 0
}

trap finish EXIT
trap 'problem interrupted; exit 130' INT
trap 'problem terminated; exit 143' TERM
read_options "$@"
prepare
build
start_servers
for project in tests/*/*.csproj; do
    run_project "$project"
done
[[ -z $full ]] || run_on_rabbitmq4
finished=yes
