# Sourced by run and test: makes .venv and keeps what is installed in it up to date.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"
# Parallelism comes from sessions: engines that each start a thread per core only fight over the cores.
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

is_supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if is_supported "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    if command -v python3 >/dev/null; then
        die "Visavis needs Python 3.11, 3.12 or 3.13, and python3 here is $(python3 -V 2>&1 | cut -d' ' -f2)." \
            "Install one (Debian: sudo apt-get install python3 python3-venv) or name it: PYTHON=/path/to/python3.12 $0"
    fi
    die "Visavis needs Python 3.11, 3.12 or 3.13: sudo apt-get install python3 python3-venv"
}

make_venv() {
    local python
    # Programs in a virtual environment carry its path: one that was moved or copied is made anew.
    if [[ -f "$venv/.made-for" && "$(<"$venv/.made-for")" != "$root" ]]; then rm -rf "$venv"; fi
    if [[ -x "$venv/bin/python" ]] && is_supported "$venv/bin/python"; then return; fi
    python=$(find_python) || exit 1
    "$python" -c 'import ensurepip, venv' 2>/dev/null \
        || die "Python's venv module is incomplete: sudo apt-get install python3-venv"
    say "Making .venv with $("$python" -V)"
    "$python" -m venv --clear "$venv"
    printf '%s' "$root" >"$venv/.made-for"
}

# What an installation depends on: the project file, the build hook and the browser app's sources.
sources_stamp() {
    (cd "$root" && find pyproject.toml hatch_build.py avatar/web \
        \( -name node_modules -o -name dist -o -name coverage -o -name test-results \) -prune -o -type f -print0 \
        | LC_ALL=C sort -z | xargs -0 cksum | cksum)
}

# pip's output goes to a log; what a person sees is the line of the moment, or the log's end when it fails.
quietly() {
    local log=$1 status=0
    shift
    if [[ -t 2 ]]; then
        "$@" 2>&1 | tee "$log" | show_progress || status=$?
        printf '\r\033[K' >&2
    else
        "$@" >"$log" 2>&1 || status=$?
    fi
    if ((status)); then
        tail -n 40 "$log" >&2
        grep -o -m 1 'The browser app could not be built.*' "$log" >&2 || true
        die "This failed: $* (all of its output: $log)"
    fi
}

show_progress() {
    local line
    while IFS= read -r line; do
        case $line in
            Collecting* | *Building* | Installing* | *Preparing*) printf '\r\033[K  %.70s' "${line## }" >&2 ;;
        esac
    done
}

# install "." or ".[dev]"; the latter has all of the former.
install() {
    local what=$1 now stamp
    now=$(sources_stamp)
    if [[ -f "$root/avatar/web/dist/index.html" ]]; then
        for stamp in "$what" ".[dev]"; do
            if [[ -f "$venv/installed$stamp" && "$(<"$venv/installed$stamp")" == "$now" ]]; then return; fi
        done
    fi
    say "Installing Visavis and building its browser app (about a minute)"
    (cd "$root" && quietly "$venv/install.log" "$venv/bin/python" -m pip install --disable-pip-version-check -e "$what")
    printf '%s' "$now" >"$venv/installed$what"
}

# Two starts at once must not install into one another: the second waits for the first.
prepare() {
    exec 9<"$root/pyproject.toml"
    if command -v flock >/dev/null; then
        flock -n 9 || { say "Waiting for another set-up of this folder to end"; flock 9; }
    fi
    make_venv
    install "$@"
    exec 9<&-
}
