#!/usr/bin/env bash
# Interoperation with implementations that none of us wrote, in a throw-away Python environment.
#   run.sh BUILT OUT    BUILT: where `cargo test-all` put its executables; OUT: a folder that may be filled, holding the
#                       demo's output
set -euo pipefail
percept=$1/percept
examples=$1/examples
out=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

say() { printf -- '-- %s\n' "$1"; }

say "a throw-away Python environment"
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    apt-get update -q && apt-get install -yq python3-venv
fi
python3 -m venv "$out/venv"
"$out/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
python="$out/venv/bin/python"

say "bags of percept_bag read by rosbags, mcap and mcap-ros2-support, and theirs read by us"
"$python" "$here/check_bags.py" all "$examples/list_bag" "$examples/write_sample_bag"

say "a simulated drive and the demo's output, every message decoded by mcap-ros2-support and rosbags"
"$percept" --quiet simulate --seed 5 --frames 3 --out "$out/drive"
"$percept" inspect "$out/drive" --json >"$out/drive.json"
"$python" "$here/check_messages.py" "$out/drive" "$out/drive.json"
"$percept" inspect "$out/demo/boxes" --json >"$out/demo.json"
"$python" "$here/check_messages.py" "$out/demo/boxes" "$out/demo.json"

say "the cameras of a simulated drive: boxes and points projected through CameraInfo and TF"
"$percept" --quiet simulate --seed 5 --frames 2 --sensor vlp-32c --cameras nuscenes --image-size 704x256 --depth --masks \
    --out "$out/cameras"
"$python" "$here/check_cameras.py" "$out/cameras"

say "the DDS back-end on the wire, against cyclonedds: the transport alone, then the detector node held to its replay"
weights="$root/ros_packages/percept_models_data/weights/pointpillars_4x_kitti.safetensors"
bash "$here/wire.sh" "$python" "$examples/dds_answer" --detector "$percept" "$weights" "$root/bags/demo_street" "$out/demo/boxes"
