# What the parts of ./dev share: saying, running, waiting.
# SPDX-License-Identifier: Apache-2.0

PYTHON=/usr/bin/python3
VENV_PYTHON=$ROOT/.venv/bin/python

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "dev: $*"
    exit 1
}

# Prints a command as it can be pasted, then runs it.
run() {
    local words
    printf -v words ' %q' "$@"
    say "+$words"
    "$@"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        run "$@"
    elif command -v sudo >/dev/null; then
        run sudo "$@"
    else
        fail "this needs root, and there is no sudo: run as root: $*"
    fi
}

# eventually SECONDS CONDITION...: true as soon as the condition is, false after the deadline.
eventually() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.02
    done
}
