#!/bin/sh
# Installs the programs that some tests use as real servers (a registry) and as oracles (rpm, Ruby, PHP, Lua …), and a browser, from
# Debian's packages. A test whose program is missing is skipped and says so; here is nothing that Hullmark itself needs.
#
# Not installed, for their size or since Debian 12 has none: Go 1.22 with its sources, a JDK with Maven's library (both
# are used where they are), and apk (only Alpine and its like have it).
set -eu
packages=""
need() { # PROGRAM PACKAGE…
    command -v "$1" >/dev/null 2>&1 && return
    shift
    packages="$packages $*"
}
need_file() { # PACKAGE FILE…: any of the files will do
    package="$1"
    shift
    for file in "$@"; do
        [ ! -e "$file" ] || return 0
    done
    packages="$packages $package"
}
need docker-registry docker-registry
need skopeo skopeo
need umoci umoci
need rpm rpm
need rpmbuild rpm
need openssl openssl
need ruby ruby
need htpasswd apache2-utils
need zstd zstd
need chromium chromium fonts-dejavu-core
need strace strace
need perl perl
need fish fish
need zsh zsh
need php php-cli
need node nodejs node-semver
need_file php-composer-semver /usr/share/php/Composer/Semver/autoload.php
need_file libalpm13 /usr/lib/*/libalpm.so* /usr/lib/libalpm.so*
need_file luarocks /usr/share/lua/*/luarocks/core/vers.lua
need groovy groovy
# The oracle for policies has no package: it is built where there is Go.
if command -v go >/dev/null 2>&1 && ! command -v opa >/dev/null 2>&1 && [ ! -x "$(go env GOPATH)/bin/opa" ]; then
    go install github.com/open-policy-agent/opa@v1.22.4 || echo "OPA cannot be built here, the tests that use it are skipped" >&2
fi
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
# another release may name one otherwise (libalpm14, libalpm15): what it does not have is left out and said
known=""
for package in $packages; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        known="$known $package"
    else
        echo "no package $package here, the tests that use it are skipped" >&2
    fi
done
[ -n "$known" ] || exit 0
# shellcheck disable=SC2086  # a list of names
DEBIAN_FRONTEND=noninteractive $run apt-get -o Dpkg::Options::=--force-unsafe-io install -y -qq --no-install-recommends $known >/dev/null
