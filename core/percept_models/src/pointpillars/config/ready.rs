//! The configuration checked: what the rest of the model works with.

use percept_kernels::voxelize::{CellWindow, VoxelizeSpec};
use percept_types::VoxelGrid;

use super::{DecodeRule, InputTreatment, PfnLayout, RawPointPillarsConfig, Widths};
use crate::ModelError;
use crate::pointpillars::{NETWORK_STRIDE, OUTPUT_STRIDE};

/// The anchor of one class, in the order of the head.
#[derive(Clone, Debug, PartialEq)]
pub struct AnchorClass {
    /// Name of the class.
    pub name: String,
    /// Length, width, height.
    pub size_m: [f64; 3],
    /// Height of the centre in the network's frame.
    pub center_z_m: f64,
    /// At this overlap and above an anchor is responsible for an object.
    pub positive_iou: f64,
    /// Below this overlap an anchor is background.
    pub negative_iou: f64,
}

/// What may change while a detector runs.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorSettings {
    /// Least score of a box, one a class in the order of the head.
    pub score_thresholds: Vec<f32>,
    /// Overlap above which a box falls.
    pub nms_iou_threshold: f64,
    /// Boxes of a frame at most.
    pub max_detections: usize,
}

/// A checked configuration. Made from a [`RawPointPillarsConfig`] by `try_from`, and only so.
#[derive(Clone, Debug, PartialEq)]
pub struct PointPillarsConfig {
    raw: RawPointPillarsConfig,
    grid: VoxelGrid,
    anchors: Vec<AnchorClass>,
}

impl TryFrom<RawPointPillarsConfig> for PointPillarsConfig {
    type Error = ModelError;

    fn try_from(raw: RawPointPillarsConfig) -> Result<Self, ModelError> {
        let range = raw.point_cloud_range_m;
        let [x, y] = raw.pillar_size_m;
        let grid = VoxelGrid::new(range, [x, y, range[5] - range[2]])?;
        check_grid(&grid)?;
        check_sizes(&raw)?;
        check_decode(&raw)?;
        check_input(&raw.input)?;
        let anchors = check_anchors(&raw)?;
        if !raw.direction_offset_rad.is_finite() {
            return Err(ModelError::value("direction_offset_rad", raw.direction_offset_rad, "finite"));
        }
        Ok(Self { raw, grid, anchors })
    }
}

impl PointPillarsConfig {
    /// What it was made from, to be written beside weights.
    pub fn raw(&self) -> &RawPointPillarsConfig {
        &self.raw
    }

    /// The grid, one cell high.
    pub fn grid(&self) -> &VoxelGrid {
        &self.grid
    }

    /// Classes in the order of the head.
    pub fn class_names(&self) -> &[String] {
        &self.raw.class_names
    }

    /// K.
    pub fn num_classes(&self) -> usize {
        self.raw.class_names.len()
    }

    /// The anchors, in the order of the head.
    pub fn anchors(&self) -> &[AnchorClass] {
        &self.anchors
    }

    /// How points are decorated.
    pub fn pfn_layout(&self) -> PfnLayout {
        self.raw.pfn_layout
    }

    /// Channels of the layers.
    pub fn widths(&self) -> &Widths {
        &self.raw.widths
    }

    /// What the network expects of its points.
    pub fn input(&self) -> &InputTreatment {
        &self.raw.input
    }

    /// Where the first direction bin begins.
    pub fn direction_offset_rad(&self) -> f64 {
        self.raw.direction_offset_rad
    }

    /// Which anchors are looked at and which boxes suppress each other.
    pub fn decode_rule(&self) -> DecodeRule {
        self.raw.decode.rule
    }

    /// M.
    pub fn max_points_per_pillar(&self) -> usize {
        self.raw.max_points_per_pillar
    }

    /// All cells of the grid.
    pub fn whole_window(&self) -> CellWindow {
        CellWindow::whole(&self.grid)
    }

    /// Checks that a window lies in the grid and fits the network's strides.
    ///
    /// # Errors
    /// Offsets or sizes that are no multiples of [`NETWORK_STRIDE`] cells; a window outside the grid.
    pub fn check_window(&self, window: &CellWindow) -> Result<(), ModelError> {
        let CellWindow { x0, y0, nx, ny } = *window;
        if [x0, y0, nx, ny].iter().any(|cells| !cells.is_multiple_of(NETWORK_STRIDE)) {
            return Err(ModelError::WindowStride { x0, y0, nx, ny, multiple: NETWORK_STRIDE });
        }
        self.voxelize_spec(*window).check()?;
        Ok(())
    }

    /// What points of this window are sorted into.
    pub fn voxelize_spec(&self, window: CellWindow) -> VoxelizeSpec {
        VoxelizeSpec {
            grid: self.grid,
            window,
            max_points_per_voxel: self.raw.max_points_per_pillar,
            max_voxels: self.raw.max_pillars,
        }
    }

    /// Cells (y, x) of the head's map over a window.
    pub fn output_size(&self, window: &CellWindow) -> [usize; 2] {
        [window.ny / OUTPUT_STRIDE, window.nx / OUTPUT_STRIDE]
    }

