# What must be installed: Debian packages, and a virtual environment for the AWS CLI and the tests.
# SPDX-License-Identifier: Apache-2.0

# libc6-dev and libstdc++-12-dev are only recommended by gcc, and recommendations are not installed.
BUILD_PACKAGES=(gcc libc6-dev libstdc++-12-dev meson ninja-build mold pkg-config librocksdb-dev
    libsnappy-dev zlib1g-dev libbz2-dev liblz4-dev libzstd-dev libboost-context-dev libssl-dev
    libcmocka-dev libexpat1-dev libnghttp2-dev libpcre2-dev libcurl4-openssl-dev libseccomp-dev libmnl-dev libnftables-dev musl-tools
    python3 python3-venv git curl ca-certificates)
BUILD_PACKAGES+=(libpq-dev) # headers; the library itself is loaded for a postgresql: store only
LINT_PACKAGES=(clang-format-19 clang-tidy-19 python3-clang-19 shellcheck)
# Beside what is built: databases and languages that tests start or compile with.
TEST_PACKAGES=(postgresql-15 golang-go awscli nftables iproute2) # awscli is version 2
# What guests of ./dev host-demo and of the bench run, and those that talk to them.
GUEST_PACKAGES=(dropbear-bin nftables iproute2)
# Programs that c10m drives, for the tests of src/host (disks and engines).
ENGINE_PACKAGES=(e2fsprogs redis-server memcached haproxy mariadb-server-core mariadb-client)
# Their clients, for guests of tests/host: those see the host's /usr and no virtual environment.
TEST_PACKAGES+=(python3-psycopg2 python3-pymysql python3-redis python3-pymemcache)
FUZZ_PACKAGES=(clang-19 libclang-rt-19-dev)
# What ./dev bench measures beside us.
BENCH_PACKAGES=(g++ libjansson-dev libsimdjson-dev)
HOST_BENCH_PACKAGES=(crun bubblewrap podman) # without them their rows say so

# Commands that tests drive, each with the package that has it.
TEST_COMMANDS=(linux.uml:user-mode-linux chromium:chromium node:nodejs npm:npm go:golang-go)
LONG_TEST_COMMANDS=(mvn:maven javac:default-jdk-headless keytool:default-jdk-headless)
RUST_MIN=1.94.1 GO_MIN=1.24 # of the AWS SDKs; Debian's are 1.63 and 1.19

# Of the packages named, those that are not installed, one a line.
packages_missing() {
    local installed name
    installed=$(dpkg-query -W -f '${Package} ${Status}\n' "$@" 2>/dev/null || true)
    for name in "$@"; do
        grep -qxF "$name install ok installed" <<<"$installed" || echo "$name"
    done
}

# Asks no network when nothing is missing.
setup_packages() {
    local missing
    if ! command -v dpkg-query >/dev/null; then
        say "dev: this is not Debian; install what these packages hold by yourself: $*"
        return
    fi
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "dev: installing ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# setup_commands COMMAND:PACKAGE...: whatever stands on PATH is good.
setup_commands() {
    local pair wanted=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || wanted+=("${pair#*:}")
    done
    [ ${#wanted[@]} -eq 0 ] || setup_packages "${wanted[@]}"
}

# check_version COMMAND MIN WORD: tells when none on PATH, asked with WORD, says that it is that new.
check_version() {
    local path
    for path in $(type -ap "$1"); do
        printf '%s\n' "$2" "$("$path" "$3" | grep -oE '[0-9]+(\.[0-9]+)+' | head -1)" | sort -V -C && return
    done
    say "dev: the long tests want $1 $2 or later on PATH, which no package of Debian's has"
}

check_languages() {
    check_version cargo "$RUST_MIN" --version
    check_version go "$GO_MIN" version
}

# Debian's package would start a server of its own; a test starts the one that it needs.
setup_postgresql() {
    local config=/etc/postgresql-common/createcluster.conf
    if [ -n "$(packages_missing postgresql-15)" ]; then
        setup_packages postgresql-common
        [ ! -f $config ] || as_root sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' $config
    fi
    setup_packages postgresql-15
}

setup_test_packages() {
    setup_postgresql
    setup_packages "${TEST_PACKAGES[@]}" "${GUEST_PACKAGES[@]}"
    setup_engines "${ENGINE_PACKAGES[@]}"
}

# setup_engines PACKAGE...: they would start services, now and at every boot. Names that are not services' do no harm.
setup_engines() {
    local package unit
    for package in $(packages_missing "$@"); do
        unit=/etc/systemd/system/$package.service
        [ ! -d /etc/systemd/system ] || [ -e "$unit" ] || as_root ln -s /dev/null "$unit"
    done
    setup_packages "$@"
}

# Scripts in a virtual environment hold its path, so one that was moved is made again.
setup_venv_dir() {
    [ "$(cat .venv/made-in 2>/dev/null)" = "$ROOT" ] && [ -x "$VENV_PYTHON" ] && return
    run "$PYTHON" -m venv --clear .venv
    echo "$ROOT" >.venv/made-in
}

# setup_venv FILE...: installs the pinned packages of each requirements file, once per content.
setup_venv() {
    local file stamp sum
    setup_venv_dir
    for file in "$@"; do
        stamp=.venv/${file//\//-}.sha256
        sum=$(sha256sum <"$file")
        [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && continue
        run "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps \
            --require-hashes --only-binary :all: -r "$file"
        echo "$sum" >"$stamp"
    done
}

# setup_bench_host [PART...]: sandboxes of others, when that part is among them.
setup_bench_host() {
    [[ " $* " == *" host "* || ! " $* " =~ \ [a-z] ]] || return 0
    setup_packages "${GUEST_PACKAGES[@]}"
    (setup_packages "${HOST_BENCH_PACKAGES[@]}") || say "dev: ./dev bench host goes on without some of ${HOST_BENCH_PACKAGES[*]}"
}

cmd_setup() {
    setup_packages "${BUILD_PACKAGES[@]}"
}

# Quick when the cache is complete. Downloads by the pip of .venv: Debian's Python comes without one.
cmd_fetch() {
    setup_venv_dir
    run "$VENV_PYTHON" tools/fetch_models.py "$@"
    run "$VENV_PYTHON" tools/fetch_actions.py "$@"
}
