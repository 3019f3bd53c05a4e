#!/bin/sh
# The programs that tests use: a real browser, a real SIP caller, sound tools, a clock that jumps, and a Chinese font.
set -eu
cd "$(dirname "$0")"
wanted=
command -v chromium >/dev/null || wanted="$wanted chromium"
command -v sipp >/dev/null || wanted="$wanted sip-tester"
command -v ffmpeg >/dev/null || wanted="$wanted ffmpeg"
command -v openssl >/dev/null || wanted="$wanted openssl"
command -v faketime >/dev/null || wanted="$wanted faketime"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || wanted="$wanted postgresql"
[ -d /usr/share/fonts/opentype/noto ] || wanted="$wanted fonts-noto-cjk"
[ -z "$wanted" ] || ./debian-packages.sh $wanted
