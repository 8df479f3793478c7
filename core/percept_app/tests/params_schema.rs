//! The JSON schema of the detector's parameter file: made from the table of keys, and met by every file that is shipped.
//!
//! `PERCEPT_BLESS=1 cargo test -p percept_app --test params_schema` writes the schema anew after a change of the table.
#![allow(clippy::unwrap_used)]

use percept_app::config::{DETECTOR_KEYS, Key, Kind, Preset};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "ros_packages/percept_lidar_detector/schema/lidar_detector.schema.json";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a value of one key must be.
fn property(key: &Key) -> Value {
    let mut property = Map::new();
    property.insert("description".into(), key.meaning.into());
    property.insert("readOnly".into(), (!key.changeable).into());
    let kind = match key.kind {
        Kind::Bool => "boolean",
        Kind::Whole => "integer",
        Kind::Number => "number",
        Kind::Text => "string",
        Kind::Numbers | Kind::Texts => "array",
    };
    property.insert("type".into(), kind.into());
    let item = match key.kind {
        Kind::Numbers => Some("number"),
        Kind::Texts => Some("string"),
        Kind::Bool | Kind::Whole | Kind::Number | Kind::Text => None,
    };
    if let Some(item) = item {
        property.insert("items".into(), json!({ "type": item }));
    }
    let is_pattern = key.is_pattern();
    let preset = match key.preset {
        Preset::Bool(value) => value.into(),
        Preset::Whole(value) => value.into(),
        Preset::Number(value) => value.into(),
        Preset::Text(value) => value.into(),
        Preset::Empty => json!([]),
    };
    if !is_pattern {
        property.insert("default".into(), preset);
    }
    for (name, bound) in [("minimum", key.range.map(|r| r.0)), ("maximum", key.range.map(|r| r.1))] {
        if let Some(bound) = bound.filter(|bound| bound.abs() < f64::MAX) {
            let is_whole = key.kind == Kind::Whole;
            property.insert(name.into(), if is_whole { (bound as i64).into() } else { bound.into() });
        }
    }
    property.into()
}

/// The object at this name, made where it is missing.
fn object<'a>(within: &'a mut Map<String, Value>, name: &str, empty: Value) -> &'a mut Map<String, Value> {
    within.entry(name).or_insert(empty).as_object_mut().unwrap()
}

/// The schema that the table of keys says, in the form of Autoware's.
fn schema() -> Value {
    let mut properties = Map::new();
    for key in DETECTOR_KEYS {
        let Some((parent, rest)) = key.name.split_once(".<class>") else {
            properties.insert(key.name.into(), property(key));
            continue;
        };
        let classes = object(&mut properties, parent, json!({ "type": "object", "description": "by class name" }));
        match rest.strip_prefix('.') {
            None => drop(classes.insert("additionalProperties".into(), property(key))),
            Some(field) => {
                let empty = json!({ "type": "object", "additionalProperties": false });
                let class = object(classes, "additionalProperties", empty);
                object(class, "properties", json!({})).insert(field.into(), property(key));
            }
        }
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Parameters of the LiDAR detector",
        "type": "object",
        "definitions": {
            "lidar_detector": { "type": "object", "properties": properties, "additionalProperties": false }
        },
        "properties": {
            "/**": {
                "type": "object",
                "properties": { "ros__parameters": { "$ref": "#/definitions/lidar_detector" } },
                "required": ["ros__parameters"],
                "additionalProperties": false
            }
        },
        "required": ["/**"],
        "additionalProperties": false
    })
}

/// What a value breaks of a schema, of the words that ours uses; `at` names the place.
fn faults(value: &Value, schema: &Value, whole: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return faults(value, whole.pointer(name.trim_start_matches('#')).unwrap(), whole, at);
    }
    let is_kind = match schema["type"].as_str() {
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(_) | None => false,
    };
    let mut found = Vec::new();
    if !is_kind {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    if let Some(number) = value.as_f64() {
        let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            found.push(format!("{at}: {number} is not within {least:?}..{most:?}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(faults(item, &schema["items"], whole, at));
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Object(_)) => {
                found.extend(faults(value, &schema["additionalProperties"], whole, &at));
            }
            (Value::Null, _) => found.push(format!("{at}: not in the schema")),
            (property, _) => found.extend(faults(value, property, whole, &at)),
        }
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap()).is_none() {
            found.push(format!("{at}: lacks {required}"));
        }
    }
    found
}

#[test]
fn the_schema_is_what_the_table_of_keys_says() {
    let (path, made) = (root().join(SCHEMA), format!("{:#}\n", schema()));
    if std::env::var_os("PERCEPT_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept == made, "{SCHEMA} is not what DETECTOR_KEYS says: see the head of this test");
}

#[test]
fn every_parameter_file_that_is_shipped_meets_its_schema() {
    let schema: Value = serde_json::from_str(&fs::read_to_string(root().join(SCHEMA)).unwrap()).unwrap();
    let files: Vec<PathBuf> =
        fs::read_dir(root().join("launch/params")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "no parameter files");
    for file in files {
        let value: Value = serde_yaml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let found = faults(&value, &schema, &schema, "file");
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}

#[test]
fn what_breaks_the_schema_is_noticed() {
    let schema = schema();
    let broken = json!({ "/**": { "ros__parameters": {
        "score_threshold": 2.0, "threads": "many", "class_names": [1], "surprise": 1,
        "anchors": { "Car": { "size": [1.0], "colour": 1 } }, "score_thresholds": { "Car": -1.0 }
    } } });
    assert_eq!(faults(&broken, &schema, &schema, "file").len(), 6);
    assert_eq!(faults(&json!({}), &schema, &schema, "file").len(), 1);
}
