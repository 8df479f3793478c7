#!/usr/bin/env bash
# Compiles every CUDA kernel with the pinned compiler, in a throw-away Python environment, and compares the PTX with the
# committed one. Needs no GPU and no CUDA.
#   check.sh            compares
#   check.sh --write    writes the PTX anew, after a change of a kernel
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    apt-get update -q && apt-get install -yq python3-venv
fi
python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check nvidia-cuda-nvrtc-cu12==12.2.140
case ${1:-} in
    --write) "$environment/bin/python" "$here/build.py" ;;
    *) "$environment/bin/python" "$here/build.py" --check ;;
esac
