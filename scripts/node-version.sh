#!/bin/sh
# Fails with one line unless Node 20.19 or later is here.
set -eu
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "hollyhock: Node 20.19 or later (with npm) is needed to build the web pages" >&2
    exit 2
fi
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || {
    echo "hollyhock: Node $(node --version) is too old; 20.19 or later is needed" >&2
    exit 2
}
