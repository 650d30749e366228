# Building, testing and measuring.
# SPDX-License-Identifier: Apache-2.0

# build_dir NAME MESON-OPTIONS...
build_dir() {
    local dir=build/$1 quiet=()
    shift
    [ -t 1 ] || quiet=(--quiet) # elsewhere ninja prints a line for every step
    [ -f "$dir/build.ninja" ] || run meson setup "$dir" "$@"
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

cmd_test() {
    cmd_setup
    setup_venv requirements.txt tests/requirements.txt
    cmd_fetch
    build_release
    build_asan
    run "$VENV_PYTHON" tests/run.py "$@"
}

cmd_bench() {
    cmd_setup
    setup_venv requirements.txt tests/requirements.txt
    cmd_fetch
    build_release
    run "$VENV_PYTHON" tests/bench/bench.py "$@"
}
