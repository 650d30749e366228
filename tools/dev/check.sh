# Formatting, linting and fuzzing.
# SPDX-License-Identifier: Apache-2.0

FUZZ_SECONDS_DEFAULT=30

sources() {
    find src services tests -name '*.[ch]' | sort
}

cmd_fmt() {
    local files
    setup_packages "${LINT_PACKAGES[@]}"
    mapfile -t files < <(sources)
    run clang-format-19 -i "${files[@]}"
    cmd_fetch
    run "$PYTHON" tools/services_doc.py --write
}

lint_format() {
    local files
    mapfile -t files < <(sources)
    clang-format-19 --dry-run -Werror "${files[@]}"
}

# The flags are gcc's; clang-tidy need not know them all. Findings come on stdout, progress on stderr.
# tests/bench/wire.c is built by its bench only, which makes the headers that it needs.
lint_tidy() {
    sources | grep '\.c$' | grep -v '^tests/bench/wire\.c$' |
        xargs -P "$(nproc)" -n 1 clang-tidy-19 -p build/release --quiet \
            --extra-arg=-Wno-unknown-warning-option 2>build/release/clang-tidy.log
}

# lint_step WHAT COMMAND...: counts, and goes on after a failure.
lint_step() {
    local what=$1
    shift
    if run "$@"; then
        lint_passed=$((lint_passed + 1))
    else
        lint_failed=$((lint_failed + 1))
        say "FAILED: $what"
    fi
}

cmd_lint() {
    lint_passed=0 lint_failed=0
    setup_packages "${BUILD_PACKAGES[@]}" "${LINT_PACKAGES[@]}"
    cmd_fetch
    build_release # clang-tidy and the header check need what is generated
    lint_step 'formatting (./dev fmt mends it)' lint_format
    lint_step 'layers' "$PYTHON" tools/check_layers.py
    lint_step 'banned functions' "$PYTHON" tools/check_banned.py
    lint_step 'headers' "$PYTHON" tools/check_headers.py
    lint_step 'names of machines' "$PYTHON" tools/check_paths.py
    lint_step 'list of services (./dev fmt mends it)' "$PYTHON" tools/services_doc.py
    lint_step 'members that no code reads' "$PYTHON" tools/check_members.py
    lint_step 'the checks themselves' "$PYTHON" tools/test_checks.py
    lint_step 'the check of members itself' "$PYTHON" tools/test_members.py
    lint_step 'shell scripts' shellcheck -x dev .ci/run tools/bin/aws
    lint_step 'clang-tidy' lint_tidy
    echo "lint: $lint_passed passed, $lint_failed failed"
    [ "$lint_failed" -eq 0 ]
}

build_fuzz() {
    CC=clang-19 build_dir fuzz --buildtype=debugoptimized -Db_sanitize=address,undefined \
        -Db_lundef=false -Dwerror=false -Dwarning_level=1 -Dc_args=-fsanitize=fuzzer-no-link
}

# The seeds of a program fuzz_[FOLDER_]NOUN: corpus/NOUN, or corpus, beside fuzz_NOUN.c.
fuzz_seeds() {
    local noun=$1 source
    while source=$(find src services -name "fuzz_$noun.c" | head -n 1) && [ -z "$source" ]; do
        [[ $noun == *_* ]] || fail "there is no fuzz_$noun.c"
        noun=${noun#*_}
    done
    source=$(dirname "$source")/corpus
    [ ! -d "$source/$noun" ] || source=$source/$noun
    echo "$source"
}

# fuzz_one PROGRAM SECONDS
fuzz_one() {
    local name=${1##*/fuzz_} seeds
    seeds=$(fuzz_seeds "$name")
    mkdir -p "build/fuzz/corpus/$name"
    run "$1" -max_total_time="$2" -timeout=10 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found-$name-" "build/fuzz/corpus/$name" "$seeds"
}

cmd_fuzz() {
    local seconds=${1:-$FUZZ_SECONDS_DEFAULT} program programs failed=0
    setup_packages "${BUILD_PACKAGES[@]}" "${FUZZ_PACKAGES[@]}"
    cmd_fetch
    build_fuzz
    mapfile -t programs < <(find build/fuzz -name 'fuzz_*' -type f -executable | sort)
    for program in "${programs[@]}"; do
        fuzz_one "$program" "$seconds" || failed=$((failed + 1))
    done
    echo "fuzz: $((${#programs[@]} - failed)) passed, $failed failed"
    [ "$failed" -eq 0 ] || fail "the inputs that did it are build/fuzz/found-*"
}
