#!/usr/bin/env bash
# The DDS back-end on the wire, in a network namespace of its own whose loopback has multicast.
#   wire.sh PYTHON ARGUMENT...    PYTHON: with requirements.txt; arguments: those of check_wire.py
# It is skipped, loudly, only where namespaces are not allowed; for root that is a failure.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ "${1-}" = --inside ]; then
    shift
    ip link set lo up
    ip link set lo multicast on
    ip route add 224.0.0.0/4 dev lo
    python=$1
    shift
    unset ROS_DOMAIN_ID ROS_LOCALHOST_ONLY ROS_DISTRO CYCLONEDDS_URI
    # CycloneDDS, which gets the garbage that the test sends as well, tells of each datagram.
    "$python" "$here/check_wire.py" "$@" 2> >(grep -vE 'malformed packet|deserialization failed|invalid parameter|^[0-9]+\.[0-9]+ \[[0-9]+\]' >&2)
    exit
fi

if ! command -v ip >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -q && apt-get install -yq iproute2
fi
if unshare -n true 2>/dev/null; then
    exec unshare -n bash "$0" --inside "$@"
elif [ "$(id -u)" = 0 ]; then
    echo "FAILED: root may not make a network namespace here, so the wire cannot be tested" >&2
    exit 1
elif unshare -rn true 2>/dev/null; then
    exec unshare -rn bash "$0" --inside "$@"
fi
echo "SKIPPED: network namespaces are not allowed here; nothing was tested on the wire" >&2
