# The cloud that a person uses: started in the background, stopped, and pointed at.
# SPDX-License-Identifier: Apache-2.0

# Process id, address and log stand here and not in the data directory, which holds c10m's files only.
RUN_DIR=${C10M_RUN_DIR:-build/run}
UP_SECONDS_MAX=30
# A drain may take as long as a transaction (4 s) and a little.
DOWN_SECONDS_MAX=20

# The process id of the cloud that ./dev up started; false when it does not run.
cloud_pid() {
    local pid
    pid=$(cat "$RUN_DIR/c10m.pid" 2>/dev/null) || return 1
    # Ids are used again: it must still be our program.
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'c10m supervise ' || return 1
    echo "$pid"
}

# The URL of an address that may be a wildcard.
cloud_url() {
    local address=$1
    address=${address/#0.0.0.0:/127.0.0.1:}
    echo "http://${address/#\[::\]:/[::1]:}"
}

cloud_answers() {
    curl --silent --fail --noproxy '*' --max-time 2 --output /dev/null "$1/_c10m/health"
}

port_is_taken() {
    local code=0
    curl --silent --noproxy '*' --max-time 1 --output /dev/null "$1" || code=$?
    [ "$code" -ne 7 ] # 7: nobody listens
}

cloud_answers_or_is_dead() {
    cloud_answers "$1" || ! kill -0 "$2" 2>/dev/null
}

cloud_start() {
    local listen=$1 data=$2 url=$3 pid
    mkdir -p "$RUN_DIR"
    [ ! -f "$RUN_DIR/c10m.log" ] || mv "$RUN_DIR/c10m.log" "$RUN_DIR/c10m.log.1"
    say "+ build/release/c10m supervise --listen $listen --data $data   # log: $RUN_DIR/c10m.log"
    setsid nohup build/release/c10m supervise --listen "$listen" --data "$data" \
        </dev/null >"$RUN_DIR/c10m.log" 2>&1 &
    pid=$!
    echo "$pid" >"$RUN_DIR/c10m.pid"
    echo "$url" >"$RUN_DIR/c10m.url"
    realpath "$data" >"$RUN_DIR/c10m.data"
    eventually "$UP_SECONDS_MAX" cloud_answers_or_is_dead "$url" "$pid" || true
    if ! cloud_answers "$url" || ! cloud_pid >/dev/null; then
        tail -n 20 "$RUN_DIR/c10m.log" >&2
        cmd_down >/dev/null 2>&1 || true
        fail "c10m did not start; its last lines are above"
    fi
}

cmd_up() {
    local data=data listen=127.0.0.1:4566 pid url
    while [ $# -gt 0 ]; do
        case $1 in
        --data) data=${2:?dev: --data needs a directory} ;;
        --listen) listen=${2:?dev: --listen needs ADDR:PORT} ;;
        *) fail "up takes --data DIR and --listen ADDR:PORT, not '$1'" ;;
        esac
        shift 2
    done
    url=$(cloud_url "$listen")
    if pid=$(cloud_pid); then
        url=$(cat "$RUN_DIR/c10m.url")
        cloud_answers "$url" || fail "process $pid runs but does not answer at $url: ./dev down"
        echo "c10m runs already (process $pid, $url); ./dev down stops it."
        return
    fi
    cmd_setup
    setup_venv requirements.txt
    cmd_fetch
    build_release
    ! port_is_taken "$url" || fail "something else listens on $listen: stop it, or use --listen"
    cloud_start "$listen" "$data" "$url"
    cat <<EOF

c10m answers at $url; its data is in $data, its log in $RUN_DIR/c10m.log.
Paste this next:

    eval "\$(./dev env)"
    aws sqs create-queue --queue-name jobs

./dev down stops it.
EOF
}

cloud_has_ended() {
    ! cloud_pid >/dev/null
}

cmd_down() {
    local pid
    if ! pid=$(cloud_pid); then
        rm -f "$RUN_DIR/c10m.pid"
        echo "c10m does not run."
        return
    fi
    run kill -TERM "$pid"
    eventually "$DOWN_SECONDS_MAX" cloud_has_ended || fail "process $pid did not end: kill -9 $pid"
    rm -f "$RUN_DIR/c10m.pid"
    echo "c10m has stopped."
}

# Endpoints of single services, and left-overs of real credentials, would win over what we set.
env_unset() {
    local name
    for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN \
        AWS_CREDENTIAL_EXPIRATION AWS_IGNORE_CONFIGURED_ENDPOINT_URLS "${!AWS_ENDPOINT_URL_@}"; do
        echo "unset $name"
    done
}

# A proxy must not be asked for what is on this machine.
env_proxy() {
    local name old
    [ -n "${HTTP_PROXY:-}${http_proxy:-}${ALL_PROXY:-}${all_proxy:-}" ] || return 0
    for name in NO_PROXY no_proxy; do
        old=${!name:-}
        [[ ",$old," == *,127.0.0.1,* ]] || printf 'export %s=%q\n' "$name" "127.0.0.1,localhost${old:+,$old}"
    done
}

# Shell lines only: for eval.
cmd_env() {
    local url=http://127.0.0.1:4566 data
    if cloud_pid >/dev/null; then
        url=$(cat "$RUN_DIR/c10m.url")
        data=$(cat "$RUN_DIR/c10m.data")
        printf 'export AWS_CA_BUNDLE=%q\n' "$(build/release/c10m ca --data "$data")"
        printf 'export C10M_ADMIN_TOKEN=%q\n' "$(cat "$data/admin-token")"
    fi
    [ -x .venv/bin/aws ] || say "dev: there is no .venv/bin/aws yet: ./dev up makes it"
    # tools/bin has the aws that always asks our endpoint. The caller's shell expands $PATH.
    # shellcheck disable=SC2016
    printf 'export PATH=%q:"$PATH"\n' "$ROOT/tools/bin:$ROOT/.venv/bin"
    echo "export AWS_ENDPOINT_URL=$url"
    echo "export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"
    echo "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_PAGER=''"
    # Names such as ACCOUNT.s3-control.127.0.0.1 are no names; SDKs of JavaScript and Java know no such switch.
    echo "export AWS_DISABLE_HOST_PREFIX_INJECTION=true"
    env_unset
    env_proxy
}
