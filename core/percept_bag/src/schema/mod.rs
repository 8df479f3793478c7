//! Message definitions as `ros2msg` text, the form that mcap recordings carry.
//!
//! One table entry a type, fields as in the upstream packages (common_interfaces, rcl_interfaces,
//! geometry2, vision_msgs 4.x, autoware_msgs), since their order decides the serialised layout.
//! [`schema_text`] puts a type's definition and those of everything it uses together.

mod autoware;
mod basic;
mod geometry;
mod sensor;
mod vision;

/// The line that separates definitions, 80 characters (MCAP registry, `ros2msg`).
const SEPARATOR: &str = "================================================================================";

/// A package's types: name without the package, and the definition's lines.
type Package = (&'static str, &'static [(&'static str, &'static str)]);

const PACKAGES: &[Package] = &[
    ("autoware_internal_debug_msgs", autoware::INTERNAL_DEBUG_MSGS),
    ("autoware_perception_msgs", autoware::PERCEPTION_MSGS),
    ("builtin_interfaces", basic::BUILTIN_INTERFACES),
    ("diagnostic_msgs", basic::DIAGNOSTIC_MSGS),
    ("geometry_msgs", geometry::GEOMETRY_MSGS),
    ("nav_msgs", geometry::NAV_MSGS),
    ("rosgraph_msgs", basic::ROSGRAPH_MSGS),
    ("sensor_msgs", sensor::SENSOR_MSGS),
    ("std_msgs", basic::STD_MSGS),
    ("tf2_msgs", geometry::TF2_MSGS),
    ("vision_msgs", vision::VISION_MSGS),
    ("visualization_msgs", vision::VISUALIZATION_MSGS),
];

/// The definition of one type with its dependencies, each behind a line of 80 `=` and one that
/// names it. None for a type that is not in the tables.
///
/// ```
/// let text = percept_bag::schema::schema_text("std_msgs/msg/Header").unwrap();
/// assert!(text.starts_with("builtin_interfaces/Time stamp\nstring frame_id\n===="));
/// ```
pub fn schema_text(type_name: &str) -> Option<String> {
    let (package, name) = split_name(type_name)?;
    let mut text = definition(package, name)?.to_owned();
    let mut wanted = dependencies(package, &text);
    let mut done = vec![(package.to_owned(), name.to_owned())];
    let mut next = 0;
    while let Some((package, name)) = wanted.get(next).cloned() {
        next += 1;
        if done.contains(&(package.clone(), name.clone())) {
            continue;
        }
        let found = definition(&package, &name)?;
        text.push_str(&format!("{SEPARATOR}\nMSG: {package}/{name}\n{found}"));
        wanted.extend(dependencies(&package, found));
        done.push((package, name));
    }
    Some(text)
}

/// The names of all types that [`schema_text`] knows, as `pkg/msg/Type`, sorted.
pub fn known_types() -> Vec<String> {
    let names =
        PACKAGES.iter().flat_map(|(package, types)| types.iter().map(move |(name, _)| format!("{package}/msg/{name}")));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn split_name(type_name: &str) -> Option<(&str, &str)> {
    let mut parts = type_name.split('/');
    let package = parts.next()?;
    match (parts.next()?, parts.next(), parts.next()) {
        ("msg", Some(name), None) => Some((package, name)),
        (name, None, None) => Some((package, name)),
        _ => None,
    }
}

fn definition(package: &str, name: &str) -> Option<&'static str> {
    let (_, types) = PACKAGES.iter().find(|(known, _)| *known == package)?;
    types.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The types that a definition's fields name, in their order.
fn dependencies(package: &str, text: &str) -> Vec<(String, String)> {
    let kinds = text.lines().filter_map(|line| line.split_whitespace().next());
    let elements = kinds.map(|kind| kind.split(['[', '<']).next().unwrap_or(kind));
    let composed = elements.filter(|kind| kind.contains(|c: char| c.is_ascii_uppercase() || c == '/'));
    composed
        .map(|kind| match kind.split_once('/') {
            Some((package, name)) => (package.to_owned(), name.to_owned()),
            None => (package.to_owned(), kind.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_composes_with_all_its_dependencies() {
        let types = known_types();
        assert!(types.len() > 40);
        for name in &types {
            let text = schema_text(name).unwrap_or_else(|| panic!("{name} does not compose"));
            assert!(text.ends_with('\n') && !text.contains('#'), "{name}");
            let sections: Vec<&str> = text.split(SEPARATOR).skip(1).collect();
            let mut heads: Vec<&str> =
                sections.iter().map(|section| section.trim_start().lines().next().unwrap()).collect();
            assert!(heads.iter().all(|head| head.starts_with("MSG: ")), "{name}");
            heads.sort_unstable();
            let before = heads.len();
            heads.dedup();
            assert_eq!(before, heads.len(), "{name} has a dependency twice");
        }
    }

    #[test]
    fn a_marker_array_brings_everything_it_uses() {
        let text = schema_text("visualization_msgs/msg/MarkerArray").unwrap();
        for used in [
            "visualization_msgs/Marker",
            "visualization_msgs/UVCoordinate",
            "visualization_msgs/MeshFile",
            "sensor_msgs/CompressedImage",
            "std_msgs/ColorRGBA",
            "std_msgs/Header",
            "geometry_msgs/Quaternion",
            "builtin_interfaces/Duration",
            "builtin_interfaces/Time",
        ] {
            let head = format!("{}\nMSG: {used}\n", "=".repeat(80));
            assert_eq!(text.matches(&head).count(), 1, "{used}");
        }
    }

    #[test]
    fn old_names_find_their_type_and_unknown_ones_do_not() {
        assert_eq!(schema_text("std_msgs/String").unwrap(), "string data\n");
        for name in ["", "String", "std_msgs/srv/String", "std_msgs/msg/Nothing", "a/b/c/d"] {
            assert_eq!(schema_text(name), None, "{name}");
        }
    }
}
