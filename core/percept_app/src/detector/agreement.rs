//! What the configuration says of the weights, held against what the weights say of themselves.

use crate::DetectorConfig;
use percept_models::pointpillars::PointPillarsConfig;

/// One point on which configuration and weights differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The key of the configuration.
    pub key: String,
    /// What the configuration says.
    pub configured: String,
    /// What the weights say.
    pub found: String,
    /// What to do.
    pub way_out: &'static str,
}

/// Millimetres are far finer than any anchor or grid, and far coarser than decimal rounding.
const TOLERANCE_M: f64 = 1e-3;

/// Every point on which they differ, in the order of the parameter file.
pub fn disagreements(config: &DetectorConfig, model: &PointPillarsConfig) -> Vec<Disagreement> {
    let mut found = Vec::new();
    let mut differ = |key: &str, configured: String, in_weights: String, way_out| {
        found.push(Disagreement { key: key.to_owned(), configured, found: in_weights, way_out });
    };
    if let Some(names) = config.class_names.as_ref().filter(|names| *names != model.class_names()) {
        let way_out = "set class_names to the weights' classes in their order, or use weights for these classes";
        differ("class_names", format!("{names:?}"), format!("{:?}", model.class_names()), way_out);
    }
    if let Some(grid) = config.grid {
        let way_out = "set the weights' grid, or use weights that were trained on this one";
        if !near(&grid.range_m(), &model.grid().range_m()) {
            let (ours, theirs) = (grid.range_m(), model.grid().range_m());
            differ("point_cloud_range", format!("{ours:?}"), format!("{theirs:?}"), way_out);
        }
        if !near(&grid.voxel_size_m(), &model.grid().voxel_size_m()) {
            let (ours, theirs) = (grid.voxel_size_m(), model.grid().voxel_size_m());
            differ("voxel_size", format!("{ours:?}"), format!("{theirs:?}"), way_out);
        }
    }
    if let Some(points) = config.max_points_per_voxel.filter(|points| *points != model.max_points_per_pillar()) {
        let way_out = "set the number that the weights were trained with";
        differ("max_points_per_voxel", points.to_string(), model.max_points_per_pillar().to_string(), way_out);
    }
    if let Some(voxels) = config.max_voxels.filter(|voxels| *voxels != model.raw().max_pillars) {
        let way_out = "set the number that the weights were trained with";
        differ("max_voxels", voxels.to_string(), model.raw().max_pillars.to_string(), way_out);
    }
    anchors(config, model, &mut differ);
    found
}

fn anchors(
    config: &DetectorConfig,
    model: &PointPillarsConfig,
    differ: &mut impl FnMut(&str, String, String, &'static str),
) {
    let way_out = "set the anchors that the weights were trained with, or leave them out";
    for anchor in &config.anchors {
        let name = &anchor.class_name;
        let Some(theirs) = model.anchors().iter().find(|class| class.name == *name) else {
            differ(&format!("anchors.{name}"), "an anchor".to_owned(), "no such class".to_owned(), way_out);
            continue;
        };
        if let Some(size_m) = anchor.size_m.filter(|size_m| !near(size_m, &theirs.size_m)) {
            differ(&format!("anchors.{name}.size"), format!("{size_m:?}"), format!("{:?}", theirs.size_m), way_out);
        }
        let bottom_z_m = theirs.center_z_m - theirs.size_m[2] / 2.0;
        if let Some(z_m) = anchor.bottom_z_m.filter(|z_m| !near(&[*z_m], &[bottom_z_m])) {
            differ(&format!("anchors.{name}.bottom_z"), z_m.to_string(), format!("{bottom_z_m:.3}"), way_out);
        }
    }
}

fn near(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= TOLERANCE_M)
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_models::pointpillars::{GridPreset, RawPointPillarsConfig, Width};
    use std::path::Path;

    fn model() -> PointPillarsConfig {
        RawPointPillarsConfig::preset(Width::Sixteenth, GridPreset::Kitti).try_into().unwrap()
    }

    #[test]
    fn the_committed_parameters_describe_the_kitti_preset() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../launch/params/lidar_detector.yaml");
        let config = DetectorConfig::from_yaml_file(&path).unwrap();
        assert_eq!(disagreements(&config, &model()), []);
    }

    #[test]
    fn other_classes_and_another_grid_are_named() {
        let config = DetectorConfig {
            class_names: Some(vec!["Pedestrian".into(), "Car".into()]),
            grid: Some(percept_types::VoxelGrid::new([0.0, -40.0, -3.0, 80.0, 40.0, 1.0], [0.2, 0.2, 4.0]).unwrap()),
            max_points_per_voxel: Some(20),
            ..DetectorConfig::default()
        };
        let keys: Vec<String> = disagreements(&config, &model()).into_iter().map(|d| d.key).collect();
        assert_eq!(keys, ["class_names", "point_cloud_range", "voxel_size", "max_points_per_voxel"]);
    }
}