    /// The settings that the configuration asks for.
    pub fn default_settings(&self) -> DetectorSettings {
        DetectorSettings {
            score_thresholds: vec![self.raw.decode.score_threshold; self.num_classes()],
            nms_iou_threshold: self.raw.decode.nms_iou_threshold,
            max_detections: self.raw.decode.max_detections,
        }
    }

    /// Checks settings against the classes and their bounds.
    ///
    /// # Errors
    /// Another number of thresholds than classes; a threshold outside 0..=1.
    pub fn check_settings(&self, settings: &DetectorSettings) -> Result<(), ModelError> {
        let (expected, found) = (self.num_classes(), settings.score_thresholds.len());
        if expected != found {
            return Err(ModelError::Length { what: "score_thresholds, one a class", expected, found });
        }
        for threshold in &settings.score_thresholds {
            within("score_thresholds", f64::from(*threshold), 0.0, 1.0)?;
        }
        within("nms_iou_threshold", settings.nms_iou_threshold, 0.0, 1.0)
    }
}

/// Largest count of anything configured: beyond it a number is a mistake, and products could overflow.
const MAX_COUNT: usize = 1 << 20;

fn check_grid(grid: &VoxelGrid) -> Result<(), ModelError> {
    for (axis, cells) in [("x", grid.nx()), ("y", grid.ny())] {
        if !cells.is_multiple_of(NETWORK_STRIDE) {
            let key = format!("cells of the grid along {axis}");
            return Err(ModelError::value(&key, cells, &format!("a multiple of {NETWORK_STRIDE}: change the range")));
        }
    }
    Ok(())
}

fn check_sizes(raw: &RawPointPillarsConfig) -> Result<(), ModelError> {
    let Widths { pillar_features, stages, stage_depths, neck } = raw.widths;
    let counts = [
        ("max_points_per_pillar", raw.max_points_per_pillar),
        ("max_pillars", raw.max_pillars),
        ("widths.pillar_features", pillar_features),
        ("widths.neck", neck),
        ("decode.max_candidates", raw.decode.max_candidates),
    ];
    for (key, count) in counts.into_iter().chain(stages.map(|channels| ("widths.stages", channels))) {
        if count == 0 || count > MAX_COUNT {
            return Err(ModelError::value(key, count, "between 1 and 1048576"));
        }
    }
    if let Some(depth) = stage_depths.into_iter().find(|depth| *depth > 64) {
        return Err(ModelError::value("widths.stage_depths", depth, "at most 64"));
    }
    Ok(())
}

fn check_decode(raw: &RawPointPillarsConfig) -> Result<(), ModelError> {
    within("decode.score_threshold", f64::from(raw.decode.score_threshold), 0.0, 1.0)?;
    within("decode.nms_iou_threshold", raw.decode.nms_iou_threshold, 0.0, 1.0)
}

fn check_input(input: &InputTreatment) -> Result<(), ModelError> {
    within("input.sensor_height_m", input.sensor_height_m, -100.0, 100.0)?;
    input.intensity.check("input.intensity")
}

fn check_anchors(raw: &RawPointPillarsConfig) -> Result<Vec<AnchorClass>, ModelError> {
    let mismatch = || ModelError::AnchorClasses {
        class_names: raw.class_names.clone(),
        anchors: raw.anchors.keys().cloned().collect(),
    };
    let distinct: std::collections::BTreeSet<&String> = raw.class_names.iter().collect();
    if distinct.is_empty() || distinct.len() != raw.class_names.len() || distinct.len() > 256 {
        return Err(ModelError::value("class_names", &raw.class_names, "1 to 256 names, each of them once"));
    }
    if !distinct.into_iter().eq(raw.anchors.keys()) {
        return Err(mismatch());
    }
    let classes = raw.class_names.iter().map(|name| {
        let anchor = raw.anchors.get(name).ok_or_else(mismatch)?;
        let key = |field: &str| format!("anchors.{name}.{field}");
        for side in anchor.size_m {
            within(&key("size_m"), side, 1e-3, 1e3)?;
        }
        within(&key("bottom_z_m"), anchor.bottom_z_m, -1e3, 1e3)?;
        within(&key("positive_iou"), anchor.positive_iou, 0.0, 1.0)?;
        within(&key("negative_iou"), anchor.negative_iou, 0.0, anchor.positive_iou)?;
        Ok(AnchorClass {
            name: name.clone(),
            size_m: anchor.size_m,
            center_z_m: anchor.bottom_z_m + anchor.size_m[2] / 2.0,
            positive_iou: anchor.positive_iou,
            negative_iou: anchor.negative_iou,
        })
    });
    classes.collect()
}

fn within(key: &str, value: f64, min: f64, max: f64) -> Result<(), ModelError> {
    // A NaN fails both comparisons.
    if value >= min && value <= max {
        return Ok(());
    }
    Err(ModelError::value(key, value, &format!("between {min} and {max}")))
}
