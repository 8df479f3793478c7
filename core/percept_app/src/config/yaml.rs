//! ROS parameter files: the one place of this crate that reads YAML.

use super::error::ConfigError;
use super::raw::Value;
use std::path::Path;

/// Far above any parameter file, far below what would hurt.
const LIMIT_BYTES: u64 = 1 << 20;

/// Every parameter for `node` in the file, by full name, in the order of the file.
pub(super) fn read_parameters(path: &Path, node: &str) -> Result<Vec<(String, Value)>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let found_bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if found_bytes > LIMIT_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned(), found_bytes, limit_bytes: LIMIT_BYTES });
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse_parameters(&text, path, node)
}

fn parse_parameters(text: &str, path: &Path, node: &str) -> Result<Vec<(String, Value)>, ConfigError> {
    let root: serde_yaml::Value = serde_yaml::from_str(text)
        .map_err(|e| ConfigError::NotYaml { path: path.to_owned(), detail: e.to_string() })?;
    let mut found = Vec::new();
    let mut parameters = Vec::new();
    let mut sections = 0;
    for (name, section) in root.as_mapping().into_iter().flatten() {
        let name = name.as_str().unwrap_or("?");
        found.push(name.to_owned());
        let is_ours = name == "/**" || name.trim_start_matches("/**").trim_start_matches('/') == node;
        if let (true, Some(values)) = (is_ours, section.get("ros__parameters")) {
            sections += 1;
            flatten("", values, &mut parameters)?;
        }
    }
    if sections == 0 {
        return Err(ConfigError::NoSection { path: path.to_owned(), node: node.to_owned(), found });
    }
    Ok(parameters)
}

fn flatten(name: &str, value: &serde_yaml::Value, out: &mut Vec<(String, Value)>) -> Result<(), ConfigError> {
    match value {
        serde_yaml::Value::Mapping(entries) => {
            for (key, value) in entries {
                let key = match key {
                    serde_yaml::Value::String(key) => key.clone(),
                    other => return Err(not_a_parameter(name, other)),
                };
                let full = if name.is_empty() { key } else { format!("{name}.{key}") };
                flatten(&full, value, out)?;
            }
            Ok(())
        }
        // `ros__parameters:` with nothing below it is a file that keeps every default.
        serde_yaml::Value::Null if name.is_empty() => Ok(()),
        serde_yaml::Value::Sequence(items) => {
            let items: Result<Vec<Value>, ConfigError> = items.iter().map(|item| scalar(name, item)).collect();
            out.push((name.to_owned(), Value::List(items?)));
            Ok(())
        }
        other => {
            out.push((name.to_owned(), scalar(name, other)?));
            Ok(())
        }
    }
}

fn scalar(name: &str, value: &serde_yaml::Value) -> Result<Value, ConfigError> {
    Ok(match value {
        serde_yaml::Value::Bool(v) => Value::Bool(*v),
        serde_yaml::Value::String(v) => Value::Text(v.clone()),
        serde_yaml::Value::Number(v) => match (v.as_i64(), v.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(number)) => Value::Float(number),
            (None, None) => return Err(not_a_parameter(name, value)),
        },
        other => return Err(not_a_parameter(name, other)),
    })
}

fn not_a_parameter(name: &str, value: &serde_yaml::Value) -> ConfigError {
    let found = match value {
        serde_yaml::Value::Null => "empty",
        serde_yaml::Value::Mapping(_) => "a map within a list",
        serde_yaml::Value::Sequence(_) => "a list within a list",
        serde_yaml::Value::Tagged(_) => "a tagged value",
        serde_yaml::Value::Number(_) => "a number beyond 64 bits",
        serde_yaml::Value::Bool(_) | serde_yaml::Value::String(_) => "a key that is no text",
    };
    let key = if name.is_empty() { "ros__parameters".to_owned() } else { name.to_owned() };
    ConfigError::NotAParameter { key, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, Value)>, ConfigError> {
        parse_parameters(text, Path::new("detector.yaml"), "lidar_detector")
    }

    #[test]
    fn nested_maps_become_dotted_names() {
        let parsed =
            parse("/**:\n  ros__parameters:\n    anchors:\n      Car:\n        size: [3.9, 1.6, 1]\n").unwrap();
        let size = Value::List(vec![Value::Float(3.9), Value::Float(1.6), Value::Int(1)]);
        assert_eq!(parsed, vec![("anchors.Car.size".to_owned(), size)]);
    }

    #[test]
    fn a_section_of_another_node_is_not_ours() {
        let error = parse("/other:\n  ros__parameters:\n    a: 1\n").unwrap_err().to_string();
        assert!(error.contains("no parameters for the node lidar_detector") && error.contains("/other"), "{error}");
    }

    #[test]
    fn sections_for_this_node_follow_those_for_all() {
        let parsed = parse(
            "/**:\n  ros__parameters: {a: 1}\nlidar_detector:\n  ros__parameters: {a: 2}\n/**/lidar_detector:\n  ros__parameters: {a: 3}\n",
        )
        .unwrap();
        let values: Vec<&Value> = parsed.iter().map(|(_, value)| value).collect();
        assert_eq!(values, [&Value::Int(1), &Value::Int(2), &Value::Int(3)]);
    }

    #[test]
    fn broken_yaml_is_reported_with_its_line() {
        let error = parse("/**:\n  ros__parameters: [1\n").unwrap_err().to_string();
        assert!(error.contains("detector.yaml is not valid YAML") && error.contains("line"), "{error}");
    }

    #[test]
    fn a_map_in_a_list_is_no_parameter() {
        let error = parse("/**:\n  ros__parameters:\n    anchors: [{a: 1}]\n").unwrap_err().to_string();
        assert!(error.contains("anchors is a map within a list"), "{error}");
    }
}
