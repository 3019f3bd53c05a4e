#!/bin/sh
# Installs the Debian packages named as arguments, those that are missing only.
set -eu
missing=
for package in "$@"; do
    if [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "hollyhock: these Debian packages are needed and only root can install them:$missing" >&2
    exit 2
fi
echo "debian: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# A fresh image has no package lists, an old one has lists of packages that are gone: one update, then try again.
# shellcheck disable=SC2086
apt-get install --yes --quiet --no-install-recommends $missing >&2 || {
    apt-get update --quiet >&2
    apt-get install --yes --quiet --no-install-recommends $missing >&2
}
