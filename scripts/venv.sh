#!/bin/bash
# Makes the Python environment $1, or brings it up to date, with exactly what the lock file $2 names.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
lock=$2

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
complete() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# An interpreter in a place that every user may read comes first: the server does not run as root.
find_python() {
    for python in ${PYTHON311:-} /usr/local/bin/python3.11 /usr/bin/python3.11 "$(command -v python3.11 || true)" \
        "$(command -v python3 || true)"; do
        if [ -n "$python" ] && [ -x "$python" ] && usable "$python" && "$1" "$python"; then
            echo "$python"
            return 0
        fi
    done
    return 1
}

if [ ! -x "$venv/bin/python" ]; then
    python=$(find_python complete || true)
    if [ -z "$python" ]; then
        find_python usable >/dev/null || { echo "hollyhock: Python 3.11 or later is needed" >&2; exit 2; }
        scripts/debian-packages.sh python3-venv
        python=$(find_python complete) || { echo "hollyhock: this Python has no venv module" >&2; exit 2; }
    fi
    echo "python: making $venv with $python" >&2
    mkdir -p "$(dirname "$venv")"
    "$python" -m venv "$venv"
fi
count=$(grep -c '^[A-Za-z0-9]' "$lock")
echo "python: installing the $count packages of $lock" >&2
"$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --require-hashes --requirement "$lock" |
    awk -v count="$count" '
        /^(Collecting|Processing|Requirement already)/ { n++; if (n % 10 == 0 || n == count) print "python:   " n " of " count }
        /^Installing/ { print "python:   unpacking" }
        { fflush() }' >&2
# The packages are used from the checkout itself: no build, no copy that could be old.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
pwd -P >"$site/hollyhock.pth"
