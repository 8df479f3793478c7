#!/usr/bin/env bash
# Lays out the ROS 2 packages below a prefix as colcon would, without CMake: ament index, lib/, share/.
#   install.sh PREFIX [EXECUTABLES]    EXECUTABLES: where cargo put lidar_detector and percept (target/release)
# Then `source PREFIX/setup.bash` on top of a sourced ROS 2. What is not built yet is left out and told.
set -euo pipefail
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
packages=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$packages")
mkdir -p "$1"
prefix=$(cd "$1" && pwd)
executables=${2:-$root/target/release}

# index PACKAGE: the marker by which ament finds the package, and its manifest.
index() {
    mkdir -p "$prefix/share/ament_index/resource_index/packages" "$prefix/share/$1"
    : >"$prefix/share/ament_index/resource_index/packages/$1"
    install -m 644 "$packages/$1/package.xml" "$prefix/share/$1/package.xml"
}

# share PACKAGE FOLDER FILE...: files into a folder of the package's share.
share() {
    mkdir -p "$prefix/share/$1/$2"
    install -m 644 "${@:3}" "$prefix/share/$1/$2/"
}

# executable PACKAGE NAME
executable() {
    if [ ! -x "$executables/$2" ]; then
        echo "install.sh: no $executables/$2: build it, then run this again (README.md of $1)" >&2
        return
    fi
    mkdir -p "$prefix/lib/$1"
    install -m 755 "$executables/$2" "$prefix/lib/$1/$2"
}

index percept_models_data
share percept_models_data weights "$packages"/percept_models_data/weights/*

index percept_bringup
share percept_bringup launch "$root"/launch/*.launch.py
share percept_bringup config "$root"/launch/params/*.yaml
share percept_bringup rviz "$root"/launch/rviz/*.rviz

index percept_lidar_detector
share percept_lidar_detector launch "$packages"/percept_lidar_detector/launch/*.launch.py
share percept_lidar_detector schema "$packages"/percept_lidar_detector/schema/*.schema.json
share percept_lidar_detector config "$root/launch/params/lidar_detector.yaml"
share percept_lidar_detector rviz "$root/launch/rviz/perception.rviz"
executable percept_lidar_detector lidar_detector

index percept_tools
executable percept_tools percept

cat >"$prefix/setup.bash" <<EOF
# Puts the packages of this prefix before those that are sourced already.
export AMENT_PREFIX_PATH="$prefix\${AMENT_PREFIX_PATH:+:\$AMENT_PREFIX_PATH}"
EOF
