#!/bin/sh
# Installs the programs that some tests use as real servers (a registry) and as oracles (rpm, dpkg, ruby …).
# A test whose program is missing is skipped and says so; here is nothing that Hullmark itself needs.
set -eu
packages=""
need() { command -v "$1" >/dev/null 2>&1 || packages="$packages $2"; }
need docker-registry docker-registry
need skopeo skopeo
need rpm rpm
need rpmbuild rpm
need openssl openssl
need ruby ruby
need htpasswd apache2-utils
need zstd zstd
need strace strace
[ -n "$packages" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed here, the tests that use them are skipped:$packages" >&2
    exit 0
fi
run=""
if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "no right to install, the tests that use them are skipped:$packages" >&2
        exit 0
    fi
    run="sudo"
fi
$run apt-get update -qq
# shellcheck disable=SC2086  # a list of names
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $packages >/dev/null
