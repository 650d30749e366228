# Building, testing and measuring.
# SPDX-License-Identifier: Apache-2.0

# build_dir NAME MESON-OPTIONS...
build_dir() {
    local dir=build/$1 quiet=() found
    shift
    [ -t 1 ] || quiet=(--quiet) # elsewhere ninja prints a line for every step
    # Meson looks for services only when it configures: one that came or went asks for that again.
    found=$(printf '%s\n' services/*/*.json)
    if [ ! -f "$dir/build.ninja" ]; then
        run meson setup "$dir" "$@"
    elif [ "$(cat "$dir/services.txt" 2>/dev/null)" != "$found" ]; then
        run meson setup --reconfigure "$dir" "$@"
    fi
    echo "$found" >"$dir/services.txt"
    run ninja -C "$dir" "${quiet[@]}"
}

build_release() {
    build_dir release --buildtype=release
}

build_asan() {
    build_dir asan --buildtype=debugoptimized -Db_sanitize=address,undefined
}

cmd_build() {
    local kind=${1:-release}
    case $kind in
    release | asan) ;;
    *) fail "there is no build '$kind': release or asan" ;;
    esac
    cmd_setup
    cmd_fetch
    "build_$kind"
}

# The builds that the words of ./dev test ask for.
test_builds() {
    local kind
    for kind in release asan; do
        case " $* " in
        *" --build $kind "* | *" --build=$kind "*) echo "$kind" && return ;;
        esac
    done
    echo release asan
}

cmd_test() {
    local kind
    cmd_setup
    setup_commands "${TEST_COMMANDS[@]}"
    [[ " $* " != *" --long "* ]] || { setup_commands "${LONG_TEST_COMMANDS[@]}" && check_languages; }
    setup_test_packages
    setup_venv requirements.txt tests/requirements.txt
    cmd_fetch
    for kind in $(test_builds "$@"); do
        "build_$kind"
    done
    run "$VENV_PYTHON" tests/run.py "$@"
}

cmd_bench() {
    cmd_setup
    setup_packages "${BENCH_PACKAGES[@]}"
    setup_bench_host "$@"
    setup_venv requirements.txt tests/requirements.txt
    cmd_fetch
    build_release
    run "$VENV_PYTHON" tests/bench/bench.py "$@"
}

# On a c10m of its own, in a folder of its own, which are gone at the end.
cmd_host_demo() {
    cmd_setup
    setup_postgresql
    setup_engines haproxy
    setup_packages "${GUEST_PACKAGES[@]}"
    cmd_fetch
    build_release
    run "$PYTHON" tests/host/demo.py "$@"
}

cmd_sim() {
    cmd_setup
    cmd_fetch
    build_release
    run build/release/tests/sim/sim "$@"
}

cmd_new_service() {
    cmd_setup
    cmd_fetch
    run "$PYTHON" tools/new_service.py "$@"
}
