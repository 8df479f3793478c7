#!/usr/bin/env bash
# Everything that wants a GPU, in one go, for the day one is at hand: parity, sanitizers, determinism, figures.
#   run.sh WEIGHTS [DEVICE]    WEIGHTS: a .safetensors file; DEVICE: cuda:0 unless said otherwise
# What is printed is meant to be kept: it begins with the machine, the driver and the commit.
set -euo pipefail
weights=$1
device=${2:-cuda:0}
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$1"; }

say "machine"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
git log -1 --format='commit %h, %ad' --date=short || true

say "parity of every kernel and of whole frames with their CPU twins, on $device"
export PERCEPT_TEST_DEVICE=$device
cargo test --locked --release -p percept_kernels -p percept_models cuda

say "a thousand frames, the same bytes"
cargo test --locked --release -p percept_models cuda -- --ignored

say "memory and races"
if command -v compute-sanitizer >/dev/null; then
    tests=$(cargo test --locked --release -p percept_kernels --lib --no-run --message-format=json 2>/dev/null |
        python3 -c 'import json,sys; print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable")][-1])')
    for tool in memcheck racecheck initcheck synccheck; do
        compute-sanitizer --tool "$tool" --error-exitcode 9 "$tests" cuda --test-threads 1
    done
else
    echo "SKIPPED: compute-sanitizer is not on PATH"
fi

say "start-up, network and frame"
cargo run --locked --release -p percept_models --example cuda_times -- "$weights" "$device"
if python3 -c 'import torch' 2>/dev/null; then
    python3 tests/gpu/torch_times.py
else
    echo "SKIPPED: PyTorch is not installed"
fi
