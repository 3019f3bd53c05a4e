#!/bin/sh
# Writes the two lock files from pyproject.toml: hashes, but no index address, so that any mirror serves them.
# Usage: scripts/lock.sh PYTHON [--upgrade]
set -eu
cd "$(dirname "$0")/.."
python=$1
shift
compile() {
    "$python" -m piptools compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host \
        --no-emit-find-links --no-header --strip-extras --allow-unsafe "$@" pyproject.toml
}
compile --output-file requirements.lock "$@"
compile --output-file requirements-test.lock --extra test --constraint requirements.lock "$@"
