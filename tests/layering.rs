//! The arrows of ARCHITECTURE.md: two columns on one base, and nothing points upwards or across.
#![allow(clippy::unwrap_used)]

use percept_tests::{Manifest, manifests, workspace_root};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// Below both columns.
    Base,
    /// How it moves: no candle, no CUDA.
    Moves,
    /// How it thinks: no ROS, no CDR.
    Thinks,
    /// Where the columns meet, and what stands above.
    Both,
}

/// Layer and column of each crate. A crate that is not here fails the test: place it first.
fn place(name: &str) -> Option<(u8, Column)> {
    Some(match name {
        "percept_types" | "percept_bag" => (0, Column::Base),
        "percept_msgs" => (1, Column::Moves),
        "percept_kernels" => (1, Column::Thinks),
        "percept_transport" => (2, Column::Moves),
        "percept_models" | "percept_eval" | "percept_viz" | "percept_sim" => (2, Column::Thinks),
        "percept_pipeline" => (3, Column::Moves),
        "percept_distill" => (3, Column::Thinks),
        "percept_app" => (4, Column::Both),
        "percept_tools"
        | "percept_lidar_detector"
        | "percept_lidar_segmenter"
        | "percept_camera_bev"
        | "percept_distillation_trainer" => (5, Column::Both),
        "percept_tests" => (6, Column::Both),
        _ => return None,
    })
}

/// What is wrong with the arrow, if anything.
fn fault(from: &str, to: &str) -> Option<String> {
    let (Some((from_layer, from_column)), Some((to_layer, to_column))) = (place(from), place(to)) else {
        return Some(format!(
            "{from} -> {to}: a crate without a place; add it to tests/layering.rs and ARCHITECTURE.md"
        ));
    };
    if to_layer >= from_layer {
        return Some(format!("{from} (layer {from_layer}) -> {to} (layer {to_layer}) does not point downwards"));
    }
    let crosses = matches!((from_column, to_column), (Column::Moves, Column::Thinks) | (Column::Thinks, Column::Moves));
    let base_reads_bags = to == "percept_bag" && from_column == Column::Thinks;
    (crosses || base_reads_bags).then(|| format!("{from} ({from_column:?}) -> {to} crosses the columns"))
}

fn faults(manifests: &BTreeMap<String, Manifest>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, manifest) in manifests {
        if place(name).is_none() {
            faults.push(format!("{name} has no place in the layers"));
        }
        faults.extend(manifest.percept_dependencies.iter().filter_map(|dependency| fault(name, dependency)));
    }
    faults
}

#[test]
fn no_arrow_points_upwards_or_across_the_columns() {
    let manifests = manifests(&workspace_root()).unwrap();
    assert!(manifests.len() >= 10, "the manifests were not found: {manifests:?}");
    let faults = faults(&manifests);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_upward_and_a_crossing_arrow_are_noticed() {
    assert!(fault("percept_pipeline", "percept_models").is_some_and(|text| text.contains("crosses")));
    assert!(fault("percept_models", "percept_distill").is_some_and(|text| text.contains("downwards")));
    assert!(fault("percept_models", "percept_eval").is_some_and(|text| text.contains("downwards")));
    assert!(fault("percept_models", "percept_bag").is_some_and(|text| text.contains("crosses")));
    assert!(fault("percept_app", "percept_surprise").is_some());
    assert!(fault("percept_app", "percept_models").is_none());
}

#[test]
fn the_moving_column_compiles_no_candle_and_the_thinking_column_no_ros() {
    for (name, manifest) in manifests(&workspace_root()).unwrap() {
        let Some((_, column)) = place(&name) else { continue };
        let refused: &[&str] = match column {
            Column::Base => &["candle-core", "candle-nn", "cudarc", "r2r", "rustdds"],
            Column::Moves => &["candle-core", "candle-nn", "cudarc", "gemm"],
            Column::Thinks => &["r2r", "rustdds", "mcap", "rusqlite"],
            Column::Both => &[],
        };
        for dependency in &manifest.dependencies {
            assert!(!refused.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn yaml_is_read_in_configuration_and_bag_metadata_only() {
    let allowed = ["percept_app", "percept_bag"];
    for (name, manifest) in manifests(&workspace_root()).unwrap() {
        let reads_yaml = manifest.dependencies.iter().any(|dependency| dependency == "serde_yaml");
        assert!(!reads_yaml || allowed.contains(&name.as_str()), "{name} must leave YAML to {allowed:?}");
    }
}
