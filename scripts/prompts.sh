#!/bin/sh
# Renders the spoken prompts whose text has changed, with the synthesiser and voices that are pinned. The heavy packages
# (about 1 GB) go into an environment of their own in build/, which `make clean` removes.
set -eu
cd "$(dirname "$0")/.."
build=build/prompts
[ "$(command -v espeak-ng)" ] || scripts/debian-packages.sh espeak-ng
if [ ! -e "$build/ready" ]; then
    echo "prompts: installing the synthesiser (once, a few minutes)" >&2
    python3 -m venv "$build/venv"
    "$build/venv/bin/pip" install --quiet --require-hashes --requirement ivr/speech/requirements-prompts.txt
    npm pack --silent kokoro-js@1.2.1 --pack-destination "$build" >/dev/null
    touch "$build/ready"
fi
"$build/venv/bin/python" -m ivr.speech.render --voices "$build/kokoro-js-1.2.1.tgz" "$@"
