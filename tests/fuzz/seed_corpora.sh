#!/usr/bin/env bash
# Seeds for the fuzz targets, from the golden files of the tests and a bag and weights of our own making.
set -euo pipefail
cd "$(dirname "$0")"
root=../..
mkdir -p corpus/{point_cloud,cdr,bag,weights,checkpoint}

cp "$root"/core/percept_models/tests/golden/import/*.pth corpus/checkpoint/

# The golden messages are lines "type hex"; each is tried as every message by a leading byte.
python3 - "$root/core/percept_msgs/tests/golden/messages.txt" <<'PY'
import sys
from pathlib import Path
for number, line in enumerate(Path(sys.argv[1]).read_text().splitlines()):
    words = line.split()
    try:
        body = bytes.fromhex(words[-1])
    except (ValueError, IndexError):
        continue
    Path(f"corpus/point_cloud/{number}").write_bytes(body)
    for which in range(11):
        Path(f"corpus/cdr/{number}_{which}").write_bytes(bytes([which]) + body)
PY

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cargo run --quiet --manifest-path "$root/Cargo.toml" -p percept_bag --example write_sample_bag -- "$scratch/sample" >/dev/null
for file in "$scratch"/sample/*.mcap; do
    { printf '\0'; cat "$file"; } >"corpus/bag/$(basename "$file")"
done
sqlite=$(mktemp -p "$scratch" XXXX.db3)
python3 - "$sqlite" <<'PY'
import sqlite3
import sys
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT)")
db.execute("CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)")
db.execute("INSERT INTO topics VALUES(1, '/chatter', 'std_msgs/String', 'cdr')")
db.executemany("INSERT INTO messages VALUES(?, 1, ?, ?)", [(i, i * 1000, bytes(20)) for i in range(30)])
db.commit()
PY
{ printf '\1'; cat "$sqlite"; } >corpus/bag/sample.db3

cp "$root"/core/percept_models/tests/golden/*.safetensors corpus/weights/
printf 'seeds: %s files\n' "$(find corpus -type f | wc -l)"
