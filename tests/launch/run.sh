#!/usr/bin/env bash
# The ROS packages as they would be installed: layout, parameter files against their schema, launch files executed.
#   run.sh EXECUTABLES OUT PYTHON    EXECUTABLES: where cargo put them; OUT: a folder that may be filled;
#                                    PYTHON: one that has jsonschema and PyYAML
set -euo pipefail
executables=$1
out=$2
python=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export PYTHONDONTWRITEBYTECODE=1

say() { printf -- '-- %s\n' "$1"; }

say "packages laid out without CMake"
bash "$root/ros_packages/install.sh" "$out/ros" "$executables"
test -x "$out/ros/lib/percept_lidar_detector/lidar_detector"

say "parameter files against their schema, by PyYAML and jsonschema"
"$python" "$here/check_params.py" "$out/ros"

say "launch files executed against a stand-in of the launch API"
"$python" "$here/check_launch.py" "$out/ros" "$root/bags/demo_street"
