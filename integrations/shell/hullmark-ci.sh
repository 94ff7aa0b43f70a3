#!/bin/sh
# hullmark-ci.sh: scans one image in a CI job, where the image is, before it is pushed anywhere.
#
#   HULLMARK_IMAGE      the image: a file of `docker save`, oci:FOLDER, docker:NAME
#   HULLMARK_FAIL_ON    the gate; else critical vulnerabilities and every secret that is certain.
#                       A malicious package is over every gate.
#   HULLMARK_POLICY     policies, parted by spaces; where they are set, the gate counts only if it is set too
#   HULLMARK_REPORTS    the folder for the reports, else hullmark-reports
#   HULLMARK_CACHE_DIR  what is kept between runs, else .hullmark
#   HULLMARK_PROGRAM    a Hullmark that is here already: none is installed
#
# Ends with 0: let through, 1: refused, 2: wrong usage, 3: could not be scanned, or not the whole of it.
# With arguments it is that command of Hullmark: hullmark-ci.sh lint Dockerfile.
#
# It also stands in files of systems that interpret some of it: so no backslash, no heredoc, no triple quote.
set +e -u
HULLMARK_WHEEL='hullmark==0.1.0 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000'

# Whatever tokens the job has: what runs has these variables of it, and no others.
passed="PATH LD_LIBRARY_PATH LANG LC_ALL TMPDIR NO_COLOR SOURCE_DATE_EPOCH SSL_CERT_FILE SSL_CERT_DIR
    HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY https_proxy http_proxy all_proxy no_proxy
    DOCKER_HOST CONTAINER_HOST REGISTRY_AUTH_FILE HULLMARK_CACHE_DIR HULLMARK_CONFIG HULLMARK_PATTERNS_DIR"
for_pip="PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_NO_INDEX PIP_CERT PIP_CACHE_DIR PIP_CONFIG_FILE"

alone() ( # COMMAND ARGUMENT...
    settings=$(env | sed 's/=.*//' | grep -E '^HULLMARK_(SCAN|DB|LINT|PIN)_[A-Z_]+$')
    for name in $passed $settings; do
        eval 'value=${'"$name"'-}'
        [ -z "$value" ] || set -- "$name=$value" "$@"
    done
    exec env -i HOME="$work" "$@"
)

say() {
    echo "hullmark: $*" >&2
}

finish() { # CODE WORDS...
    code=$1
    shift
    say "$* (code $code)"
    if [ -n "${reports-}" ]; then
        echo "$code" > "$reports/code"
        [ -e "$reports/hullmark.md" ] || echo "### Hullmark: $*" > "$reports/hullmark.md"
    fi
    exit "$code"
}

install() ( # FOLDER: the wheel by its hash, then what it needs by the hashes that are in the wheel
    passed="$passed $for_pip"
    export PIP_CACHE_DIR="$HULLMARK_CACHE_DIR/pip"
    alone python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")' || return
    alone python3 -I -m venv --clear "$1" || return
    echo "$HULLMARK_WHEEL" > "$1/wheel.txt" || return
    by_hash "$1" --no-deps -r "$1/wheel.txt" || return
    place=$(alone "$1/bin/python" -I -c 'import importlib.util as u; print(u.find_spec("hullmark").submodule_search_locations[0])') || return
    needs=$place/requirements.txt
    [ -z "${HULLMARK_POLICY-}" ] || needs=$place/requirements-policy.txt # its engine is not there for every system
    by_hash "$1" -r "$needs" || return
    : > "$1/complete"
)

by_hash() { # FOLDER ARGUMENT...
    python=$1/bin/python
    shift
    alone "$python" -I -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: "$@"
}

work=$(mktemp -d) || finish 3 "no temporary folder could be made"
trap 'rm -rf "$work"' EXIT

if [ $# -gt 0 ]; then # on somebody's own machine what is installed is kept, under the hash of its wheel
    kept=${XDG_CACHE_HOME:-$HOME/.cache}/hullmark
    HULLMARK_CACHE_DIR=${HULLMARK_CACHE_DIR:-$kept}
    folder=$kept/program-${HULLMARK_WHEEL##*:}
    if [ -z "${HULLMARK_PROGRAM-}" ] && [ ! -e "$folder/complete" ]; then
        mkdir -p "$kept"
        install "$folder" || finish 3 "Hullmark could not be installed"
    fi
    alone "${HULLMARK_PROGRAM:-$folder/bin/hullmark}" "$@"
    exit $?
fi

reports=${HULLMARK_REPORTS:-hullmark-reports}
mkdir -p "$reports" || { reports=''; finish 3 "the folder for the reports could not be made"; }
for name in code hullmark.json hullmark.sarif hullmark.xml hullmark.md gl-container-scanning-report.json; do
    rm -f "$reports/$name"
done
[ -n "${HULLMARK_IMAGE-}" ] || finish 2 "HULLMARK_IMAGE names no image"

HULLMARK_CACHE_DIR=${HULLMARK_CACHE_DIR:-$PWD/.hullmark}
program=${HULLMARK_PROGRAM-}
if [ -z "$program" ]; then
    # anew in each run, from downloads whose hashes are checked: a program out of a cache would be anybody's
    install "$work/program" || finish 3 "Hullmark could not be installed"
    program=$work/program/bin/hullmark
fi

gate=${HULLMARK_FAIL_ON-}
if [ -z "$gate" ] && [ -z "${HULLMARK_POLICY-}" ]; then
    gate=vuln:critical,secret:negligible,secret:unknown
fi
[ -z "$gate" ] || set -- --fail-on "$gate"
set -f
for policy in ${HULLMARK_POLICY-}; do
    set -- "$@" --policy "$policy"
done
set +f

alone "$program" scan "$@" --format table --format "json=$reports/hullmark.json" --format "sarif=$reports/hullmark.sarif" --format "junit=$reports/hullmark.xml" --format "markdown=$reports/hullmark.md" --format "gitlab=$reports/gl-container-scanning-report.json" -- "$HULLMARK_IMAGE"
code=$?
case $code in
    0) finish 0 "the image is let through" ;;
    1) finish 1 "the image is refused" ;;
    2) finish 2 "wrong usage, nothing was scanned" ;;
    3) finish 3 "not refused, but the image could not be scanned, or not the whole of it" ;;
    *) finish 3 "the scan ended by itself with $code" ;;
esac
# hullmark-ci.sh ends here
