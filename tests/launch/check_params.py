"""Parameter files and RViz configurations as others read them: PyYAML, and jsonschema with our schema.

    check_params.py PREFIX    PREFIX: what ros_packages/install.sh laid out
"""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import yaml


def main():
    prefix = Path(sys.argv[1])
    schema_file = prefix / "share/percept_lidar_detector/schema/lidar_detector.schema.json"
    schema = json.loads(schema_file.read_text())
    validator = jsonschema.Draft7Validator
    validator.check_schema(schema)
    files = sorted(prefix.glob("share/*/config/*.yaml"))
    assert files, f"no parameter files below {prefix}"
    for path in files:
        parameters = yaml.safe_load(path.read_text())
        for error in validator(schema).iter_errors(parameters):
            sys.exit(f"{path}: {'.'.join(map(str, error.path))}: {error.message}")
        broken = json.loads(json.dumps(parameters))
        broken["/**"]["ros__parameters"]["score_treshold"] = 0.3
        assert list(validator(schema).iter_errors(broken)), "an unknown parameter goes unnoticed"
    for path in sorted(prefix.glob("share/*/rviz/*.rviz")):
        displays = yaml.safe_load(path.read_text())["Visualization Manager"]["Displays"]
        shown = {display["Class"] for display in displays if display["Enabled"]}
        assert {"rviz_default_plugins/PointCloud2", "rviz_default_plugins/MarkerArray"} <= shown, f"{path}: {shown}"
    for path in sorted(prefix.glob("share/*/package.xml")):
        manifest = ElementTree.parse(path)
        assert manifest.findtext("name") == path.parent.name, path
        assert manifest.findtext("export/build_type") == "ament_cmake", path
    print(f"   {len(files)} parameter files meet {schema_file.name}")


if __name__ == "__main__":
    main()
